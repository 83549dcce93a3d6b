// Package postgres is lifecycle's Store on PostgreSQL 14 and newer.
//
// A method is one transaction, for one decision that its caller has made; each write
// repeats in its WHERE the state and version that the decision was based on, and a miss
// is Conflict. The database's clock decides everything. A noun has one file, with the SQL
// above each method; follow.go has what follows from a session's change, error.go the one
// table from SQLSTATE to kind of error.
//
// The guards in guards.sql are triggers that keep the structure intact whoever writes.
// The store's own writes are right without them.
//
// The package knows SQL and the words of package curfew. It knows no policy, rules or
// HTTP, and decides nothing.
package postgres
