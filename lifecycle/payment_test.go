package lifecycle_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

var refundRaces = flag.Int("refund.races", 30, "races of an operator's refund against the end of the same session")

// reportedPayment is a payment as the provider reports it.
func reportedPayment(customer, ref string) storetest.Report {
	return storetest.Report{
		Ref: ref, PaymentID: "pi-" + ref, CustomerID: customer, Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true,
	}
}

func paid(p storetest.Report) curfew.Notice { return p.Notice() }

// refunded tells that so much of a payment was given back, in all.
func refunded(p storetest.Report, amount int64) curfew.Notice { return p.GivenBack(amount) }

func (env *environment) receive(notices ...curfew.Notice) {
	env.Helper()
	for _, n := range notices {
		if err := env.Receive(env.Context(), n); err != nil {
			env.Fatalf("receive %s: %v", n.ID, err)
		}
	}
}

// outcome checks what became of a reference.
func (env *environment) outcome(ref string, want curfew.Outcome) curfew.Checkout {
	env.Helper()
	c := must(env.Checkout(env.Context(), ref))(env)
	if c.Outcome != want {
		env.Errorf("payment %s is %s (%s), want %s", ref, c.Outcome, c.Note, want)
	}
	return c
}

func TestLesson09_WebhookThankYouPageAndResolverMakeOneSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for i := range 20 {
			customer, ref := fmt.Sprint("c", i), fmt.Sprint("p", i)
			together(3, func(i int) {
				if i == 0 {
					env.pay(customer, ref)
					return
				}
				if err := env.Receive(env.Context(), paid(reportedPayment(customer, ref))); err != nil {
					env.Error(err)
				}
			})
			c := env.outcome(ref, curfew.Fulfilled)
			if c.PaymentID != "pi-"+ref {
				env.Errorf("the payment of %s is %q", ref, c.PaymentID)
			}
			if all := must(env.Store.Unended(env.Context(), customer))(env); len(all) != 1 || all[0].ID != c.SessionID {
				env.Errorf("%s has %d sessions", customer, len(all))
			}
		}
	})
}

func TestLesson08_WhatCannotBeUsedIsHeldAndNeverBounced(t *testing.T) {
	for sentence, c := range map[string]struct {
		corrupt  func(*storetest.Report)
		customer string
		note     string
	}{
		"nobody knows whose it is":            {func(p *storetest.Report) { p.CustomerID = "" }, curfew.Nobody, "whose"},
		"the customer's id cannot be":         {func(p *storetest.Report) { p.CustomerID = "a\nb" }, curfew.Nobody, "control"},
		"a customer cannot be Nobody":         {func(p *storetest.Report) { p.CustomerID = curfew.Nobody }, curfew.Nobody, "control"},
		"the plan is unknown":                 {func(p *storetest.Report) { p.Plan = "gold" }, "ada", "no plan"},
		"it extends no session":               {func(p *storetest.Report) { p.Extends = "s" }, "ada", "no session"},
		"its appointment is past":             {func(p *storetest.Report) { p.StartsAt = time.Now().Add(-time.Hour) }, "ada", "startsAt"},
		"the amount cannot be":                {func(p *storetest.Report) { p.Amount = -1 }, "ada", "negative"},
		"nothing is known but that it's paid": {func(p *storetest.Report) { p.CustomerID, p.Plan = "", "" }, curfew.Nobody, "whose"},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				p := reportedPayment("ada", "p1")
				c.corrupt(&p)
				env.receive(paid(p), paid(p))
				held := env.outcome("p1", curfew.Held)
				if held.CustomerID != c.customer || !strings.Contains(held.Note, c.note) || held.Version != 1 {
					env.Errorf("held is %+v", held)
				}
				if !found(env.Report(env.Context()), lifecycle.MoneyUnsettled) {
					env.Error("health does not tell what is held")
				}
			})
		})
	}
}

func TestAnOperatorRepairsWhatIsHeld(t *testing.T) {
	onEachStore(t, func(env *environment) {
		ctx := env.Context()
		nobodys, unplanned, both := reportedPayment("", "p1"), reportedPayment("bob", "p2"), reportedPayment("", "p3")
		unplanned.Plan = "gold"
		env.receive(paid(nobodys), paid(unplanned), paid(both))
		for _, refused := range []error{
			second(env.FulfillHeld(ctx, admin, "p1", "")), second(env.FulfillHeld(ctx, admin, "p2", "")),
			second(env.AssignHeld(ctx, admin, "p2", "ada", "chat10", "")), second(env.AssignHeld(ctx, admin, "p1", "ada", "gold", "")),
			second(env.AssignHeld(ctx, admin, "p1", "", "chat10", "")), second(env.FulfillHeld(ctx, admin, "p9", "")),
		} {
			if k := curfew.KindOf(refused); k != curfew.Conflict && k != curfew.Invalid && k != curfew.NotFound {
				env.Errorf("a repair that cannot be: %v", refused)
			}
		}
		for range 2 { // the second time it answers what it did
			f := must(env.AssignHeld(ctx, admin, "p1", "ada", "chat10", ""))(env)
			env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
			f = must(env.AssignHeld(ctx, admin, "p2", "bob", "video15", ""))(env)
			env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		}
		// A customer who is busy gets a turn.
		f := must(env.AssignHeld(ctx, admin, "p3", "ada", "chat10", ""))(env)
		if f.Outcome != curfew.Deferred || f.Blocker == nil {
			env.Errorf("for a busy customer: %+v", f)
		}
		env.receive(paid(nobodys), paid(unplanned), paid(both))
		events := must(env.CheckoutEvents(ctx, env.outcome("p1", curfew.Fulfilled)))(env)
		if len(events) != 3 || events[0].To != string(curfew.Held) || events[1].Actor != admin {
			env.Errorf("its history is %+v", events)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestAnotherCustomerOrPlanWithTheSameReferenceIsNotedAndChangesNothingElse(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.receive(paid(reportedPayment("ada", "p1")))
		other := reportedPayment("bob", "p1")
		plan := reportedPayment("ada", "p1")
		plan.Plan = "video15"
		unpaid := reportedPayment("cyd", "p2")
		unpaid.Paid = false
		env.receive(paid(other), paid(plan), paid(unpaid), paid(other))
		c := env.outcome("p1", curfew.Fulfilled)
		if c.CustomerID != "ada" || c.Plan != "chat10" || c.Concern != record.Disagreement {
			env.Errorf("it is %+v", c)
		}
		env.is(c.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		for _, customer := range []string{"bob", "cyd"} {
			if all := must(env.Store.SessionsOf(env.Context(), customer, 9))(env); len(all) != 0 {
				env.Errorf("%s has %d sessions", customer, len(all))
			}
		}
		env.outcome("p2", curfew.Promised)
	})
}

// Duplicates and any order of messages have one effect.
func TestRefundsToldInAnyOrder(t *testing.T) {
	onEachStore(t, func(env *environment) {
		random := seed.Dice(seed.New(env), "messages")
		for i := range 20 {
			p := reportedPayment(fmt.Sprint("c", i), fmt.Sprint("p", i))
			all := []curfew.Notice{paid(p), paid(p), refunded(p, 500), refunded(p, 2900), refunded(p, 2900)}
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			env.receive(all...)
			c := env.outcome(p.Ref, curfew.Refunded)
			if c.SessionID != "" {
				env.is(c.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
			}
		}
	})
}

func TestARefundKnownBeforeItsPaymentLeavesNoSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("ada", "p1")
		env.receive(refunded(p, 2900), paid(p), paid(p))
		if c := env.outcome("p1", curfew.Refunded); c.SessionID != "" {
			env.Errorf("it has session %s", c.SessionID)
		}
	})
}

// What was given back in part buys nothing: what is left waits for an operator.
func TestARefundOfAPartEndsWhatNobodyHasAccepted(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("ada", "p1")
		env.receive(paid(p), refunded(p, 500), refunded(p, 500), refunded(p, 400))
		c := env.outcome("p1", curfew.Held)
		env.is(c.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Held)
		env.receive(refunded(p, 2900))
		env.is(c.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
	})
}

func TestARefundOfWhatWasHeldEndsNothingAgain(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("ada", "p1")
		env.receive(paid(p))
		f := env.outcome("p1", curfew.Fulfilled)
		s := must(env.Session(env.Context(), f.SessionID))(env)
		must(env.Accept(env.Context(), s.Request.ID, "max"))(env)
		for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: "ada"}, {Role: curfew.Mechanic, ID: "max"}} {
			must(env.Join(env.Context(), s.ID, who))(env)
		}
		env.Age(env, s.ID, 10*time.Minute)
		must(env.End(env.Context(), s.ID, admin))(env)
		env.receive(refunded(p, 2900))
		env.is(s.ID, curfew.Completed, curfew.Finished, curfew.RequestCompleted, curfew.Fulfilled)
		if c := env.outcome("p1", curfew.Fulfilled); c.Concern != record.PaymentLost {
			env.Errorf("nobody is told: %+v", c)
		}
	})
}

func TestADisputeIsNotedOnceAndFound(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("ada", "p1")
		dispute := p.Disputed("needs_response")
		env.receive(dispute, paid(p), dispute, dispute)
		if c := env.outcome("p1", curfew.Promised); c.DisputedAt.IsZero() || c.SessionID != "" {
			env.Errorf("it is %+v", c)
		}
		if !found(env.Report(env.Context()), lifecycle.PaymentsDisputed) {
			env.Error("health does not tell it")
		}
	})
}

func TestAnOperatorRefundsWhateverItIs(t *testing.T) {
	onEachStore(t, func(env *environment) {
		ctx := env.Context()
		unplanned := reportedPayment("held", "p-held")
		unplanned.Plan = "gold"
		env.receive(paid(unplanned))
		nobodys := reportedPayment("", "p-nobody")
		env.receive(paid(nobodys))
		waiting := env.pay("waiting", "p-waiting")
		live := env.live("live", "p-live", "max")
		deferred := env.pay("live", "p-deferred")
		credited := env.pay("credited", "p-credited")
		must(env.Cancel(ctx, credited.SessionID, shop))(env)
		env.outcome("p-credited", curfew.Credited)
		if deferred.Outcome != curfew.Deferred {
			env.Fatalf("%+v", deferred)
		}
		if _, err := env.RefundCheckout(ctx, admin, "p-waiting", ""); !errors.Is(err, curfew.Invalid) {
			env.Errorf("without a reason: %v", err)
		}
		for _, ref := range []string{"p-waiting", "p-nobody", "p-deferred", "p-live", "p-credited", "p-held"} {
			for range 2 {
				must(env.RefundCheckout(ctx, admin, ref, "goodwill"))(env)
			}
			env.outcome(ref, curfew.RefundDue)
		}
		env.is(waiting.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.RefundDue)
		env.is(live.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.RefundDue)
		if _, err := env.Store.Slot(ctx, "max"); !errors.Is(err, curfew.NotFound) {
			env.Errorf("max is busy still: %v", err)
		}
		list := must(env.ListCheckouts(ctx, curfew.CheckoutSearch{Outcome: curfew.RefundDue, Limit: 9}))(env)
		if len(list) != 6 || !slices.IsSortedFunc(list, func(a, b curfew.Checkout) int { return strings.Compare(a.ID, b.ID) }) {
			env.Errorf("listed are %d", len(list))
		}
		owed := env.Report(ctx).Checkouts.Owed()
		if owed["eur"] != 6*2900 {
			env.Errorf("owed is %v", owed)
		}
	})
}

// An operator's refund and the end of the same session at the same moment: one
// outcome, no deadlock.
func TestARefundAgainstTheEndOfTheSameSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		ends := []func(id string) error{
			func(id string) error { return second(env.End(env.Context(), id, shop)) },
			func(id string) error { return second(env.Cancel(env.Context(), id, shop)) },
			func(string) error { return second(env.Sweep(env.Context())) },
		}
		for i := range *refundRaces {
			customer, ref := fmt.Sprint("c", i), fmt.Sprint("p", i)
			f := env.live(customer, ref, fmt.Sprint("m", i))
			env.Age(env, f.SessionID, 10*time.Minute)
			together(2, func(n int) {
				err := ends[i%3](f.SessionID)
				if n == 1 {
					_, err = env.RefundCheckout(env.Context(), admin, ref, "race")
				}
				if err != nil {
					env.Errorf("%s: %v", ref, err)
				}
			})
			env.outcome(ref, curfew.RefundDue)
			if s := must(env.Session(env.Context(), f.SessionID))(env); i%3 != 2 && !s.Status.Ended() {
				env.Errorf("session %s is %s", s.ID, s.Status)
			}
		}
	})
}

// A store whose answers get lost: messages that come again find what was done.
func TestMessagesOverALossyStoreHaveOneEffect(t *testing.T) {
	onEachStore(t, func(env *environment) {
		lossy := env.with(storetest.NewLossy(env.Store, seed.New(env), 0.2))
		until := func(do func() error) {
			for range 200 {
				err := do()
				if err == nil {
					return
				}
				if !errors.Is(err, curfew.Unavailable) {
					env.Fatal(err)
				}
			}
			env.Fatal("it never succeeds")
		}
		for i := range 10 {
			ref := fmt.Sprint("p", i)
			p := reportedPayment(fmt.Sprint("c", i), ref)
			if i%3 == 0 {
				p.CustomerID = ""
			}
			until(func() error { return lossy.Receive(env.Context(), paid(p)) })
			if i%3 == 0 {
				until(func() error {
					return second(lossy.AssignHeld(env.Context(), admin, ref, fmt.Sprint("c", i), "chat10", ""))
				})
			}
			env.outcome(ref, curfew.Fulfilled)
			if i%2 == 0 {
				until(func() error { return lossy.Receive(env.Context(), refunded(p, 2900)) })
				env.outcome(ref, curfew.Refunded)
				continue
			}
			until(func() error { return second(lossy.RefundCheckout(env.Context(), admin, ref, "goodwill")) })
			env.outcome(ref, curfew.RefundDue)
		}
	})
}
