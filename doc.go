// Package curfew holds the words of the session keeper: sessions, requests,
// checkouts, events, runs, the policy with its deadlines, the rules of the
// cleanup and the kinds of errors. Everything here is a value. What may happen
// and when is decided in lifecycle; how it is stored, in postgres and sqlite.
//
// The package knows no database, no HTTP and no clock: times come from whoever
// stores them, because the database's clock decides.
package curfew
