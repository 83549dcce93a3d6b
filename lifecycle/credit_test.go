package lifecycle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// aDay is a policy under which credits live for a day.
func aDay(p *curfew.Policy) { p.CreditTTL = 24 * time.Hour }

// credited is a payment whose session was cancelled, and which became a credit so long ago.
func (env *environment) credited(customer, ref string, ago time.Duration) curfew.Checkout {
	env.Helper()
	f := env.pay(customer, ref)
	must(env.Cancel(env.Context(), f.SessionID, shop))(env)
	env.Age(env, f.SessionID, ago)
	return env.outcome(ref, curfew.Credited)
}

func (env *environment) sweepCredits() {
	env.Helper()
	if err := env.SweepCredits(env.Context()); err != nil {
		env.Fatal(err)
	}
}

// ends checks what became of a credit, and how its history says so.
func (env *environment) ends(id string, want curfew.Outcome) {
	env.Helper()
	c := must(env.Checkout(env.Context(), id))(env)
	events := must(env.CheckoutEvents(env.Context(), c))(env)
	last := events[len(events)-1]
	if c.Outcome != want || last.Code() != "credit_over" || last.Actor != curfew.Sweeper || c.MoneyDue {
		env.Errorf("it is %s because of %q (%s, by %s), want %s", c.Outcome, last.Reason, last.Code(), last.Actor, want)
	}
}

func TestACreditThatNobodySpendsInTimeIsGivenBack(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		env.credited("old", "p1", 25*time.Hour)
		young := env.credited("young", "p2", 23*time.Hour)
		env.sweepCredits()
		env.ends("p1", curfew.RefundDue)
		if c := env.outcome("p1", curfew.RefundDue); c.Due() != 2900 {
			env.Errorf("%d are due", c.Due())
		}
		env.outcome("p2", curfew.Credited)
		if at := env.policy.CreditEnds(young); !at.Equal(young.UpdatedAt.Add(24 * time.Hour)) {
			env.Errorf("the young one ends %s", at)
		}
	})
}

func TestCreditsLiveForEverUnlessThePolicyLimitsThem(t *testing.T) {
	onEachStore(t, func(env *environment) {
		c := env.credited("c", "p1", 9999*time.Hour)
		env.sweepCredits()
		env.outcome("p1", curfew.Credited)
		if at := env.policy.CreditEnds(c); !at.IsZero() {
			env.Errorf("it ends %s", at)
		}
	})
}

// Nothing was paid, so nothing is owed; and no refund waits for somebody to see that.
func TestACreditThatCostNothingEndsWithoutARefund(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		free := env.creditOfFree("c")
		env.Age(env, free.SessionID, 25*time.Hour)
		coupon := reportedPayment("d", "p2")
		coupon.Amount = 0
		env.receive(paid(coupon))
		c := env.outcome("p2", curfew.Fulfilled)
		must(env.Cancel(env.Context(), c.SessionID, shop))(env)
		env.Age(env, c.SessionID, 25*time.Hour)
		env.sweepCredits()
		env.ends(free.ID, curfew.Void)
		env.ends("p2", curfew.Refunded)
		env.receive(paid(coupon)) // told again, it does not come back
		env.ends("p2", curfew.Refunded)
	})
}

// creditOfFree is the credit that a cancelled session of the free plan leaves.
func (env *environment) creditOfFree(customer string) curfew.Checkout {
	env.Helper()
	f := must(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "free"}))(env)
	must(env.Cancel(env.Context(), f.SessionID, shop))(env)
	return must(env.Checkout(env.Context(), f.CheckoutID))(env)
}

// disputeOf is what a provider says of a dispute of 29.00 EUR.
func disputeOf(ref, state string, at time.Time) curfew.Notice {
	return noticeOf(ref, curfew.Fact{Kind: "dispute", Object: "dp-" + ref, State: state, Amount: 2900, Currency: "eur", At: at})
}

// noticeOf is a message with one fact of a payment.
func noticeOf(ref string, f curfew.Fact) curfew.Notice {
	id := fmt.Sprint("evt-", ref, "-", f.Object, "-", f.State)
	return curfew.Notice{ID: id, Type: "test", Provider: "stripe", At: f.At, References: []string{ref}, Facts: []curfew.Fact{f}}
}

// The bank decides first; then the credit goes on where it stood, and its time has passed.
func TestACreditWhoseMoneyMayBeTakenBackWaits(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		at := time.Now().Add(-26 * time.Hour)
		for ref, n := range map[string]curfew.Notice{
			"p1": disputeOf("p1", "needs_response", at),
			"p2": noticeOf("p2", curfew.Fact{Kind: "refund", Object: "re-1", State: "pending", Amount: 2900, Currency: "eur", At: at}),
		} {
			env.credited("c-"+ref, ref, 25*time.Hour)
			env.receive(paid(reportedPayment("c-"+ref, ref)), n)
		}
		env.sweepCredits()
		env.outcome("p1", curfew.Credited)
		env.outcome("p2", curfew.Credited)
		env.receive(disputeOf("p1", "won", at.Add(time.Hour)))
		env.sweepCredits()
		env.ends("p1", curfew.RefundDue)
		env.outcome("p2", curfew.Credited)
	})
}

// A page that is full of what cannot be given back now keeps nobody else from it.
func TestDisputedCreditsStandInNobodysWay(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		for i := range 101 { // more than one page
			ref := fmt.Sprint("d", i)
			env.credited("c-"+ref, ref, 30*time.Hour)
			env.receive(disputeOf(ref, "needs_response", time.Now()))
		}
		env.credited("last", "p1", 25*time.Hour)
		env.sweepCredits()
		env.ends("p1", curfew.RefundDue)
		env.outcome("d7", curfew.Credited)
	})
}

// What was paid comes back by the provider, as with every other refund.
func TestTheProviderGivesBackWhatACreditCost(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		env.credited("c", "p1", 25*time.Hour)
		env.receive(paid(reportedPayment("c", "p1")))
		env.sweepCredits()
		env.settleRefunds()
		env.outcome("p1", curfew.Refunded)
		env.sweepCredits()
		env.settleRefunds()
		if b.sum("pi-p1") != 2900 || len(b.asked) != 1 {
			env.Errorf("%d were given back in %d calls", b.sum("pi-p1"), len(b.asked))
		}
	})
}

// Until the sweeper comes by, a credit can be spent, however old it is. Whoever is second
// finds it gone.
func TestAnOldCreditIsSpentOrGivenBackNeverBoth(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		for i := range 10 {
			customer, ref := fmt.Sprint("c", i), fmt.Sprint("p", i)
			env.credited(customer, ref, 25*time.Hour)
			var spent error
			together(2, func(n int) {
				if n == 0 {
					_, spent = env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10"})
				} else if err := env.SweepCredits(env.Context()); err != nil {
					env.Error(err)
				}
			})
			c := must(env.Checkout(env.Context(), ref))(env)
			if (spent == nil) != (c.Outcome == curfew.Fulfilled) || spent != nil && c.Outcome != curfew.RefundDue {
				env.Errorf("the customer was told %v, and the payment is %s", spent, c.Outcome)
			}
		}
	})
}

// The sweeper does it by itself, beside its other work.
func TestTheSweeperEndsCredits(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		env.credited("c", "p1", 25*time.Hour)
		env.running([]*lifecycle.Keeper{env.Keeper}, func() bool {
			c, err := env.Checkout(env.Context(), "p1")
			return err == nil && c.Outcome == curfew.RefundDue
		})
		env.ends("p1", curfew.RefundDue)
	})
}

// A shop that never said how much was paid keeps no money by that.
func TestACreditOfUnknownCostIsOwed(t *testing.T) {
	onEachStoreWith(t, aDay, func(env *environment) {
		unknown := env.purchase("c", "p1")
		unknown.Amount, unknown.Currency = nil, ""
		f := must(env.FulfillCheckout(env.Context(), shop, unknown))(env)
		p := reportedPayment("c", "p1")
		env.receive(paid(p))
		env.Exec(env, "UPDATE "+env.Schema+"checkouts SET amount = 0, currency = ''") // as an older program left it
		must(env.Cancel(env.Context(), f.SessionID, shop))(env)
		env.Age(env, f.SessionID, 25*time.Hour)
		env.sweepCredits()
		env.ends("p1", curfew.RefundDue)
	})
}
