package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// unpriced is a payment whose refund is due, and of which the shop did not say how much it was. The vault knows.
func (env *environment) unpriced(v *vault) curfew.Notice {
	env.Helper()
	p := reportedPayment("kim", "p1")
	v.reserve(p, time.Hour)
	v.reserved[p.PaymentID].State = "captured"
	must(env.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{PaymentRef: "p1", CustomerID: "kim", Plan: p.Plan}))(env)
	must(env.RefundCheckout(env.Context(), admin, "p1", "goodwill"))(env)
	n := p.Notice()
	n.Order, n.Facts = nil, nil
	return n
}

// A dispute that is the first thing a provider says names the payment, and not how much was paid.
func TestARefundOfUnknownAmountIsNotTakenForNothing(t *testing.T) {
	onEachStore(t, func(env *environment) {
		v := newVault()
		env = env.banked(v, env.Store)
		n := env.unpriced(v)
		for i, state := range []string{"needs_response", "won"} {
			n.Facts = []curfew.Fact{{Kind: "dispute", Object: "du-1", State: state, Amount: 2900, Currency: "eur", At: time.Now().Add(time.Duration(i) * time.Second)}}
			env.receive(n)
			env.settleRefunds()
			if i == 0 {
				env.outcome("p1", curfew.RefundDue)
			}
		}
		env.settleRefunds()
		env.outcome("p1", curfew.Refunded)
		if got := v.sum("pi-p1"); got != 2900 {
			env.Errorf("of 2900, %d were given back: asked %+v", got, v.asked)
		}
	})
}

// What the provider cannot say either waits, and is asked for again.
func TestARefundOfUnknownAmountWaits(t *testing.T) {
	onEachStore(t, func(env *environment) {
		v := newVault()
		env = env.banked(v, env.Store)
		n := env.unpriced(v)
		n.Facts = []curfew.Fact{{Kind: "dispute", Object: "du-1", State: "warning", At: time.Now()}}
		reports := v.reports
		v.reports = nil
		env.receive(n)
		env.settleRefunds()
		if c := env.outcome("p1", curfew.RefundDue); c.NextAt.IsZero() || c.Concern == "" {
			env.Errorf("unknown there, it is %+v", c)
		}
		v.reports = reports
		env.past("next_at", "p1")
		env.settleRefunds()
		env.settleRefunds()
		env.outcome("p1", curfew.Refunded)
	})
}

// Somebody gives a part back at the provider before anybody has said here how much was paid. The rest is still due.
func TestAPartOfAnUnknownAmountIsNotAllOfIt(t *testing.T) {
	part := curfew.Fact{Kind: "refund", Object: "re-1", State: "succeeded", Amount: 1200, Currency: "eur", At: time.Now()}
	for sentence, facts := range map[string][]curfew.Fact{
		"it says how much was paid": append(reportedPayment("kim", "p1").Notice().Facts, part),
		"it does not":               {part},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				v := newVault()
				env = env.banked(v, env.Store)
				n := env.unpriced(v)
				n.Facts = facts
				env.receive(n)
				env.outcome("p1", curfew.RefundDue)
				for range 3 {
					env.past("next_at", "p1")
					env.settleRefunds()
				}
				env.outcome("p1", curfew.Refunded)
				if got := v.sum("pi-p1"); got != 1700 {
					env.Errorf("of 2900, 1200 and then %d were given back: asked %+v", got, v.asked)
				}
			})
		})
	}
}

func TestAPartOfAnUnknownAmountPaysForNothing(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("kim", "p1")
		must(env.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{PaymentRef: "p1", CustomerID: "kim", Plan: p.Plan}))(env)
		n := p.Notice()
		n.Order, n.Facts = nil, append(n.Facts, curfew.Fact{Kind: "refund", Object: "re-1", State: "succeeded", Amount: 1200, Currency: "eur", At: time.Now()})
		env.receive(n)
		c := env.outcome("p1", curfew.Held)
		if events := fmt.Sprint(must(env.Store.Events(env.Context(), "kim", c.ID))(env)); !strings.Contains(events, "17.00 EUR of 29.00 EUR are left") {
			env.Errorf("its history says %s", events)
		}
		if all := env.linesOf(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); len(all) != 1 || all[0].Held != 1700 || all[0].Captured != 2900 {
			env.Errorf("the books say %+v of %+v", all, c)
		}
	})
}
