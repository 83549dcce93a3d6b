package postgres

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

func TestFiguresAreCountsAfterAConcurrentStorm(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	chosen := seed.New(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := seed.Dice(chosen, fmt.Sprint(i))
			for n := range 30 {
				if err := f.oneLife(r, fmt.Sprintf("customer-%d-%d", i, n)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	f.foreignLives()
	f.wantCounted()
	if shards := f.only(`SELECT count(DISTINCT shard) FROM curfew.tallies`); shards == "1" {
		t.Error("all tallies are in one shard")
	}
	f.exec(`DELETE FROM curfew.session_requests r USING curfew.sessions s WHERE s.id = r.session_id AND s.status = 'cancelled'`)
	f.exec(`DELETE FROM curfew.sessions WHERE status = 'cancelled'`)
	f.exec(`DELETE FROM curfew.checkouts WHERE outcome = 'credited'`)
	f.wantCounted()
}

// oneLife takes a session some random way along.
func (f *fixture) oneLife(r *rand.Rand, customer string) error {
	ctx := f.Context()
	if r.IntN(4) == 0 {
		d := admission(customer)
		if _, err := f.store.Defer(ctx, d.Checkout, shop, time.Hour); err != nil {
			return err
		}
		d.From, d.Checkout.Outcome, d.Checkout.Version = curfew.Deferred, curfew.Deferred, 1
		if _, err := f.store.Admit(ctx, d); err != nil {
			return err
		}
	} else if _, err := f.store.Admit(ctx, admission(customer)); err != nil {
		return err
	}
	st, err := f.store.Open(ctx, customer)
	steps := []func() error{
		func() error { st, err = f.store.Change(ctx, accepting(st, "mechanic of "+customer)); return err },
		func() error {
			c := endChange(st, curfew.Cancelled, curfew.ByRequest)
			c.Owed = []curfew.Outcome{curfew.Credited, curfew.RefundDue, curfew.Forfeited, curfew.Fulfilled}[r.IntN(4)]
			st, err = f.store.Change(ctx, c)
			return err
		},
		func() error {
			if err := f.corrupt(st); err != nil {
				return err
			}
			_, err = f.store.End(ctx, batch(st))
			return err
		},
	}
	switch r.IntN(4) {
	case 0:
		return err
	case 1:
		return steps[0]()
	case 2:
		if err := steps[0](); err != nil {
			return err
		}
	}
	return steps[1+r.IntN(2)]()
}

// corrupt makes a session overdue.
func (f *fixture) corrupt(st curfew.Snapshot) error {
	_, err := f.store.pool.Exec(f.Context(), `UPDATE curfew.sessions SET expires_at = now() - interval '1 hour' WHERE id = $1`, st.ID)
	return err
}

// foreignLives is what another program writes, and what an operator moves.
func (f *fixture) foreignLives() {
	f.Helper()
	for i := range 6 {
		f.exec(`INSERT INTO curfew.sessions (customer_id, id, status, expires_at) VALUES ($1, $2, 'waiting', now() + interval '1 hour')`,
			fmt.Sprint("foreign-", i), newID())
	}
	f.exec(`UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id IN ('foreign-1', 'foreign-2')`)
	f.admit("moved")
	for _, to := range []curfew.Outcome{curfew.Credited, curfew.Fulfilled, curfew.Fulfilled, curfew.RefundDue} {
		all, err := f.store.Checkouts(f.Context(), "moved")
		f.must(err)
		_, err = f.store.ChangeCheckout(f.Context(), record.CheckoutChange{From: all[0], To: to, Actor: shop})
		f.must(err)
	}
}

// wantCounted compares the figures with what is counted row by row.
func (f *fixture) wantCounted() {
	f.Helper()
	sessions, err := f.store.SessionFigures(f.Context(), curfew.DefaultPolicy())
	f.must(err)
	requests, err := f.store.RequestFigures(f.Context())
	f.must(err)
	checkouts, err := f.store.CheckoutFigures(f.Context())
	f.must(err)
	f.same("sessions", sessions.ByStatus, grouped(f, "sessions", "status", curfew.SessionStatuses()))
	f.same("requests", requests.ByStatus, grouped(f, "session_requests", "status", curfew.RequestStatuses()))
	f.same("checkouts", checkouts.ByOutcome, grouped(f, "checkouts", "outcome", curfew.Outcomes()))
}

func grouped[K ~string](f *fixture, table, column string, keys []K) map[K]int {
	f.Helper()
	n, err := f.store.counts(f.Context(), fmt.Sprintf("SELECT %s, count(*) FROM curfew.%s GROUP BY 1", column, table))
	f.must(err)
	return byName(n, keys)
}

func (f *fixture) same(what string, got, want any) {
	f.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestStaleAfterIsThatOfTheHouse(t *testing.T) {
	t.Parallel()
	if want := fmt.Sprintf("interval '%d seconds'", record.StaleAfter/time.Second); staleAfter != want {
		t.Errorf("the SQL says %s, curfew.StaleAfter is %s", staleAfter, want)
	}
}

// A report must read only what is open.
func TestFiguresReadNothingThatEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO curfew.sessions (customer_id, id, status, version, ended_at, end_reason)
		SELECT 'c' || n, gen_random_uuid(), 'cancelled', 1, now(), 'expired' FROM generate_series(1, 20000) n`)
	f.exec(`INSERT INTO curfew.session_requests (customer_id, id, session_id, status, ended_at)
		SELECT customer_id, gen_random_uuid(), id, 'expired', now() FROM curfew.sessions`)
	f.admit("ada")
	f.exec("ANALYZE")
	for what, report := range map[string]struct {
		sql  string
		args []any
	}{
		"sessions": {countSessions, []any{time.Minute, time.Minute}},
		"requests": {countRequests, nil},
	} {
		for _, line := range f.rows("EXPLAIN "+report.sql, report.args...) {
			for _, table := range []string{"sessions", "session_requests"} {
				if strings.Contains(line, "Seq Scan on "+table+" ") {
					t.Errorf("%s: %s", what, line)
				}
			}
		}
	}
}
