// Package adopt protects the sessions of tables that a marketplace has already. Their row is
// the truth. A mirror of it in Curfew's own sessions follows, so that everything that reads
// sessions works on theirs, too; nothing writes the mirror but the database's function
// curfew.adopt. A session that mirrors a row is ended by ending the row.
//
// In mode shadow, a poller reads their table by SELECT alone, and mirrors what it finds. In
// mode enforce, triggers on their table mirror each write in its own transaction, and let an
// INSERT end the customer's overdue session first; the sweeper ends their overdue rows on
// time. Whoever writes both their row and its mirror locks their row first.
package adopt
