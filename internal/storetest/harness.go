// Package storetest is the contract of lifecycle.Store, written as tests. Every
// store passes them unchanged: a store's own test calls Run with a function that
// opens a fresh, migrated store.
//
// The package knows no driver and no dialect. What it must do behind the store's back (age a row,
// write a violation, run a checker) goes through a Harness, in SQL that every store's database
// understands. Only tests import it.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

// Harness is a store under test, with direct access to its database.
type Harness struct {
	Store lifecycle.Store
	// Age moves every time of a session, its requests and its checkout (created_at, expires_at,
	// accepted_at, started_at, ended_at, retry_until, …) this far into the past. Versions and
	// events stay. It also works on ended sessions; guards neither run nor refuse it.
	Age func(t testing.TB, sessionID string, by time.Duration)
	// Exec runs one statement, and fails t if the database refuses it. Statements are portable: $1
	// for the first argument, Schema before table names, only literals that every dialect accepts,
	// and no time literals.
	Exec func(t testing.TB, sql string, args ...any)
	// Query returns all rows as text. NULL is "".
	Query func(t testing.TB, sql string) [][]string
	// Schema goes before table names: "curfew." or "".
	Schema string
	// Freeze stops the store's clock, so that a test can meet a deadline exactly.
	// If it is nil, tests that need it are skipped.
	Freeze func(t testing.TB)
	// Hold runs statements in another program's transaction and keeps it open;
	// commit ends it.
	Hold func(t testing.TB, sql ...string) (commit func())
	// FailAt makes the database accept this many rows and refuse every later one,
	// until FailAt is called again. A negative number accepts every row.
	FailAt func(t testing.TB, rows int)
	// Settled returns once done has a result (and puts it back), or somebody waits for a lock held
	// by Hold.
	Settled func(t testing.TB, done chan error)
}

// Dump returns every row that a read must not change, as text.
func (h Harness) Dump(t testing.TB) string {
	t.Helper()
	all := ""
	for _, table := range []string{"sessions", "session_requests", "checkouts", "events", "runs", "mechanic_slots"} {
		all += fmt.Sprintln(table, h.Query(t, "SELECT * FROM "+h.Schema+table+" ORDER BY 1, 2"))
	}
	return all
}

// Run tests that a store keeps the contract. Each test opens its own store with
// open, which must be cheap, and runs in parallel with the others. After each
// test the invariants are checked, unless the test broke one on purpose.
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

// contract maps sentences to the tests that prove them, for one noun.
type contract map[string]func(*fixture)

// contracts returns the whole contract, by noun.
func contracts() map[string]contract {
	return map[string]contract{
		"admission":    admissions,
		"appointment":  appointments,
		"extension":    extensions,
		"replay":       replays,
		"session":      sessions,
		"request":      requests,
		"absence":      absences,
		"checkout":     checkouts,
		"payment":      payments,
		"refund":       refunds,
		"capture":      captures,
		"capture race": captureRaces,
		"ledger":       ledgers,
		"ledger race":  reportRaces,
		"book":         bookings,
		"difference":   differences,
		"refused":      refusedMessages,
		"cleanup":      cleanups,
		"run":          runs,
		"story":        histories,
		"revival":      revivals,
		"health":       figures,
		"consistency":  consistencies(),
		"signal":       signals,
		"limit":        limits,
		"stream":       streams,
		"message":      messages,
		"key":          apiKeys,
		"revocation":   revocations,
		"sign-in":      signIns,
		"audit":        audits,
		"approval":     approvals,
		"forecast":     forecasts,
		"job":          jobs,
		"erasure":      erasures,
		"personal":     personals,
		"quarantine":   quarantines,
		"invariant":    invariants(),
		"race":         races,
		"meeting":      meetings,
		"fault":        losses,
		"atomicity":    atomics,
		"page":         pagings,
		"deadline":     deadlines,
		"directory":    directories,
	}
}
