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
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

func TestFiguresAreCountsAfterAConcurrentStorm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	chosen := seed.New(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			r := seed.Dice(chosen, fmt.Sprint(i))
			for n := range 30 {
				if err := w.oneLife(r, fmt.Sprintf("customer-%d-%d", i, n)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	w.foreignLives()
	w.wantCounted()
	if shards := w.only(`SELECT count(DISTINCT shard) FROM curfew.tallies`); shards == "1" {
		t.Error("all tallies are in one shard")
	}
	w.exec(`DELETE FROM curfew.session_requests r USING curfew.sessions s WHERE s.id = r.session_id AND s.status = 'cancelled'`)
	w.exec(`DELETE FROM curfew.sessions WHERE status = 'cancelled'`)
	w.exec(`DELETE FROM curfew.checkouts WHERE outcome = 'credited'`)
	w.wantCounted()
}

// oneLife takes a session some random way along.
func (w *world) oneLife(r *rand.Rand, customer string) error {
	ctx := w.Context()
	if r.IntN(4) == 0 {
		d := admission(customer)
		if _, err := w.store.Defer(ctx, d.Checkout, shop, time.Hour); err != nil {
			return err
		}
		d.From, d.Checkout.Outcome, d.Checkout.Version = curfew.Deferred, curfew.Deferred, 1
		if _, err := w.store.Admit(ctx, d); err != nil {
			return err
		}
	} else if _, err := w.store.Admit(ctx, admission(customer)); err != nil {
		return err
	}
	st, err := w.store.Open(ctx, customer)
	steps := []func() error{
		func() error { st, err = w.store.Change(ctx, accepting(st, "mechanic of "+customer)); return err },
		func() error {
			c := ending(st, curfew.Cancelled, curfew.ByRequest)
			c.Owed = []curfew.Outcome{curfew.Credited, curfew.RefundDue, curfew.Forfeited, curfew.Fulfilled}[r.IntN(4)]
			st, err = w.store.Change(ctx, c)
			return err
		},
		func() error {
			if err := w.spoil(st); err != nil {
				return err
			}
			_, err = w.store.End(ctx, batch(st))
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

// spoil makes a session overdue.
func (w *world) spoil(st curfew.Standing) error {
	_, err := w.store.pool.Exec(w.Context(), `UPDATE curfew.sessions SET expires_at = now() - interval '1 hour' WHERE id = $1`, st.ID)
	return err
}

// foreignLives is what another program writes, and what an operator moves.
func (w *world) foreignLives() {
	w.Helper()
	for i := range 6 {
		w.exec(`INSERT INTO curfew.sessions (customer_id, id, status, expires_at) VALUES ($1, $2, 'waiting', now() + interval '1 hour')`,
			fmt.Sprint("foreign-", i), newID())
	}
	w.exec(`UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id IN ('foreign-1', 'foreign-2')`)
	w.admit("moved")
	for _, to := range []curfew.Outcome{curfew.Credited, curfew.Fulfilled, curfew.Fulfilled, curfew.RefundDue} {
		all, err := w.store.Checkouts(w.Context(), "moved")
		w.must(err)
		_, err = w.store.ChangeCheckout(w.Context(), curfew.CheckoutChange{From: all[0], To: to, Actor: shop})
		w.must(err)
	}
}

// wantCounted compares the figures with what is counted row by row.
func (w *world) wantCounted() {
	w.Helper()
	sessions, err := w.store.SessionFigures(w.Context(), curfew.DefaultPolicy())
	w.must(err)
	requests, err := w.store.RequestFigures(w.Context())
	w.must(err)
	checkouts, err := w.store.CheckoutFigures(w.Context())
	w.must(err)
	w.same("sessions", sessions.ByStatus, grouped(w, "sessions", "status", curfew.SessionStatuses()))
	w.same("requests", requests.ByStatus, grouped(w, "session_requests", "status", curfew.RequestStatuses()))
	w.same("checkouts", checkouts.ByOutcome, grouped(w, "checkouts", "outcome", curfew.Outcomes()))
}

func grouped[K ~string](w *world, table, column string, keys []K) map[K]int {
	w.Helper()
	n, err := w.store.counts(w.Context(), fmt.Sprintf("SELECT %s, count(*) FROM curfew.%s GROUP BY 1", column, table))
	w.must(err)
	return by(n, keys)
}

func (w *world) same(what string, got, want any) {
	w.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestStaleAfterIsThatOfTheHouse(t *testing.T) {
	t.Parallel()
	if want := fmt.Sprintf("interval '%d seconds'", curfew.StaleAfter/time.Second); staleAfter != want {
		t.Errorf("the SQL says %s, the house %s", staleAfter, want)
	}
}

// A report must read only what is open.
func TestFiguresReadNothingThatEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO curfew.sessions (customer_id, id, status, version, ended_at, end_reason)
		SELECT 'c' || n, gen_random_uuid(), 'cancelled', 1, now(), 'expired' FROM generate_series(1, 20000) n`)
	w.exec(`INSERT INTO curfew.session_requests (customer_id, id, session_id, status, ended_at)
		SELECT customer_id, gen_random_uuid(), id, 'expired', now() FROM curfew.sessions`)
	w.admit("ada")
	w.exec("ANALYZE")
	for what, report := range map[string]struct {
		sql  string
		args []any
	}{
		"sessions": {countSessions, []any{time.Minute, time.Minute}},
		"requests": {countRequests, nil},
	} {
		for _, line := range w.rows("EXPLAIN "+report.sql, report.args...) {
			for _, table := range []string{"sessions", "session_requests"} {
				if strings.Contains(line, "Seq Scan on "+table+" ") {
					t.Errorf("%s: %s", what, line)
				}
			}
		}
	}
}
