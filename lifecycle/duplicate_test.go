package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

// stages are how far a payment can have come, the nearest first, each with what brings one
// there that has its own customer.
var stages = []struct {
	name string
	stay bool // whatever another one has
	get  func(env *environment, customer, ref string)
}{
	{"refund due", false, func(env *environment, customer, ref string) {
		env.pay(customer, ref)
		must(env.RefundCheckout(env.Context(), admin, ref, "goodwill"))(env)
	}},
	{"held", false, func(env *environment, customer, ref string) {
		p := reportedPayment(customer, ref)
		p.Flaw = "a riddle"
		env.receive(paid(p))
	}},
	{"deferred", false, func(env *environment, customer, ref string) {
		env.pay(customer, "before-"+ref)
		env.pay(customer, ref)
	}},
	{"credited", false, func(env *environment, customer, ref string) {
		must(env.Cancel(env.Context(), env.pay(customer, ref).SessionID, shop))(env)
	}},
	{"scheduled", false, func(env *environment, customer, ref string) {
		p, at := env.purchase(customer, ref), time.Now().Add(3*time.Hour)
		p.StartsAt = &at
		must(env.FulfillCheckout(env.Context(), shop, p))(env)
	}},
	{"waiting", false, func(env *environment, customer, ref string) { env.pay(customer, ref) }},
	{"accepted", true, func(env *environment, customer, ref string) { env.accepted(customer, ref, "m-"+ref) }},
	{"live", true, func(env *environment, customer, ref string) { env.live(customer, ref, "m-"+ref) }},
	{"completed", true, func(env *environment, customer, ref string) { env.finished(env.pay(customer, ref), "m-"+ref) }},
}

// Of two checkouts that turn out to be one payment, the one that has come farthest stays, as
// it was; nothing comes of the other, and nobody is paid for it. What a mechanic has stays in
// any case.
func TestOfTwoCheckoutsOfAPaymentTheFarthestStays(t *testing.T) {
	onEachStore(t, func(env *environment) {
		s := seed.New(env)
		for i, older := range stages {
			for j, newer := range stages {
				a, b := fmt.Sprint("o-", i, j), fmt.Sprint("n-", i, j)
				dice := seed.Dice(s, a)
				if testing.Short() && dice.IntN(6) > 0 { // a sixth of the pairs, in each run another
					continue
				}
				older.get(env, "c-"+a, a)
				newer.get(env, "c-"+b, b)
				was := []curfew.Checkout{env.outcomeOf(a), env.outcomeOf(b)}
				same := reportedPayment("", "cs-"+a)
				same.PaymentID = "pi-" + a
				n := same.GivenBack(0)
				n.References = []string{a, b, same.PaymentID}
				n.Facts = []curfew.Fact{{Kind: "attempt", Object: same.PaymentID, State: "captured", Amount: 2900, Currency: "eur"}}
				if dice.IntN(2) == 0 {
					together(3, func(int) {
						if err := env.Receive(env.Context(), n); err != nil {
							env.Error(err)
						}
					})
				}
				env.receive(n, n)
				stays, goes := 0, 1
				if j > i && (older.name != "live" || newer.name != "completed") {
					stays, goes = 1, 0
				}
				sentence := older.name + ", then " + newer.name
				env.stays(sentence, was[stays])
				if []bool{older.stay, newer.stay}[goes] {
					env.stays(sentence, was[goes])
					continue
				}
				env.bringsNothing(sentence, was[goes])
				for _, ref := range n.References {
					if c := env.outcomeOf(ref); c.ID != was[stays].ID {
						env.Errorf("%s: %s finds %s (%s)", sentence, ref, c.ID, c.Outcome)
					}
				}
			}
		}
	})
}

// stays checks that a checkout and its session are as they were.
func (env *environment) stays(sentence string, was curfew.Checkout) {
	env.Helper()
	c := must(env.Store.Checkout(env.Context(), was.ID))(env)
	if c.Outcome != was.Outcome {
		env.Errorf("%s: the one that stays is %s (%s), and was %s", sentence, c.Outcome, c.Note, was.Outcome)
	}
	if c.Outcome == curfew.Credited {
		if err := env.spent(c.CustomerID); err != nil {
			env.Errorf("%s: the credit is not spent: %v", sentence, err)
		}
	}
	if c.Outcome != curfew.Fulfilled {
		return
	}
	if s := must(env.Session(env.Context(), c.SessionID))(env); s.Status == curfew.Cancelled {
		env.Errorf("%s: the session that stays was cancelled (%s)", sentence, s.EndReason)
	}
}

// bringsNothing checks that nothing comes of a checkout any more.
func (env *environment) bringsNothing(sentence string, was curfew.Checkout) {
	env.Helper()
	c := must(env.Store.Checkout(env.Context(), was.ID))(env)
	if c.Outcome != curfew.Void || c.RefundAmount != 0 {
		env.Errorf("%s: the one that goes is %s (%s), and was %s", sentence, c.Outcome, c.Note, was.Outcome)
	}
	if c.SessionID != "" {
		if s := must(env.Session(env.Context(), c.SessionID))(env); s.Status != curfew.Cancelled {
			env.Errorf("%s: its session is %s", sentence, s.Status)
		}
	}
	if err := env.spent(c.CustomerID); was.Outcome == curfew.Credited && !errors.Is(err, curfew.PaymentRequired) {
		env.Errorf("%s: the other credit is spent: %v", sentence, err)
	}
}

// Facts of a payment reach the checkout that stays, whichever it is.
func TestFactsReachTheCheckoutThatStays(t *testing.T) {
	onEachStore(t, func(env *environment) {
		must(env.Cancel(env.Context(), env.pay("ada", "o1").SessionID, shop))(env)
		f := env.live("bob", "o2", "max")
		p := reportedPayment("", "cs-1")
		n := p.GivenBack(0)
		n.References = []string{"o1", "o2", p.PaymentID}
		n.Facts = []curfew.Fact{{Kind: "attempt", Object: p.PaymentID, State: "captured", Amount: 2900, Currency: "eur"}}
		env.receive(n)
		for _, ref := range []string{"o1", "o2", p.PaymentID} {
			if c := env.outcome(ref, curfew.Fulfilled); c.SessionID != f.SessionID {
				env.Errorf("%s finds %+v", ref, c)
			}
		}
		again := must(env.FulfillCheckout(env.Context(), shop, env.purchase("bob", "o2")))(env)
		if !again.Replayed || again.SessionID != f.SessionID || again.Outcome != curfew.Fulfilled {
			env.Errorf("reported again, it is %+v", again)
		}
		env.receive(p.Disputed("lost"))
		env.is(f.SessionID, curfew.Cancelled, curfew.ByPayment, curfew.RequestCancelled, curfew.Void)
		if err := env.spent("ada"); !errors.Is(err, curfew.PaymentRequired) {
			env.Errorf("spent: %v", err)
		}
	})
}

// Two payments for several sessions that turn out to be one have each line once.
func TestLinesThatWereRecordedTwiceAreKeptOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		a, b := evenly("ada", "p1", 3), evenly("ada", "p2", 3)
		env.receive(paid(a))
		must(env.Cancel(env.Context(), env.outcome("p1", curfew.Fulfilled).SessionID, shop))(env)
		spent := must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "ada", Plan: "chat10"}))(env)
		env.receive(paid(b))
		n := a.GivenBack(0)
		n.References = []string{"p1", "p2", a.PaymentID}
		env.receive(n, paid(b), n)
		var left int
		for _, c := range env.lines("p1") {
			if c.Outcome != curfew.Void {
				left++
			}
		}
		if s := must(env.Session(env.Context(), spent.SessionID))(env); left != 3 || s.Status != curfew.Waiting {
			env.Errorf("%d lines are left, and the session that was open is %s", left, s.Status)
		}
	})
}

// between is a store that lets something happen before a customer's sessions are read.
type between struct {
	lifecycle.Store
	customer string
	happens  func()
}

func (b *between) Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error) {
	if customerID == b.customer && b.happens != nil {
		happens := b.happens
		b.happens = nil
		happens()
	}
	return b.Store.Unended(ctx, customerID)
}

// Whoever reads a session that was cancelled meanwhile as a duplicate does not take it for a
// completed one, and the other for the duplicate.
func TestACancelledDuplicateIsNotTakenForACompletedSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		older, newer := env.pay("ada", "o1"), env.pay("bob", "o2")
		p := reportedPayment("", "cs-1")
		n := p.GivenBack(0)
		n.References = []string{"o1", "o2", p.PaymentID}
		n.Facts = []curfew.Fact{{Kind: "attempt", Object: p.PaymentID, State: "captured", Amount: 2900, Currency: "eur"}}
		late := env.with(&between{env.Store, "bob", func() { env.receive(n) }})
		late.receive(n)
		env.is(older.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		env.is(newer.SessionID, curfew.Cancelled, curfew.Duplicate, curfew.RequestCancelled, curfew.Void)
	})
}
