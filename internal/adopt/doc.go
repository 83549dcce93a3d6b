// Package adopt protects sessions that live in a marketplace's existing tables. The marketplace's
// row is the truth. Curfew keeps a mirror of it among its own sessions, so everything that reads
// sessions also works on adopted ones. Only the database function curfew.adopt writes a mirror, and
// a mirrored session is ended by ending its row.
//
// In shadow mode, a poller reads the table with SELECT alone and mirrors what it finds. In enforce
// mode, triggers on the table mirror each write in its own transaction and let an INSERT first end
// the customer's overdue session; the sweeper ends overdue rows on time. Code that writes both a
// row and its mirror locks the row first.
package adopt
