// Package sqlite is lifecycle's Store on a SQLite file: the embedded default.
//
// One connection writes, in the order in which callers ask; others read beside it. A
// transaction takes the write lock at its start, reads the clock once, and an error
// inside ends it: SQLite may have rolled back already (SQLITE_FULL), so nothing ever goes
// on in a failed one. Times are microseconds in UTC. Commits are durable (WAL,
// synchronous=FULL).
//
// The package knows SQL and the words of package curfew. It knows no policy, rules or
// HTTP, and decides nothing: callers have decided what is to happen, and a guard that no
// longer holds is curfew.Conflict.
package sqlite
