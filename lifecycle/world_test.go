package lifecycle_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// How hard the races are run. The figures of the README come from larger ones.
var (
	races  = flag.Int("races", 200, "random races of accept against the cleanup")
	storms = flag.Int("storms", 5, "storms of 100 concurrent admissions of one customer")
)

var (
	shop  = curfew.Actor{Role: curfew.Service, ID: "shop"}
	admin = curfew.Actor{Role: curfew.Admin, ID: "anna"}
)

// world is a keeper on a real store, with what a test does behind its back.
type world struct {
	*testing.T
	storetest.Harness
	*lifecycle.Keeper
	*lifecycle.Rules
	*lifecycle.Admission
	*lifecycle.Sessions
	*lifecycle.Queue
	*lifecycle.Checkouts
	*lifecycle.Payments
	*lifecycle.Cleanups
	*lifecycle.Sweeper
	*lifecycle.Health
	policy curfew.Policy
}

// worlds runs a test on both stores, in parallel, and checks the invariants
// after it.
func worlds(t *testing.T, test func(w *world)) {
	t.Helper()
	worldsWith(t, nil, test)
}

// worldsWith is worlds with a policy of its own.
func worldsWith(t *testing.T, adjust func(*curfew.Policy), test func(w *world)) {
	t.Helper()
	onBoth(t, adjust, func(w *world) {
		test(w)
		storetest.CheckInvariants(w.T, w.Harness)
		w.checkCodes()
	})
}

// checkCodes holds that every event of the test says outsiders more than
// "other".
func (w *world) checkCodes() {
	w.Helper()
	for _, row := range w.Query(w, "SELECT from_status, to_status, actor, reason FROM "+w.Schema+"events") {
		e := curfew.Event{From: row[0], To: row[1], Actor: record.ParseActor(row[2]), Reason: row[3]}
		if e.Code() == "other" {
			w.Errorf("%s>%s by %s because of %q has no code", e.From, e.To, e.Actor, e.Reason)
		}
	}
}

// onBoth runs a test on both stores, in parallel.
func onBoth(t *testing.T, adjust func(*curfew.Policy), test func(w *world)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, open(t), adjust))
		})
	}
}

func newWorld(t *testing.T, h storetest.Harness, adjust func(*curfew.Policy)) *world {
	t.Helper()
	policy := curfew.DefaultPolicy()
	if adjust != nil {
		adjust(&policy)
	}
	return newWorldWith(t, h, lifecycle.Options{Policy: &policy})
}

// newWorldWith is a world whose engine has these options, a policy among them.
func newWorldWith(t *testing.T, h storetest.Harness, o lifecycle.Options) *world {
	t.Helper()
	k, err := lifecycle.New(h.Store, o)
	if err != nil {
		t.Fatal(err)
	}
	return worldOf(t, h, k, *o.Policy)
}

func worldOf(t *testing.T, h storetest.Harness, k *lifecycle.Keeper, policy curfew.Policy) *world {
	return &world{t, h, k, k.Rules, k.Admission, k.Sessions, k.Queue, k.Checkouts, k.Payments, k.Cleanups, k.Sweeper, k.Health, policy}
}

// with is an engine over another store with the world's policy.
func (w *world) with(store lifecycle.Store) *world {
	h := w.Harness
	h.Store = store
	policy := w.policy
	return newWorld(w.T, h, func(p *curfew.Policy) { *p = policy })
}

// Explain is the timeline of what a text stands for.
func (w *world) Explain(ctx context.Context, text string, before curfew.Cursor) (timeline.Timeline, error) {
	return timeline.New(w.Store, w.Rules).Explain(ctx, text, before)
}

func (w *world) purchase(customer, ref string) lifecycle.Purchase {
	amount := int64(2900)
	return lifecycle.Purchase{
		PaymentRef: ref, CustomerID: customer, Plan: "chat10", Amount: &amount, Currency: "eur", Name: "Kim",
	}
}

// pay fulfils a checkout that must succeed.
func (w *world) pay(customer, ref string) lifecycle.Fulfillment {
	w.Helper()
	f, err := w.FulfillCheckout(w.Context(), shop, w.purchase(customer, ref))
	if err != nil {
		w.Fatalf("pay %s for %s: %v", ref, customer, err)
	}
	return f
}

// accepted is a paid session that a mechanic has accepted.
func (w *world) accepted(customer, ref, mechanic string) lifecycle.Fulfillment {
	w.Helper()
	f := w.pay(customer, ref)
	must(w.Accept(w.Context(), f.RequestID, mechanic))(w)
	return f
}

// live is a session that both have joined.
func (w *world) live(customer, ref, mechanic string) lifecycle.Fulfillment {
	w.Helper()
	f := w.accepted(customer, ref, mechanic)
	must(w.Join(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: customer}))(w)
	s := must(w.Join(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Mechanic, ID: mechanic}))(w)
	if s.Status != curfew.Live {
		w.Fatalf("both joined, and the session is %s", s.Status)
	}
	return f
}

// is checks where a session stands, with its request and its checkout.
func (w *world) is(id string, status curfew.SessionStatus, reason curfew.EndReason, request curfew.RequestStatus, outcome curfew.Outcome) {
	w.Helper()
	s := must(w.Session(w.Context(), id))(w)
	var got curfew.Outcome
	for _, c := range must(w.OfCustomer(w.Context(), s.CustomerID))(w) {
		if c.ID == s.CheckoutID {
			got = c.Outcome
		}
	}
	if s.Status != status || s.EndReason != reason || s.Request.Status != request || got != outcome {
		w.Errorf("session %s is %s (%s), its request %s, its payment %s; want %s (%s), %s, %s",
			id, s.Status, s.EndReason, s.Request.Status, got, status, reason, request, outcome)
	}
}

// dump is every row that a GET must not change.
func (w *world) dump() string {
	w.Helper()
	all := ""
	for _, table := range []string{"sessions", "session_requests", "checkouts", "events", "runs", "mechanic_slots"} {
		all += fmt.Sprintln(table, w.Query(w, "SELECT * FROM "+w.Schema+table+" ORDER BY 1, 2"))
	}
	return all
}

// must is for calls that may not fail here.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// together runs n calls at once and waits for all of them.
func together(n int, do func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			do(i)
		})
	}
	done.Wait()
}

const longAgo = 24 * time.Hour

// found reports whether a report has a finding.
func found(r lifecycle.Report, code lifecycle.Code) bool {
	return slices.ContainsFunc(r.Findings, func(f lifecycle.Finding) bool { return f.Code == code })
}
