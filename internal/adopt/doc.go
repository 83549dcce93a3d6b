// Package adopt keeps the sessions that a marketplace has in a table of its own, where they are. It reads
// the database's catalog and the rows, and speaks to PostgreSQL alone; what a table's columns mean is the
// task of package mapping, and what may happen to a session that of package lifecycle.
package adopt
