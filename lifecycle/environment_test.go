package lifecycle_test

import (
	"context"
	"flag"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// How hard the races are run. The figures of the README come from larger ones.
var (
	races  = flag.Int("races", 0, "random races of accept against the cleanup, and of each rival against an undo; by default 200, or 100 with -short")
	storms = flag.Int("storms", 0, "storms of 100 concurrent admissions of one customer; by default 5, or 1 with -short")
)

func raceCount() int { return effort.Of(*races, 2*raceSize, 4*raceSize) }

var (
	shop  = curfew.Actor{Role: curfew.Service, ID: "shop"}
	admin = curfew.Actor{Role: curfew.Admin, ID: "anna"}
)

// environment is a keeper on a real store, together with direct access to the store for
// what a test does behind the keeper's back.
type environment struct {
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

// onEachStore runs a test on both stores, in parallel, and checks the invariants
// after it.
func onEachStore(t *testing.T, test func(env *environment)) {
	t.Helper()
	onEachStoreWith(t, nil, test)
}

// onEachStoreWith is onEachStore with a policy of its own.
func onEachStoreWith(t *testing.T, adjust func(*curfew.Policy), test func(env *environment)) {
	t.Helper()
	onBoth(t, adjust, func(env *environment) {
		test(env)
		storetest.CheckInvariants(env.T, env.Harness)
		env.checkCodes()
	})
}

// checkCodes holds that every event of the test says outsiders more than
// "other".
func (env *environment) checkCodes() {
	env.Helper()
	for _, row := range env.Query(env, "SELECT from_status, to_status, actor, reason FROM "+env.Schema+"events") {
		e := curfew.Event{From: row[0], To: row[1], Actor: record.ParseActor(row[2]), Reason: row[3]}
		if e.Code() == "other" {
			env.Errorf("%s>%s by %s because of %q has no code", e.From, e.To, e.Actor, e.Reason)
		}
	}
}

// onBoth runs a test on both stores, in parallel.
func onBoth(t *testing.T, adjust func(*curfew.Policy), test func(env *environment)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newEnvironment(t, open(t), adjust))
		})
	}
}

func newEnvironment(t *testing.T, h storetest.Harness, adjust func(*curfew.Policy)) *environment {
	t.Helper()
	policy := curfew.DefaultPolicy()
	policy.HoldForeign = true
	policy.JoinOffer = 0 // who never comes is a no-show: tests of give-backs set it
	if adjust != nil {
		adjust(&policy)
	}
	return newEnvironmentWith(t, h, lifecycle.Options{Policy: &policy})
}

// newEnvironmentWith is an environment whose keeper has these options, a policy among them.
func newEnvironmentWith(t *testing.T, h storetest.Harness, o lifecycle.Options) *environment {
	t.Helper()
	k, err := lifecycle.New(h.Store, o)
	if err != nil {
		t.Fatal(err)
	}
	return environmentOf(t, h, k, *o.Policy)
}

func environmentOf(t *testing.T, h storetest.Harness, k *lifecycle.Keeper, policy curfew.Policy) *environment {
	return &environment{t, h, k, k.Rules, k.Admission, k.Sessions, k.Queue, k.Checkouts, k.Payments, k.Cleanups, k.Sweeper, k.Health, policy}
}

// with is a keeper over another store with the environment's policy.
func (env *environment) with(store lifecycle.Store) *environment {
	h := env.Harness
	h.Store = store
	policy := env.policy
	return newEnvironment(env.T, h, func(p *curfew.Policy) { *p = policy })
}

// Explain is the timeline of what a text stands for.
func (env *environment) Explain(ctx context.Context, text string, before curfew.Cursor) (timeline.Timeline, error) {
	return timeline.New(env.Store, env.Rules).Explain(ctx, text, before)
}

func (env *environment) purchase(customer, ref string) lifecycle.Purchase {
	amount := int64(2900)
	return lifecycle.Purchase{
		PaymentRef: ref, CustomerID: customer, Plan: "chat10", Amount: &amount, Currency: "eur", Name: "Kim",
	}
}

// pay fulfills a checkout that must succeed.
func (env *environment) pay(customer, ref string) lifecycle.Fulfillment {
	env.Helper()
	f, err := env.FulfillCheckout(env.Context(), shop, env.purchase(customer, ref))
	if err != nil {
		env.Fatalf("pay %s for %s: %v", ref, customer, err)
	}
	return f
}

// accepted is a paid session that a mechanic has accepted.
func (env *environment) accepted(customer, ref, mechanic string) lifecycle.Fulfillment {
	env.Helper()
	f := env.pay(customer, ref)
	must(env.Accept(env.Context(), f.RequestID, mechanic))(env)
	return f
}

// live is a session that both have joined.
func (env *environment) live(customer, ref, mechanic string) lifecycle.Fulfillment {
	env.Helper()
	f := env.accepted(customer, ref, mechanic)
	must(env.Join(env.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: customer}))(env)
	s := must(env.Join(env.Context(), f.SessionID, curfew.Actor{Role: curfew.Mechanic, ID: mechanic}))(env)
	if s.Status != curfew.Live {
		env.Fatalf("both joined, and the session is %s", s.Status)
	}
	return f
}

// is checks where a session stands, with its request and its checkout.
func (env *environment) is(id string, status curfew.SessionStatus, reason curfew.EndReason, request curfew.RequestStatus, outcome curfew.Outcome) {
	env.Helper()
	s := must(env.Session(env.Context(), id))(env)
	var got curfew.Outcome
	for _, c := range must(env.OfCustomer(env.Context(), s.CustomerID))(env) {
		if c.ID == s.CheckoutID {
			got = c.Outcome
		}
	}
	if s.Status != status || s.EndReason != reason || s.Request.Status != request || got != outcome {
		env.Errorf("session %s is %s (%s), its request %s, its payment %s; want %s (%s), %s, %s",
			id, s.Status, s.EndReason, s.Request.Status, got, status, reason, request, outcome)
	}
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
