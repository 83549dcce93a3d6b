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
func (w *world) outcomes() map[string]string {
	w.Helper()
	all := map[string]string{}
	for _, row := range w.Query(w, "SELECT customer_id, outcome FROM "+w.Schema+"checkouts ORDER BY created_at, id") {
		all[row[0]] = strings.TrimPrefix(all[row[0]]+" "+row[1], " ")
	}
	return all
}

// foreignly cancels sessions as another program does.
func (w *world) foreignly(sessions ...lifecycle.Fulfillment) {
	w.Helper()
	for _, f := range sessions {
		w.Exec(w, "UPDATE "+w.Schema+"sessions SET status = 'cancelled' WHERE id = $1", f.SessionID)
	}
}

func TestMoneyThatCannotBeSettledStopsNoOther(t *testing.T) {
	worlds(t, func(w *world) {
		for i := range 5 {
			w.foreignly(w.pay(fmt.Sprint("c", i), fmt.Sprint("ref-", i)))
		}
		cure := storetest.Poison(w, w.Harness, "checkouts", "UPDATE", "c1")
		for range 3 {
			must(w.Sweep(w.Context()))(w)
		}
		if got := fmt.Sprint(w.outcomes()); got != "map[c0:credited c1:fulfilled c2:credited c3:credited c4:credited]" || w.apart() != "c1 payment settle 1" {
			w.Errorf("outcomes are %s; set apart is %q", got, w.apart())
		}
		if f := w.finding(w.Keeper, lifecycle.StuckRows); len(f.Payments) != 1 || fmt.Sprint(f.Customers) != "[c1]" {
			w.Errorf("health finds %+v", f)
		}
		cure()
		w.tryNow()
		must(w.Sweep(w.Context()))(w)
		if got := w.outcomes()["c1"]; got != "credited" || w.apart() != "" {
			w.Errorf("healed, it is %s; set apart is %q", got, w.apart())
		}
	})
}

// deferredOf is a payment that waits behind the customer's live session, which
// another program then ends.
func (w *world) deferredOf(customer string) {
	w.Helper()
	first := w.live(customer, "first-"+customer, "m-"+customer)
	if f := w.pay(customer, "second-"+customer); f.Outcome != curfew.Deferred {
		w.Fatalf("the second payment is %s", f.Outcome)
	}
	w.Exec(w, "UPDATE "+w.Schema+"sessions SET status = 'completed' WHERE id = $1", first.SessionID)
}

func TestACustomerWhoCannotBeServedStopsNoOther(t *testing.T) {
	worlds(t, func(w *world) {
		for i := range 5 {
			w.deferredOf(fmt.Sprint("c", i))
		}
		cure := storetest.Poison(w, w.Harness, "session_requests", "INSERT", "c1")
		for range 3 {
			must(w.Sweep(w.Context()))(w)
		}
		want := "map[c0:fulfilled fulfilled c1:fulfilled deferred c2:fulfilled fulfilled c3:fulfilled fulfilled c4:fulfilled fulfilled]"
		if got := fmt.Sprint(w.outcomes()); got != want || w.apart() != "c1 customer serve 1" {
			w.Errorf("outcomes are %s; set apart is %q", got, w.apart())
		}
		cure()
		w.tryNow()
		must(w.Sweep(w.Context()))(w)
		if got := w.outcomes()["c1"]; got != "fulfilled fulfilled" || w.apart() != "" {
			w.Errorf("healed, it is %s; set apart is %q", got, w.apart())
		}
	})
}

// A plan that the settings do not know (any more), written by hand.
func TestAPlanThatNobodyKnowsStopsNoOther(t *testing.T) {
	worlds(t, func(w *world) {
		for i := range 3 {
			w.deferredOf(fmt.Sprint("c", i))
		}
		w.Exec(w, "UPDATE "+w.Schema+"checkouts SET plan = 'gold', metadata = '[1]' WHERE outcome = 'deferred' AND customer_id = 'c0'")
		w.Exec(w, "UPDATE "+w.Schema+"payment_refs SET plan = 'gold' WHERE ref = 'second-c0'")
		must(w.Sweep(w.Context()))(w)
		if got := fmt.Sprint(w.outcomes()); got != "map[c0:fulfilled deferred c1:fulfilled fulfilled c2:fulfilled fulfilled]" {
			w.Errorf("outcomes are %s", got)
		}
	})
}

func TestARefundThatCannotBeKeptStopsNoOther(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		w = w.banked(b, w.Store)
		for i := range 4 {
			w.refundDue(fmt.Sprint("p", i))
		}
		cure := storetest.Poison(w, w.Harness, "checkouts", "UPDATE", "c-p1")
		for range 3 {
			w.settleRefunds()
		}
		if got := fmt.Sprint(w.outcomes()); got != "map[c-p0:refunded c-p1:refund_due c-p2:refunded c-p3:refunded]" || w.apart() != "c-p1 payment refund 1" {
			w.Errorf("outcomes are %s; set apart is %q", got, w.apart())
		}
		cure()
		w.tryNow()
		w.settleRefunds()
		if got := w.outcomes()["c-p1"]; got != "refunded" || w.apart() != "" || b.sum("pi-p1") != 2900 {
			w.Errorf("healed, it is %s, %d were given back; set apart is %q", got, b.sum("pi-p1"), w.apart())
		}
	})
}

func TestAnAppointmentThatCannotBeginStopsNoOther(t *testing.T) {
	worlds(t, func(w *world) {
		var all []lifecycle.Fulfillment
		for i := range 4 {
			all = append(all, w.due(fmt.Sprint("c", i), fmt.Sprint("ref-", i)))
		}
		cure := storetest.Poison(w, w.Harness, "session_requests", "INSERT", "c1")
		for range 3 {
			must(w.Sweep(w.Context()))(w)
		}
		for i, f := range all {
			if want := map[bool]curfew.SessionStatus{true: curfew.Scheduled, false: curfew.Waiting}[i == 1]; w.status(f.SessionID) != want {
				w.Errorf("appointment %d is %s", i, w.status(f.SessionID))
			}
		}
		if w.apart() != "c1 session begin 1" || w.failedRuns() != 1 {
			w.Errorf("set apart is %q after %d failed runs", w.apart(), w.failedRuns())
		}
		cure()
		must(w.RunCleanup(w.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(w)
		if w.status(all[1].SessionID) != curfew.Waiting || w.apart() != "" {
			w.Errorf("healed, it is %s; set apart is %q", w.status(all[1].SessionID), w.apart())
		}
	})
}

// An appointment whose slot is held by a session that cannot be ended is no
// endless run either.
func TestAnAppointmentBehindAStuckSessionIsSetApart(t *testing.T) {
	worlds(t, func(w *world) {
		w.due("c", "p1")
		w.Age(w, w.pay("c", "p2").SessionID, time.Hour)
		storetest.Poison(w, w.Harness, "checkouts", "UPDATE", "c")
		for range 4 {
			must(w.Sweep(w.Context()))(w)
		}
		if n := len(w.Query(w, "SELECT id FROM "+w.Schema+"runs")); n > 2 {
			w.Errorf("%d runs for what cannot be settled; set apart is %q", n, w.apart())
		}
	})
}

// The queue's step, with the sweeper off.
func TestTheQueuesStepPassesBy(t *testing.T) {
	worlds(t, func(w *world) {
		w.late(6)
		storetest.Poison(w, w.Harness, "sessions", "UPDATE", "c0")
		e := w.engine(lifecycle.Options{SweeperOff: true})
		must(e.Queue.Pending(w.Context(), curfew.Cursor{}, 10))(w)
		w.running([]*lifecycle.Keeper{e}, func() bool { return len(w.stands()) == 1 })
		if got := fmt.Sprint(w.stands()); got != "[c0]" || w.failedRuns() != 1 {
			w.Errorf("%s stand, %d runs failed", got, w.failedRuns())
		}
	})
}

func TestAPreviewIsExecutedButForWhatCannotBe(t *testing.T) {
	worlds(t, func(w *world) {
		all := w.late(6)
		p := must(w.StorePreview(w.Context(), lifecycle.Cleanup{Actor: admin}))(w)
		storetest.Poison(w, w.Harness, "events", "INSERT", "c2")
		run, drifted, err := w.ExecutePreview(w.Context(), p.ID, lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin})
		if err == nil || run.Outcome != curfew.RunFailed || run.Stats.SetApart != 1 || fmt.Sprint(w.stands()) != "[c2]" {
			w.Errorf("it is %+v, %v; %v stand", run, err, w.stands())
		}
		if len(drifted) != 1 || drifted[0].SessionID != all[2].SessionID {
			w.Errorf("drifted: %+v", drifted)
		}
	})
}

func TestAnUndoRevivesAllButWhatCannotBe(t *testing.T) {
	worlds(t, func(w *world) {
		all := w.late(5)
		run := must(w.RunCleanup(w.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(w)
		cure := storetest.Poison(w, w.Harness, "sessions", "INSERT", "c2")
		u := must(w.Undo(w.Context(), lifecycle.Undo{RunID: run.ID, Trigger: curfew.ByAPI, Actor: admin}))(w)
		if len(u.Revived) != 4 || len(u.NotRevived) != 1 || u.NotRevived[0].SessionID != all[2].SessionID || u.Run.Outcome != curfew.RunFailed {
			w.Errorf("it is %+v", u)
		}
		if strings.Contains(u.NotRevived[0].Why, "no touching") {
			w.Errorf("it tells a driver's text: %s", u.NotRevived[0].Why)
		}
		cure()
		if u = must(w.Undo(w.Context(), lifecycle.Undo{RunID: run.ID, Trigger: curfew.ByAPI, Actor: admin}))(w); len(u.Revived) != 5 {
			w.Errorf("undone again it is %+v", u)
		}
	})
}

func TestReconcileComparesAllButWhatCannotBeTaken(t *testing.T) {
	worlds(t, func(w *world) {
		b := newBank()
		for i := range 4 {
			b.paid = append(b.paid, paid(told(fmt.Sprint("c", i), fmt.Sprint("p", i))).Payment)
		}
		w = w.banked(b, w.Store)
		storetest.Poison(w, w.Harness, "checkouts", "INSERT", "c1")
		r, err := w.Reconcile(w.Context(), time.Hour)
		if err == nil || len(r.Differences) != 3 || len(w.outcomes()) != 3 {
			w.Errorf("it is %+v, %v", r, err)
		}
	})
}

// The customer's own stuck session keeps no payment from its record, and no
// mechanic from the next customer.
func TestAStuckSessionHoldsNobodyElseUp(t *testing.T) {
	worlds(t, func(w *world) {
		w.accepted("kim", "p1", "mia")
		w.Age(w, must(w.Store.Open(w.Context(), "kim"))(w).ID, 2*time.Hour)
		cure := storetest.Poison(w, w.Harness, "sessions", "UPDATE", "kim")
		next := w.pay("bea", "p2")
		if s := must(w.Accept(w.Context(), next.RequestID, "mia"))(w); s.MechanicID != "mia" {
			w.Errorf("the mechanic of a stuck session got %+v", s)
		}
		if f := w.pay("kim", "p3"); f.Outcome != curfew.Deferred {
			w.Errorf("a payment beside a stuck session is %s", f.Outcome)
		}
		_, err := w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "kim", Plan: "free"})
		if !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), "cannot be ended") {
			w.Errorf("a free session is refused by %v", err)
		}
		if w.apart() != "kim session end 1" {
			w.Errorf("set apart is %q", w.apart())
		}
		cure()
		if f := w.pay("kim", "p3"); f.Outcome != curfew.Fulfilled {
			w.Errorf("healed, the payment is %s", f.Outcome)
		}
	})
}

// Rows that another program wrote oddly keep no list from being read.
func TestOddRowsKeepNoListFromBeingRead(t *testing.T) {
	worlds(t, func(w *world) {
		for _, odd := range []string{`[]`, `7`, `{"order": 7, "vip": true, "note": null, "shop": "b"}`} {
			w.Age(w, w.pay("c0", "ref-"+newName()).SessionID, time.Hour)
			w.Exec(w, "UPDATE "+w.Schema+"checkouts SET metadata = '"+odd+"' WHERE customer_id = 'c0'")
			w.Exec(w, "UPDATE "+w.Schema+"runs SET stats = '"+odd+"'")
			must(w.Sweep(w.Context()))(w)
			must(w.Runs(w.Context(), curfew.Cursor{}, 10))(w)
			all := must(w.ListCheckouts(w.Context(), curfew.CheckoutSearch{Limit: 10}))(w)
			for _, c := range all {
				if c.CustomerID == "c0" && odd[0] == '{' && fmt.Sprint(c.Metadata) != "map[note: order:7 shop:b vip:true]" {
					w.Errorf("read as %v", c.Metadata)
				}
			}
			if r := w.Report(w.Context()); r.Health == lifecycle.Undetermined {
				w.Errorf("health says %+v", r.Findings)
			}
		}
	})
}

// A transaction that somebody left open on one customer's payment.
func TestARowThatIsHeldForLongStopsNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, stores.Postgres(t), nil)
	w.late(5)
	release := w.Hold(t, "UPDATE "+w.Schema+"checkouts SET note = 'looking' WHERE customer_id = 'c2'")
	must(w.Sweep(w.Context()))(w)
	if got := fmt.Sprint(w.stands()); got != "[c2]" || w.apart() != "c2 session end 1" {
		w.Errorf("%s stand; set apart is %q", got, w.apart())
	}
	release()
	must(w.RunCleanup(w.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin}))(w)
	if len(w.stands()) > 0 {
		w.Errorf("released, %v stand", w.stands())
	}
}
