package lifecycle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// naming is the message that names are those of one payment.
func naming(refs ...string) curfew.Notice {
	return curfew.Notice{ID: newName(), Type: "named", Provider: "shop", At: time.Now(), References: refs, Naming: true}
}

// An order number of the shop's own is a payment's name as soon as somebody says so, before or after it was used.
func TestAnOrderNumberIsAPaymentsName(t *testing.T) {
	for sentence, order := range map[string]string{
		"the shop, the provider, the name": "spn", "the provider, the shop, the name": "psn", "the name first": "nsp",
		"the name, then the provider": "nps", "the name between them": "snp", "the name after the provider": "pns",
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				b := newBank()
				env = env.banked(b, env.Store)
				p := reportedPayment("kim", "cs-1")
				steps := map[rune]func(){
					's': func() {
						must(env.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{PaymentRef: "order-1", CustomerID: "kim", Plan: p.Plan}))(env)
					},
					'p': func() { env.receive(paid(p)) },
					'n': func() { env.receive(naming(p.PaymentID, "order-1"), naming(p.PaymentID, "order-1")) },
				}
				for _, step := range order {
					steps[step]()
				}
				c := env.outcome("order-1", curfew.Fulfilled)
				if other := env.outcomeOf("cs-1"); other.ID != c.ID || c.PaymentID != p.PaymentID {
					env.Errorf("by its order it is %+v, by its session %+v", c, other)
				}
				all := must(env.Store.SessionsOf(env.Context(), "kim", 10))(env)
				if len(all) != 1 {
					env.Errorf("it has brought %d sessions", len(all))
				}
				must(env.RefundCheckout(env.Context(), admin, "order-1", "a mistake"))(env)
				env.settleRefunds()
				env.outcome("cs-1", curfew.Refunded)
				if got := b.sum(p.PaymentID); got != p.Amount {
					env.Errorf("given back %d of %d", got, p.Amount)
				}
			})
		})
	}
}

// One payment that shop and provider take for two customers' stays where it has come farthest, and an operator is told,
// once.
func TestAPaymentOfTwoCustomersIsAFinding(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("lea", "cs-1")
		must(env.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{PaymentRef: "order-1", CustomerID: "kim", Plan: p.Plan}))(env)
		env.receive(paid(p))
		lea := env.outcome("cs-1", curfew.Fulfilled)
		for range 2 {
			env.receive(naming(p.PaymentID, "order-1"))
		}
		kim := env.outcome("order-1", curfew.Fulfilled)
		if kim.CustomerID != "kim" || kim.Concern != record.Disagreement || !strings.Contains(kim.Note, "lea") {
			env.Errorf("the one that stays is %+v", kim)
		}
		if lost := must(env.Store.Checkout(env.Context(), lea.ID))(env); lost.Outcome != curfew.Void {
			env.Errorf("the other one is %s", lost.Outcome)
		}
		env.is(lea.SessionID, curfew.Cancelled, curfew.Duplicate, curfew.RequestCancelled, curfew.Void)
		env.receive(paid(p), paid(p))
		if again := env.outcome("order-1", curfew.Fulfilled); again.CustomerID != "kim" || again.Concern != record.Disagreement {
			env.Errorf("told again, it is %+v", again)
		}
	})
}

// Two checkouts of one payment, for both of which the provider was asked before that was known, end with the one refund.
func TestARefundOfADuplicateEnds(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p, ctx := reportedPayment("kim", "cs-1"), env.Context()
		for _, ref := range []string{p.Ref, p.PaymentID} {
			must(env.FulfillCheckout(ctx, shop, lifecycle.Purchase{PaymentRef: ref, CustomerID: "kim", Plan: p.Plan, Amount: &p.Amount, Currency: p.Currency}))(env)
			must(env.RefundCheckout(ctx, admin, ref, "a mistake"))(env)
		}
		n := paid(p)
		l := must(env.Store.Report(ctx, record.PaymentReport{
			Provider: n.Provider, References: n.References, Name: n.Name, Facts: n.Facts, Reason: "told", Actor: curfew.Provider,
		}))(env)
		for _, c := range l.Checkouts {
			must(env.Store.ChangeCheckout(ctx, record.CheckoutChange{
				From: c, To: curfew.Refunding, Reason: curfew.RefundAskedReason, Actor: curfew.Refunder,
			}))(env)
		}
		env.receive(refunded(p, p.Amount))
		for _, c := range must(env.Store.Ledger(ctx, l.ID))(env).Checkouts {
			if c.Outcome != curfew.Refunded {
				env.Errorf("%s is %s (%s)", c.Ref, c.Outcome, c.Note)
			}
		}
	})
}
