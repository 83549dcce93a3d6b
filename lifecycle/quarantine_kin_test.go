package lifecycle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// outcomes is what the checkouts are, by customer.
func (env *environment) outcomes() map[string]string {
	env.Helper()
	all := map[string]string{}
	for _, row := range env.Query(env, "SELECT customer_id, outcome FROM "+env.Schema+"checkouts ORDER BY created_at, id") {
		all[row[0]] = strings.TrimPrefix(all[row[0]]+" "+row[1], " ")
	}
	return all
}

// foreignly cancels sessions as another program does.
func (env *environment) foreignly(sessions ...lifecycle.Fulfillment) {
	env.Helper()
	for _, f := range sessions {
		env.Exec(env, "UPDATE "+env.Schema+"sessions SET status = 'cancelled' WHERE id = $1", f.SessionID)
	}
}

func TestMoneyThatCannotBeSettledStopsNoOther(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for i := range 5 {
			env.foreignly(env.pay(fmt.Sprint("c", i), fmt.Sprint("ref-", i)))
		}
		cure := storetest.Poison(env, env.Harness, "checkouts", "UPDATE", "c1")
		for range 3 {
			must(env.Sweep(env.Context()))(env)
		}
		if got := fmt.Sprint(env.outcomes()); got != "map[c0:credited c1:fulfilled c2:credited c3:credited c4:credited]" || env.apart() != "c1 payment settle 1" {
			env.Errorf("outcomes are %s; set apart is %q", got, env.apart())
		}
		if f := env.finding(env.Keeper, lifecycle.StuckRows); len(f.Payments) != 1 || fmt.Sprint(f.Customers) != "[c1]" {
			env.Errorf("health finds %+v", f)
		}
		cure()
		env.tryNow()
		must(env.Sweep(env.Context()))(env)
		if got := env.outcomes()["c1"]; got != "credited" || env.apart() != "" {
			env.Errorf("healed, it is %s; set apart is %q", got, env.apart())
		}
	})
}

// deferredOf is a payment that waits behind the customer's live session, which
// another program then ends.
func (env *environment) deferredOf(customer string) {
	env.Helper()
	first := env.live(customer, "first-"+customer, "m-"+customer)
	if f := env.pay(customer, "second-"+customer); f.Outcome != curfew.Deferred {
		env.Fatalf("the second payment is %s", f.Outcome)
	}
	env.Exec(env, "UPDATE "+env.Schema+"sessions SET status = 'completed' WHERE id = $1", first.SessionID)
}

func TestACustomerWhoCannotBeServedStopsNoOther(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for i := range 5 {
			env.deferredOf(fmt.Sprint("c", i))
		}
		cure := storetest.Poison(env, env.Harness, "session_requests", "INSERT", "c1")
		for range 3 {
			must(env.Sweep(env.Context()))(env)
		}
		want := "map[c0:fulfilled fulfilled c1:fulfilled deferred c2:fulfilled fulfilled c3:fulfilled fulfilled c4:fulfilled fulfilled]"
		if got := fmt.Sprint(env.outcomes()); got != want || env.apart() != "c1 customer serve 1" {
			env.Errorf("outcomes are %s; set apart is %q", got, env.apart())
		}
		cure()
		env.tryNow()
		must(env.Sweep(env.Context()))(env)
		if got := env.outcomes()["c1"]; got != "fulfilled fulfilled" || env.apart() != "" {
			env.Errorf("healed, it is %s; set apart is %q", got, env.apart())
		}
	})
}

// A plan that the settings do not know (any more), written by hand.
func TestAPlanThatNobodyKnowsStopsNoOther(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for i := range 3 {
			env.deferredOf(fmt.Sprint("c", i))
		}
		env.Exec(env, "UPDATE "+env.Schema+"checkouts SET plan = 'gold', metadata = '[1]' WHERE outcome = 'deferred' AND customer_id = 'c0'")
		env.Exec(env, "UPDATE "+env.Schema+"payment_refs SET plan = 'gold' WHERE ref = 'second-c0'")
		must(env.Sweep(env.Context()))(env)
		if got := fmt.Sprint(env.outcomes()); got != "map[c0:fulfilled deferred c1:fulfilled fulfilled c2:fulfilled fulfilled]" {
			env.Errorf("outcomes are %s", got)
		}
	})
}

func TestARefundThatCannotBeKeptStopsNoOther(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		for i := range 4 {
			env.refundDue(fmt.Sprint("p", i))
		}
		cure := storetest.Poison(env, env.Harness, "checkouts", "UPDATE", "c-p1")
		for range 3 {
			env.settleRefunds()
		}
		if got := fmt.Sprint(env.outcomes()); got != "map[c-p0:refunded c-p1:refund_due c-p2:refunded c-p3:refunded]" || env.apart() != "c-p1 payment refund 1" {
			env.Errorf("outcomes are %s; set apart is %q", got, env.apart())
		}
		cure()
		env.tryNow()
		env.settleRefunds()
		if got := env.outcomes()["c-p1"]; got != "refunded" || env.apart() != "" || b.sum("pi-p1") != 2900 {
			env.Errorf("healed, it is %s, %d were given back; set apart is %q", got, b.sum("pi-p1"), env.apart())
		}
	})
}

func TestAnAppointmentThatCannotBeginStopsNoOther(t *testing.T) {
	onEachStore(t, func(env *environment) {
		var all []lifecycle.Fulfillment
		for i := range 4 {
			all = append(all, env.due(fmt.Sprint("c", i), fmt.Sprint("ref-", i)))
		}
		cure := storetest.Poison(env, env.Harness, "session_requests", "INSERT", "c1")
		for range 3 {
			must(env.Sweep(env.Context()))(env)
		}
		for i, f := range all {
			if want := map[bool]curfew.SessionStatus{true: curfew.Scheduled, false: curfew.Waiting}[i == 1]; env.status(f.SessionID) != want {
				env.Errorf("appointment %d is %s", i, env.status(f.SessionID))
			}
		}
		if env.apart() != "c1 session begin 1" || env.failedRuns() != 1 {
			env.Errorf("set apart is %q after %d failed runs", env.apart(), env.failedRuns())
		}
		cure()
		must(env.RunCleanup(env.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(env)
		if env.status(all[1].SessionID) != curfew.Waiting || env.apart() != "" {
			env.Errorf("healed, it is %s; set apart is %q", env.status(all[1].SessionID), env.apart())
		}
	})
}

// An appointment whose slot is held by a session that cannot be ended is no
// endless run either.
func TestAnAppointmentBehindAStuckSessionIsSetApart(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.due("c", "p1")
		env.Age(env, env.pay("c", "p2").SessionID, time.Hour)
		storetest.Poison(env, env.Harness, "checkouts", "UPDATE", "c")
		for range 4 {
			must(env.Sweep(env.Context()))(env)
		}
		if n := len(env.Query(env, "SELECT id FROM "+env.Schema+"runs")); n > 2 {
			env.Errorf("%d runs for what cannot be settled; set apart is %q", n, env.apart())
		}
	})
}

// The queue's step, with the sweeper off.
func TestTheQueuesStepPassesBy(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.late(6)
		storetest.Poison(env, env.Harness, "sessions", "UPDATE", "c0")
		e := env.keeper(lifecycle.Options{SweeperOff: true})
		must(e.Queue.Pending(env.Context(), curfew.Cursor{}, 10))(env)
		env.running([]*lifecycle.Keeper{e}, func() bool { return len(env.stands()) == 1 })
		if got := fmt.Sprint(env.stands()); got != "[c0]" || env.failedRuns() != 1 {
			env.Errorf("%s stand, %d runs failed", got, env.failedRuns())
		}
	})
}

func TestAPreviewIsExecutedButForWhatCannotBe(t *testing.T) {
	onEachStore(t, func(env *environment) {
		all := env.late(6)
		p := must(env.StorePreview(env.Context(), lifecycle.Cleanup{Actor: admin}))(env)
		storetest.Poison(env, env.Harness, "events", "INSERT", "c2")
		run, drifted, err := env.ExecutePreview(env.Context(), p.ID, lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin})
		if err == nil || run.Outcome != curfew.RunFailed || run.Stats.SetApart != 1 || fmt.Sprint(env.stands()) != "[c2]" {
			env.Errorf("it is %+v, %v; %v stand", run, err, env.stands())
		}
		if len(drifted) != 1 || drifted[0].SessionID != all[2].SessionID {
			env.Errorf("drifted: %+v", drifted)
		}
	})
}

func TestAnUndoRevivesAllButWhatCannotBe(t *testing.T) {
	onEachStore(t, func(env *environment) {
		all := env.late(5)
		run := must(env.RunCleanup(env.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(env)
		cure := storetest.Poison(env, env.Harness, "sessions", "INSERT", "c2")
		u := must(env.Undo(env.Context(), lifecycle.Undo{RunID: run.ID, Trigger: curfew.ByAPI, Actor: admin}))(env)
		if len(u.Revived) != 4 || len(u.NotRevived) != 1 || u.NotRevived[0].SessionID != all[2].SessionID || u.Run.Outcome != curfew.RunFailed {
			env.Errorf("it is %+v", u)
		}
		if strings.Contains(u.NotRevived[0].Why, "no touching") {
			env.Errorf("it tells a driver's text: %s", u.NotRevived[0].Why)
		}
		cure()
		if u = must(env.Undo(env.Context(), lifecycle.Undo{RunID: run.ID, Trigger: curfew.ByAPI, Actor: admin}))(env); len(u.Revived) != 5 {
			env.Errorf("undone again it is %+v", u)
		}
	})
}

func TestReconcileComparesAllButWhatCannotBeTaken(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		for i := range 4 {
			b.paid = append(b.paid, reportedPayment(fmt.Sprint("c", i), fmt.Sprint("p", i)))
		}
		env = env.banked(b, env.Store)
		storetest.Poison(env, env.Harness, "checkouts", "INSERT", "c1")
		r, err := env.Reconcile(env.Context(), time.Hour)
		if err == nil || len(r.Differences) != 3 || len(env.outcomes()) != 3 {
			env.Errorf("it is %+v, %v", r, err)
		}
	})
}

// The customer's own stuck session keeps no payment from its record, and no
// mechanic from the next customer.
func TestAStuckSessionHoldsNobodyElseUp(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.accepted("kim", "p1", "mia")
		env.Age(env, must(env.Store.Open(env.Context(), "kim"))(env).ID, 2*time.Hour)
		cure := storetest.Poison(env, env.Harness, "sessions", "UPDATE", "kim")
		next := env.pay("bea", "p2")
		if s := must(env.Accept(env.Context(), next.RequestID, "mia"))(env); s.MechanicID != "mia" {
			env.Errorf("the mechanic of a stuck session got %+v", s)
		}
		if f := env.pay("kim", "p3"); f.Outcome != curfew.Deferred {
			env.Errorf("a payment beside a stuck session is %s", f.Outcome)
		}
		_, err := env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "kim", Plan: "free"})
		if !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), "cannot be ended") {
			env.Errorf("a free session is refused by %v", err)
		}
		if env.apart() != "kim session end 1" {
			env.Errorf("set apart is %q", env.apart())
		}
		cure()
		if f := env.pay("kim", "p3"); f.Outcome != curfew.Fulfilled {
			env.Errorf("healed, the payment is %s", f.Outcome)
		}
	})
}

// Rows that another program wrote oddly keep no list from being read.
func TestOddRowsKeepNoListFromBeingRead(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for _, odd := range []string{`[]`, `7`, `{"order": 7, "vip": true, "note": null, "shop": "b"}`} {
			env.Age(env, env.pay("c0", "ref-"+newName()).SessionID, time.Hour)
			env.Exec(env, "UPDATE "+env.Schema+"checkouts SET metadata = '"+odd+"' WHERE customer_id = 'c0'")
			env.Exec(env, "UPDATE "+env.Schema+"runs SET stats = '"+odd+"'")
			must(env.Sweep(env.Context()))(env)
			must(env.Runs(env.Context(), curfew.Cursor{}, 10))(env)
			all := must(env.ListCheckouts(env.Context(), curfew.CheckoutSearch{Limit: 10}))(env)
			for _, c := range all {
				if c.CustomerID == "c0" && odd[0] == '{' && fmt.Sprint(c.Metadata) != "map[note: order:7 shop:b vip:true]" {
					env.Errorf("read as %v", c.Metadata)
				}
			}
			if r := env.Report(env.Context()); r.Health == lifecycle.Undetermined {
				env.Errorf("health says %+v", r.Findings)
			}
		}
	})
}

// A transaction that somebody left open on one customer's payment.
func TestARowThatIsHeldForLongStopsNoOther(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, stores.Postgres(t), nil)
	env.late(5)
	release := env.Hold(t, "UPDATE "+env.Schema+"checkouts SET note = 'looking' WHERE customer_id = 'c2'")
	must(env.Sweep(env.Context()))(env)
	if got := fmt.Sprint(env.stands()); got != "[c2]" || env.apart() != "c2 session end 1" {
		env.Errorf("%s stand; set apart is %q", got, env.apart())
	}
	release()
	must(env.RunCleanup(env.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(env)
	if len(env.stands()) > 0 {
		env.Errorf("released, %v stand", env.stands())
	}
}
