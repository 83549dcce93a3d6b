package timeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

const longAgo = 24 * time.Hour

var (
	shop  = curfew.Actor{Role: curfew.Service, ID: "shop"}
	admin = curfew.Actor{Role: curfew.Admin, ID: "anna"}
)

// environment is a keeper on a real store, and what explains it.
type environment struct {
	*testing.T
	storetest.Harness
	*lifecycle.Keeper
	*timeline.Explainer
}

// onEachStore runs a test on both stores, in parallel, and checks the invariants after
// it.
func onEachStore(t *testing.T, test func(env *environment)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			policy := curfew.DefaultPolicy()
			policy.Plans["reserved"] = curfew.Plan{Kind: curfew.Chat, Duration: 30 * time.Minute, Capture: "at_acceptance"}
			keeper, err := lifecycle.New(h.Store, lifecycle.Options{Policy: &policy})
			if err != nil {
				t.Fatal(err)
			}
			test(&environment{t, h, keeper, timeline.New(h.Store, keeper.Rules)})
			storetest.CheckInvariants(t, h)
		})
	}
}

// explain is the newest page of a timeline.
func (env *environment) explain(target string) timeline.Timeline {
	env.Helper()
	return must(env.Explain(env.Context(), target, curfew.Cursor{}))(env)
}

func purchase(customer, ref string) lifecycle.Purchase {
	amount := int64(2900)
	return lifecycle.Purchase{PaymentRef: ref, CustomerID: customer, Plan: "chat10", Amount: &amount, Currency: "eur", Name: "Kim"}
}

func (env *environment) pay(customer, ref string) lifecycle.Fulfillment {
	env.Helper()
	return must(env.Admission.FulfillCheckout(env.Context(), shop, purchase(customer, ref)))(env)
}

// accepted is a paid session that mechanic m has accepted.
func (env *environment) accepted(customer, ref string) lifecycle.Fulfillment {
	env.Helper()
	f := env.pay(customer, ref)
	must(env.Queue.Accept(env.Context(), f.RequestID, "m"))(env)
	return f
}

// live is an accepted session that both parties have joined.
func (env *environment) live(customer, ref string) lifecycle.Fulfillment {
	env.Helper()
	f := env.accepted(customer, ref)
	for _, by := range []curfew.Actor{{Role: curfew.Customer, ID: customer}, {Role: curfew.Mechanic, ID: "m"}} {
		must(env.Sessions.Join(env.Context(), f.SessionID, by))(env)
	}
	return f
}

// swept ends the waiting sessions of n customers, c0 and so on, in one run.
func (env *environment) swept(n int) curfew.Run {
	env.Helper()
	for i := range n {
		f := env.pay(fmt.Sprint("c", i), fmt.Sprint("p", i))
		env.Age(env, f.SessionID, longAgo-time.Duration(i)*time.Minute)
	}
	return env.cleanUp("")
}

func (env *environment) cleanUp(reason string) curfew.Run {
	env.Helper()
	return must(env.Cleanups.RunCleanup(env.Context(), lifecycle.Cleanup{Trigger: curfew.ByAPI, Actor: admin, Reason: reason}))(env)
}

func (env *environment) undo(runID string) lifecycle.Undone {
	env.Helper()
	return must(env.Cleanups.Undo(env.Context(), lifecycle.Undo{RunID: runID, Trigger: curfew.ByAPI, Actor: admin, Reason: "too early"}))(env)
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
