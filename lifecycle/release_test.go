package lifecycle_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

// Money that is only reserved is never given back: it is released, whatever the payment is for.
func TestARefundOfReservedMoneyReleasesIt(t *testing.T) {
	for sentence, row := range map[string]struct {
		plan    string
		recover bool // an operator restores it first
	}{
		"a plan that is charged at payment": {"video15", false},
		"nothing that is sold here":         {"gold", true},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { p.Plans, p.HoldForeign = curfew.BuiltinPlans(), false }, func(env *environment) {
				v := newVault()
				env = env.banked(v, env.Store)
				p := reportedPayment("kim", "p1")
				p.Plan = row.plan
				env.receive(v.reserve(p, 7*24*time.Hour))
				if row.recover {
					env.outcome("p1", curfew.Ignored)
					must(env.RestoreCheckout(env.Context(), admin, "p1", "sold here after all"))(env)
				}
				must(env.RefundCheckout(env.Context(), admin, "p1", "not sold here"))(env)
				env.settleRefunds()
				env.settleCaptures()
				env.taken("p1", curfew.Void, "released")
				if len(v.asked) != 0 || len(v.keys()) != 1 {
					env.Errorf("the bank was asked for refunds %v and for %v", v.asked, v.keys())
				}
			})
		})
	}
}

// Where nobody can ask the provider, its word that the reservation is over closes the refund.
func TestARefundOfReservedMoneyEndsWithTheReservation(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.Plans = curfew.BuiltinPlans() }, func(env *environment) {
		v := newVault()
		p := reportedPayment("kim", "p1")
		env.receive(v.reserve(p, 7*24*time.Hour))
		must(env.RefundCheckout(env.Context(), admin, "p1", "a mistake"))(env)
		v.reserved[p.PaymentID].State = "voided"
		env.receive(v.notice(p))
		if c := env.outcomeOf("p1"); c.Outcome != curfew.Void {
			env.Errorf("it is %s: %s", c.Outcome, c.Note)
		}
	})
}

// Money that turns out to be reserved after an operator has assigned it is taken, as it is where that was known before.
func TestReservedMoneyOfAnAssignedPaymentIsTaken(t *testing.T) {
	for sentence, restored := range map[string]bool{"an ignored one": false, "one that was restored": true} {
		t.Run(sentence, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { p.Plans, p.HoldForeign = curfew.BuiltinPlans(), false }, func(env *environment) {
				v := newVault()
				env = env.banked(v, env.Store)
				p := reportedPayment("kim", "p1")
				p.Plan = "gold"
				later := v.reserve(p, 7*24*time.Hour)
				first := p.Notice()
				first.Facts = []curfew.Fact{{Kind: "promise", Object: p.Ref, State: "promised"}}
				env.receive(first)
				env.outcome("p1", curfew.Ignored)
				if restored {
					must(env.RestoreCheckout(env.Context(), admin, "p1", "sold here after all"))(env)
				}
				must(env.AssignHeld(env.Context(), admin, "p1", "kim", "chat10", "by phone"))(env)
				env.outcome("p1", curfew.Deferred)
				env.receive(later, later)
				env.settleCaptures()
				env.taken("p1", curfew.Fulfilled, "captured")
				if len(v.keys()) != 1 {
					env.Errorf("the bank was asked for %v", v.keys())
				}
			})
		})
	}
}
