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
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

var refundRaces = flag.Int("refund.races", 30, "races of an operator's refund against the end of the same session")

// told is a payment as the provider tells it.
func told(customer, ref string) curfew.Payment {
	return curfew.Payment{
		Ref: ref, PaymentID: "pi-" + ref, CustomerID: customer, Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true,
	}
}

func paid(p curfew.Payment) curfew.Notice {
	return curfew.Notice{ID: "paid " + p.Ref, Kind: curfew.NoticePaid, Payment: p}
}

// refunded tells that so much of a payment was given back, in all.
func refunded(p curfew.Payment, amount int64) curfew.Notice {
	return curfew.Notice{
		ID: fmt.Sprint("refunded ", p.PaymentID, amount), Kind: curfew.NoticeRefunded,
		Payment: curfew.Payment{PaymentID: p.PaymentID, Amount: p.Amount, Refunded: amount, Currency: "eur"},
	}
}

func (w *world) receive(notices ...curfew.Notice) {
	w.Helper()
	for _, n := range notices {
		if err := w.Receive(w.Context(), n); err != nil {
			w.Fatalf("receive %s: %v", n.ID, err)
		}
	}
}

// outcome checks what became of a reference.
func (w *world) outcome(ref string, want curfew.Outcome) curfew.Checkout {
	w.Helper()
	c := must(w.Checkout(w.Context(), ref))(w)
	if c.Outcome != want {
		w.Errorf("payment %s is %s (%s), want %s", ref, c.Outcome, c.Note, want)
	}
	return c
}

func TestLesson09_WebhookThankYouPageAndResolverMakeOneSession(t *testing.T) {
	worlds(t, func(w *world) {
		for i := range 20 {
			customer, ref := fmt.Sprint("c", i), fmt.Sprint("p", i)
			together(3, func(i int) {
				if i == 0 {
					w.pay(customer, ref)
					return
				}
				if err := w.Receive(w.Context(), paid(told(customer, ref))); err != nil {
					w.Error(err)
				}
			})
			c := w.outcome(ref, curfew.Fulfilled)
			if c.PaymentID != "pi-"+ref {
				w.Errorf("the payment of %s is %q", ref, c.PaymentID)
			}
			if all := must(w.Store.Unended(w.Context(), customer))(w); len(all) != 1 || all[0].ID != c.SessionID {
				w.Errorf("%s has %d sessions", customer, len(all))
			}
		}
	})
}

func TestLesson08_WhatCannotBeUsedIsHeldAndNeverBounced(t *testing.T) {
	for sentence, c := range map[string]struct {
		spoil    func(*curfew.Payment)
		customer string
		note     string
	}{
		"nobody knows whose it is":            {func(p *curfew.Payment) { p.CustomerID = "" }, curfew.Nobody, "whose"},
		"the customer's id cannot be":         {func(p *curfew.Payment) { p.CustomerID = "a\nb" }, curfew.Nobody, "control"},
		"a customer cannot be Nobody":         {func(p *curfew.Payment) { p.CustomerID = curfew.Nobody }, curfew.Nobody, "control"},
		"the plan is unknown":                 {func(p *curfew.Payment) { p.Plan = "gold" }, "ada", "no plan"},
		"it extends no session":               {func(p *curfew.Payment) { p.Extends = "s" }, "ada", "no session"},
		"its appointment is past":             {func(p *curfew.Payment) { p.StartsAt = time.Now().Add(-time.Hour) }, "ada", "startsAt"},
		"the amount cannot be":                {func(p *curfew.Payment) { p.Amount = -1 }, "ada", "negative"},
		"nothing is known but that it's paid": {func(p *curfew.Payment) { p.CustomerID, p.Plan = "", "" }, curfew.Nobody, "whose"},
	} {
		t.Run(sentence, func(t *testing.T) {
			worlds(t, func(w *world) {
				p := told("ada", "p1")
				c.spoil(&p)
				w.receive(paid(p), paid(p))
				held := w.outcome("p1", curfew.Held)
				if held.CustomerID != c.customer || !strings.Contains(held.Note, c.note) || held.Version != 1 {
					w.Errorf("held is %+v", held)
				}
				if !found(w.Report(w.Context()), lifecycle.MoneyUnsettled) {
					w.Error("health does not tell what is held")
				}
			})
		})
	}
}

func TestAnOperatorRepairsWhatIsHeld(t *testing.T) {
	worlds(t, func(w *world) {
		ctx := w.Context()
		nobodys, unplanned, both := told("", "p1"), told("bob", "p2"), told("", "p3")
		unplanned.Plan = "gold"
		w.receive(paid(nobodys), paid(unplanned), paid(both))
		for _, refused := range []error{
			second(w.FulfilHeld(ctx, admin, "p1", "")), second(w.FulfilHeld(ctx, admin, "p2", "")),
			second(w.AssignHeld(ctx, admin, "p2", "ada", "chat10", "")), second(w.AssignHeld(ctx, admin, "p1", "ada", "gold", "")),
			second(w.AssignHeld(ctx, admin, "p1", "", "chat10", "")), second(w.FulfilHeld(ctx, admin, "p9", "")),
		} {
			if k := curfew.KindOf(refused); k != curfew.Conflict && k != curfew.Invalid && k != curfew.NotFound {
				w.Errorf("a repair that cannot be: %v", refused)
			}
		}
		for range 2 { // the second time it answers what it did
			f := must(w.AssignHeld(ctx, admin, "p1", "ada", "chat10", ""))(w)
			w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
			f = must(w.AssignHeld(ctx, admin, "p2", "bob", "video15", ""))(w)
			w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		}
		// A customer who is busy gets a turn.
		f := must(w.AssignHeld(ctx, admin, "p3", "ada", "chat10", ""))(w)
		if f.Outcome != curfew.Deferred || f.Blocker == nil {
			w.Errorf("for a busy customer: %+v", f)
		}
		w.receive(paid(nobodys), paid(unplanned), paid(both))
		events := must(w.CheckoutEvents(ctx, w.outcome("p1", curfew.Fulfilled)))(w)
		if len(events) != 3 || events[0].To != string(curfew.Held) || events[1].Actor != admin {
			w.Errorf("its history is %+v", events)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestAnotherCustomerOrPlanWithTheSameReferenceChangesNothing(t *testing.T) {
	worlds(t, func(w *world) {
		w.receive(paid(told("ada", "p1")))
		before := w.dump()
		other := told("bob", "p1")
		plan := told("ada", "p1")
		plan.Plan = "video15"
		unpaid := told("cyd", "p2")
		unpaid.Paid = false
		for _, kind := range []curfew.NoticeKind{curfew.NoticeFailed, curfew.NoticeExpired, curfew.NoticeOther} {
			w.receive(curfew.Notice{Kind: kind, Payment: told("ada", "p3")})
		}
		w.receive(paid(other), paid(plan), paid(unpaid))
		if w.dump() != before {
			w.Error("something changed")
		}
	})
}

// Duplicates and any order of messages have one effect.
func TestRefundsToldInAnyOrder(t *testing.T) {
	worlds(t, func(w *world) {
		random := seed.Dice(seed.New(w), "messages")
		for i := range 20 {
			p := told(fmt.Sprint("c", i), fmt.Sprint("p", i))
			all := []curfew.Notice{paid(p), paid(p), refunded(p, 500), refunded(p, 2900), refunded(p, 2900)}
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			w.receive(all...)
			c := w.outcome(p.Ref, curfew.Refunded)
			if c.SessionID != "" {
				w.is(c.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
			}
		}
	})
}

func TestARefundKnownBeforeItsPaymentLeavesNoSession(t *testing.T) {
	worlds(t, func(w *world) {
		p := told("ada", "p1")
		w.receive(refunded(p, 2900), paid(p), paid(p))
		if c := w.outcome("p1", curfew.Refunded); c.SessionID != "" {
			w.Errorf("it has session %s", c.SessionID)
		}
	})
}

func TestARefundOfAPartIsNotedAndStaysPaid(t *testing.T) {
	worlds(t, func(w *world) {
		p := told("ada", "p1")
		w.receive(paid(p), refunded(p, 500), refunded(p, 500), refunded(p, 400))
		c := w.outcome("p1", curfew.Fulfilled)
		if c.Version != 2 || c.Note != "500 of 2900 eur were given back" {
			w.Errorf("it is noted as %+v", c)
		}
		w.is(c.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		w.receive(refunded(p, 2900))
		w.is(c.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.Refunded)
	})
}

func TestARefundOfWhatWasHeldEndsNothingAgain(t *testing.T) {
	worlds(t, func(w *world) {
		p := told("ada", "p1")
		w.receive(paid(p))
		f := w.outcome("p1", curfew.Fulfilled)
		s := must(w.Session(w.Context(), f.SessionID))(w)
		must(w.Accept(w.Context(), s.Request.ID, "max"))(w)
		for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: "ada"}, {Role: curfew.Mechanic, ID: "max"}} {
			must(w.Join(w.Context(), s.ID, who))(w)
		}
		w.Age(w, s.ID, 10*time.Minute)
		must(w.End(w.Context(), s.ID, admin))(w)
		w.receive(refunded(p, 2900))
		w.is(s.ID, curfew.Completed, curfew.Finished, curfew.RequestCompleted, curfew.Refunded)
	})
}

func TestADisputeIsNotedOnceAndFound(t *testing.T) {
	worlds(t, func(w *world) {
		p := told("ada", "p1")
		dispute := curfew.Notice{ID: "d", Kind: curfew.NoticeDisputed, Payment: curfew.Payment{PaymentID: p.PaymentID}}
		w.receive(dispute, paid(p), dispute, dispute)
		if c := w.outcome("p1", curfew.Fulfilled); c.Version != 2 || c.DisputedAt.IsZero() {
			w.Errorf("it is %+v", c)
		}
		if !found(w.Report(w.Context()), lifecycle.PaymentsDisputed) {
			w.Error("health does not tell it")
		}
	})
}

func TestAnOperatorRefundsWhateverItIs(t *testing.T) {
	worlds(t, func(w *world) {
		ctx := w.Context()
		unplanned := told("held", "p-held")
		unplanned.Plan = "gold"
		w.receive(paid(unplanned))
		nobodys := told("", "p-nobody")
		w.receive(paid(nobodys))
		waiting := w.pay("waiting", "p-waiting")
		live := w.live("live", "p-live", "max")
		deferred := w.pay("live", "p-deferred")
		credited := w.pay("credited", "p-credited")
		must(w.Cancel(ctx, credited.SessionID, shop))(w)
		w.outcome("p-credited", curfew.Credited)
		if deferred.Outcome != curfew.Deferred {
			w.Fatalf("%+v", deferred)
		}
		if _, err := w.RefundCheckout(ctx, admin, "p-waiting", ""); !errors.Is(err, curfew.Invalid) {
			w.Errorf("without a reason: %v", err)
		}
		for _, ref := range []string{"p-waiting", "p-nobody", "p-deferred", "p-live", "p-credited", "p-held"} {
			for range 2 {
				must(w.RefundCheckout(ctx, admin, ref, "goodwill"))(w)
			}
			w.outcome(ref, curfew.RefundDue)
		}
		w.is(waiting.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.RefundDue)
		w.is(live.SessionID, curfew.Cancelled, curfew.ByRefund, curfew.RequestCancelled, curfew.RefundDue)
		if _, err := w.Store.Slot(ctx, "max"); !errors.Is(err, curfew.NotFound) {
			w.Errorf("max is busy still: %v", err)
		}
		list := must(w.ListCheckouts(ctx, curfew.CheckoutSearch{Outcome: curfew.RefundDue, Limit: 9}))(w)
		if len(list) != 6 || !slices.IsSortedFunc(list, func(a, b curfew.Checkout) int { return strings.Compare(a.ID, b.ID) }) {
			w.Errorf("listed are %d", len(list))
		}
		owed := w.Report(ctx).Checkouts.Owed()
		if owed["eur"] != 6*2900 {
			w.Errorf("owed is %v", owed)
		}
	})
}

// An operator's refund and the end of the same session at the same moment: one
// outcome, no deadlock.
func TestARefundAgainstTheEndOfTheSameSession(t *testing.T) {
	worlds(t, func(w *world) {
		ends := []func(id string) error{
			func(id string) error { return second(w.End(w.Context(), id, shop)) },
			func(id string) error { return second(w.Cancel(w.Context(), id, shop)) },
			func(string) error { return second(w.Sweep(w.Context())) },
		}
		for i := range *refundRaces {
			customer, ref := fmt.Sprint("c", i), fmt.Sprint("p", i)
			f := w.live(customer, ref, fmt.Sprint("m", i))
			w.Age(w, f.SessionID, 10*time.Minute)
			together(2, func(n int) {
				err := ends[i%3](f.SessionID)
				if n == 1 {
					_, err = w.RefundCheckout(w.Context(), admin, ref, "race")
				}
				if err != nil {
					w.Errorf("%s: %v", ref, err)
				}
			})
			w.outcome(ref, curfew.RefundDue)
			if s := must(w.Session(w.Context(), f.SessionID))(w); i%3 != 2 && !s.Status.Ended() {
				w.Errorf("session %s is %s", s.ID, s.Status)
			}
		}
	})
}

// A store whose answers get lost: messages that come again find what was done.
func TestMessagesOverALossyStoreHaveOneEffect(t *testing.T) {
	worlds(t, func(w *world) {
		lossy := w.with(storetest.NewLossy(w.Store, seed.New(w), 0.2))
		until := func(do func() error) {
			for range 200 {
				err := do()
				if err == nil {
					return
				}
				if !errors.Is(err, curfew.Unavailable) {
					w.Fatal(err)
				}
			}
			w.Fatal("it never succeeds")
		}
		for i := range 10 {
			ref := fmt.Sprint("p", i)
			p := told(fmt.Sprint("c", i), ref)
			if i%3 == 0 {
				p.CustomerID = ""
			}
			until(func() error { return lossy.Receive(w.Context(), paid(p)) })
			if i%3 == 0 {
				until(func() error {
					return second(lossy.AssignHeld(w.Context(), admin, ref, fmt.Sprint("c", i), "chat10", ""))
				})
			}
			w.outcome(ref, curfew.Fulfilled)
			if i%2 == 0 {
				until(func() error { return lossy.Receive(w.Context(), refunded(p, 2900)) })
				w.outcome(ref, curfew.Refunded)
				continue
			}
			until(func() error { return second(lossy.RefundCheckout(w.Context(), admin, ref, "goodwill")) })
			w.outcome(ref, curfew.RefundDue)
		}
	})
}
