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

// findings is what health reports, by code.
func (env *environment) findings() map[lifecycle.Code]lifecycle.Finding {
	env.Helper()
	all := map[lifecycle.Code]lifecycle.Finding{}
	for _, f := range env.Report(env.Context()).Findings {
		all[f.Code] = f
	}
	return all
}

// eventually asks health until it is so: it looks again at what was wrong at
// most once a second.
func (env *environment) eventually(what string, so func(map[lifecycle.Code]lifecycle.Finding) bool) {
	env.Helper()
	until(env, what, func() bool { return so(env.findings()) })
}

// mend is what the printed fix does.
func (env *environment) mend() {
	env.Helper()
	must(env.Store.(interface { //nolint:errcheck,forcetypeassert // both stores can
		Mend(ctx context.Context) (int64, error)
	}).Mend(env.Context()))(env)
}

// Payments were taken, and their table is empty: TRUNCATE, or a restore of some
// tables. Health says so, by id; the printed fix and a replay heal it.
func TestHealthDoesNotBelieveItsTallies(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		must(env.Cancel(env.Context(), env.pay("bob", "pi_0").SessionID, shop))(env)
		var paid []lifecycle.Fulfillment
		for i := range 3 {
			paid = append(paid, env.pay(fmt.Sprint("c", i), fmt.Sprint("pi_", i+1)))
		}
		env.loses("DELETE FROM {checkouts}", "UPDATE {tallies} SET n = n + 3 WHERE noun = 'checkout' AND status = 'credited'"+
			" AND shard = (SELECT min(shard) FROM {tallies} WHERE noun = 'checkout' AND status = 'credited')")
		found := env.findings()
		if f := found[lifecycle.TalliesWrong]; f.Count == 0 || !strings.Contains(f.Problem, "checkout credited is 3 instead of 0") {
			env.Errorf("of the tallies health tells %+v", f)
		}
		rows := found[lifecycle.RowsInconsistent]
		if !slices.Contains(rows.Payments, "pi_1") || !slices.Contains(rows.Sessions, paid[0].SessionID) || !slices.Contains(rows.Customers, "c0") ||
			!strings.Contains(rows.Problem, "payment pi_0 was claimed and has no checkout") {
			env.Errorf("of the rows health tells %+v", rows)
		}
		env.mend()
		for i, f := range paid {
			if again := env.pay(fmt.Sprint("c", i), fmt.Sprint("pi_", i+1)); again.SessionID != f.SessionID || again.Outcome != curfew.Fulfilled {
				env.Errorf("the replay is answered %+v, the first call was %+v", again, f)
			}
		}
		env.pay("bob", "pi_0")
		env.eventually("mended", func(f map[lifecycle.Code]lifecycle.Finding) bool {
			return f[lifecycle.TalliesWrong].Count+f[lifecycle.RowsInconsistent].Count == 0
		})
		env.counted()
	})
}

// A payment whose session is lost is settled as one that another program
// cancelled, and keeps nobody else's from being settled.
func TestAFulfilledPaymentWithoutItsSessionIsSettled(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		f := env.pay("ada", "pi_1")
		env.loses("DELETE FROM {session_requests}", "DELETE FROM {sessions}")
		if rows := env.findings()[lifecycle.RowsInconsistent]; !slices.Contains(rows.Payments, f.CheckoutID) {
			env.Errorf("health tells %+v", rows)
		}
		env.mend()
		must(env.Sweep(env.Context()))(env)
		if c := must(env.Checkout(env.Context(), "pi_1"))(env); c.Outcome != curfew.Credited {
			env.Errorf("the payment is %s", c.Outcome)
		}
	})
}

// Where nobody asks for health, Run looks; however many rows there are, each
// look reads a page of each table.
func TestExaminingReadsEveryRow(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		for i := range 5 {
			env.pay(fmt.Sprint("c", i), fmt.Sprint("pi_", i))
		}
		whole := must(env.ExamineRows(env.Context(), time.Minute))(env)
		if !whole || env.findings()[lifecycle.RowsInconsistent].Count != 0 {
			env.Errorf("whole: %t, health tells %v", whole, env.findings())
		}
		env.loses("DELETE FROM {payment_refs} WHERE ref = 'pi_3'")
		must(env.ExamineRows(env.Context(), time.Minute))(env)
		if f := env.findings()[lifecycle.RowsInconsistent]; f.Count != 1 || f.Severity != lifecycle.Critical {
			env.Errorf("health tells %+v", f)
		}
		if whole := must(env.ExamineRows(env.Context(), time.Nanosecond))(env); whole {
			env.Error("in no time everything was looked at")
		}
	})
}
