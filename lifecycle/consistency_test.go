package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// told is what health finds, by code.
func (w *world) told() map[lifecycle.Code]lifecycle.Finding {
	w.Helper()
	all := map[lifecycle.Code]lifecycle.Finding{}
	for _, f := range w.Report(w.Context()).Findings {
		all[f.Code] = f
	}
	return all
}

// eventually asks health until it is so: it looks again at what was wrong at
// most once a second.
func (w *world) eventually(what string, so func(map[lifecycle.Code]lifecycle.Finding) bool) {
	w.Helper()
	until(w, what, func() bool { return so(w.told()) })
}

// mend is what the printed fix does.
func (w *world) mend() {
	w.Helper()
	must(w.Store.(interface { //nolint:errcheck,forcetypeassert // both stores can
		Mend(ctx context.Context) (int64, error)
	}).Mend(w.Context()))(w)
}

// Payments were taken, and their table is empty: TRUNCATE, or a restore of some
// tables. Health says so, by id; the printed fix and a replay heal it.
func TestHealthDoesNotBelieveItsTallies(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		must(w.Cancel(w.Context(), w.pay("bob", "pi_0").SessionID, shop))(w)
		var paid []lifecycle.Fulfillment
		for i := range 3 {
			paid = append(paid, w.pay(fmt.Sprint("c", i), fmt.Sprint("pi_", i+1)))
		}
		w.loses("DELETE FROM {checkouts}", "UPDATE {tallies} SET n = n + 3 WHERE noun = 'checkout' AND status = 'credited'"+
			" AND shard = (SELECT min(shard) FROM {tallies} WHERE noun = 'checkout' AND status = 'credited')")
		found := w.told()
		if f := found[lifecycle.TalliesWrong]; f.Count == 0 || !strings.Contains(f.Problem, "checkout credited is 3 instead of 0") {
			w.Errorf("of the tallies health tells %+v", f)
		}
		rows := found[lifecycle.RowsInconsistent]
		if !slices.Contains(rows.Payments, "pi_1") || !slices.Contains(rows.Sessions, paid[0].SessionID) || !slices.Contains(rows.Customers, "c0") ||
			!strings.Contains(rows.Problem, "payment pi_0 was claimed and has no checkout") {
			w.Errorf("of the rows health tells %+v", rows)
		}
		w.mend()
		for i, f := range paid {
			if again := w.pay(fmt.Sprint("c", i), fmt.Sprint("pi_", i+1)); again.SessionID != f.SessionID || again.Outcome != curfew.Fulfilled {
				w.Errorf("the replay is answered %+v, the first call was %+v", again, f)
			}
		}
		w.pay("bob", "pi_0")
		w.eventually("mended", func(f map[lifecycle.Code]lifecycle.Finding) bool {
			return f[lifecycle.TalliesWrong].Count+f[lifecycle.RowsInconsistent].Count == 0
		})
		w.counted()
	})
}

// A payment whose session is lost is settled as one that another program
// cancelled, and keeps nobody else's from being settled.
func TestAFulfilledPaymentWithoutItsSessionIsSettled(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		f := w.pay("ada", "pi_1")
		w.loses("DELETE FROM {session_requests}", "DELETE FROM {sessions}")
		if rows := w.told()[lifecycle.RowsInconsistent]; !slices.Contains(rows.Payments, f.CheckoutID) {
			w.Errorf("health tells %+v", rows)
		}
		w.mend()
		must(w.Sweep(w.Context()))(w)
		if c := must(w.Checkout(w.Context(), "pi_1"))(w); c.Outcome != curfew.Credited {
			w.Errorf("the payment is %s", c.Outcome)
		}
	})
}

// Where nobody asks for health, Run looks; however many rows there are, each
// look reads a page of each table.
func TestExaminingReadsEveryRow(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		for i := range 5 {
			w.pay(fmt.Sprint("c", i), fmt.Sprint("pi_", i))
		}
		whole := must(w.ExamineRows(w.Context(), time.Minute))(w)
		if !whole || w.told()[lifecycle.RowsInconsistent].Count != 0 {
			w.Errorf("whole: %t, health tells %v", whole, w.told())
		}
		w.loses("DELETE FROM {payment_refs} WHERE ref = 'pi_3'")
		must(w.ExamineRows(w.Context(), time.Minute))(w)
		if f := w.told()[lifecycle.RowsInconsistent]; f.Count != 1 || f.Severity != lifecycle.Critical {
			w.Errorf("health tells %+v", f)
		}
		if whole := must(w.ExamineRows(w.Context(), time.Nanosecond))(w); whole {
			w.Error("in no time everything was looked at")
		}
	})
}
