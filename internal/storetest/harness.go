// Package storetest is the contract of lifecycle.Store as tests. Every store
// passes it unchanged: a store's own test calls Run with a function that opens
// a fresh, migrated store.
//
// The package knows no driver and no dialect. What it must do behind the
// store's back (age a row, write a violation, run a checker) it does through a
// Harness, in SQL that every store's database understands. Only tests import it.
package storetest

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

// Harness is a store under test, with what a test does behind its back.
type Harness struct {
	Store lifecycle.Store
	// Age moves every time of a session, of its requests and of its checkout
	// (created_at, expires_at, accepted_at, started_at, ended_at, retry_until, …)
	// so far into the past. Versions and events stay. It works on ended sessions
	// too, and makes the guards neither write nor refuse anything.
	Age func(t testing.TB, sessionID string, by time.Duration)
	// Exec runs one statement and fails t where the database refuses it. The
	// statement is portable: $1 for the first argument, table names behind
	// Schema, literals that every dialect accepts, and no literal times.
	Exec func(t testing.TB, sql string, args ...any)
	// Query returns all rows as text. NULL is "".
	Query func(t testing.TB, sql string) [][]string
	// Schema stands before table names: "curfew." or "".
	Schema string
	// Freeze stops the store's clock where it stands, so that a test can meet a
	// deadline exactly. Nil: this store's clock cannot be stopped, and what needs
	// it is skipped.
	Freeze func(t testing.TB)
	// Hold runs statements in a transaction of another program and keeps it open;
	// commit ends it.
	Hold func(t testing.TB, sql ...string) (commit func())
	// FailAt lets so many rows be written, and makes the database refuse to write
	// any other, until it is called anew; below 0 it lets every row be written.
	FailAt func(t testing.TB, rows int)
	// Settled returns when done has a result (and puts it back) or when somebody
	// waits for what Hold holds.
	Settled func(t testing.TB, done chan error)
}

// Run holds a store to the contract. Each test opens a store of its own by
// open, which must be cheap, and runs in parallel with the others. After each
// the invariants are checked, unless the test itself broke one on purpose.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	for noun, tests := range contracts() {
		t.Run(noun, func(t *testing.T) {
			t.Parallel()
			for sentence, test := range tests {
				t.Run(sentence, func(t *testing.T) {
					t.Parallel()
					f := newFixture(t, open(t))
					test(f)
					if !f.corrupted {
						CheckInvariants(t, f.Harness)
					}
				})
			}
		})
	}
}

// contract is the tests of one noun by the sentence they prove.
type contract map[string]func(*fixture)

// contracts is all of it by noun.
func contracts() map[string]contract {
	return map[string]contract{
		"admission":   admissions,
		"appointment": appointments,
		"extension":   extensions,
		"replay":      replays,
		"session":     sessions,
		"request":     requests,
		"checkout":    checkouts,
		"payment":     payments,
		"refund":      refunds,
		"cleanup":     cleanups,
		"run":         runs,
		"story":       histories,
		"revival":     revivals,
		"health":      figures,
		"consistency": consistencies(),
		"signal":      signals,
		"stream":      streams,
		"message":     messages,
		"quarantine":  quarantines,
		"invariant":   invariants(),
		"race":        races,
		"meeting":     meetings,
		"fault":       losses,
		"atomicity":   atomics,
		"page":        pagings,
		"deadline":    deadlines,
	}
}
