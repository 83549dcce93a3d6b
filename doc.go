// Package curfew defines the vocabulary of the session keeper: sessions, requests,
// checkouts, events, runs, the policy with its deadlines, and the kinds of errors.
// Everything here is a value. Package lifecycle decides what may happen, and when;
// packages postgres and sqlite store it.
//
// The package knows no database, no HTTP and no clock: every time comes from the
// store, because the database's clock decides.
package curfew
