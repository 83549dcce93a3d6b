// Package postgres is the session keeper's store on PostgreSQL 14 and newer.
//
// A method is one transaction and one decision that its caller has taken; each
// write repeats the state and version it was decided on in its WHERE, and a miss
// is Conflict. The database's clock decides everything. A noun has one file with
// its SQL above each method; follow.go is what a session's change brings with
// it, error.go the one table from SQLSTATE to kind of error.
//
// Layer 3, the guards, is guards.sql: triggers that keep the structure whoever
// writes. The store's own writes are right without them.
//
// The package knows no policy and no HTTP, and decides nothing.
package postgres
