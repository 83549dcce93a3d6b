package lifecycle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

func TestEveryActionSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	for _, a := range lifecycle.ActionNames() {
		if len(lifecycle.Describe(a)) < 40 || !strings.HasSuffix(lifecycle.Describe(a), ".") {
			t.Errorf("%s: %q", a, lifecycle.Describe(a))
		}
	}
}

// What a sentence announces is what happens then: the session's end, and what
// becomes of its payment.
func TestConsequencesComeTrue(t *testing.T) {
	onEachStore(t, func(env *environment) {
		act := map[lifecycle.ActionName]func(s curfew.Snapshot) error{
			lifecycle.RefundPayment: func(s curfew.Snapshot) error {
				_, err := env.RefundCheckout(env.Context(), admin, s.CheckoutID, "they asked")
				return err
			},
			lifecycle.CloseRefundAction: func(s curfew.Snapshot) error {
				_, err := env.CloseRefund(env.Context(), admin, s.CheckoutID, "by bank")
				return err
			},
			lifecycle.EndSession:    func(s curfew.Snapshot) error { _, err := env.End(env.Context(), s.ID, admin); return err },
			lifecycle.CancelSession: func(s curfew.Snapshot) error { _, err := env.Cancel(env.Context(), s.ID, admin); return err },
			lifecycle.ForceClear: func(s curfew.Snapshot) error {
				_, err := env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: s.CustomerID, Force: true, Reason: "late"})
				return err
			},
		}
		becomes := map[curfew.Outcome]string{
			curfew.Credited: "becomes a credit", curfew.RefundDue: "All of its payment", curfew.Refunded: "All of its payment", curfew.Fulfilled: "is used up",
		}
		for state, make := range map[string]func(customer string) string{
			"waiting":  func(c string) string { return env.pay(c, "pay-"+c).SessionID },
			"accepted": func(c string) string { return env.accepted(c, "pay-"+c, "m-"+c).SessionID },
			"live":     func(c string) string { return env.live(c, "pay-"+c, "m-"+c).SessionID },
			"long live": func(c string) string {
				id := env.live(c, "pay-"+c, "m-"+c).SessionID
				env.Age(env, id, 5*time.Minute)
				return id
			},
		} {
			for name, do := range act {
				customer := strings.ReplaceAll(state, " ", "-") + "-" + string(name)
				s := must(env.Session(env.Context(), make(customer)))(env)
				c := must(env.Checkout(env.Context(), s.CheckoutID))(env)
				said := env.Consequence(name, lifecycle.Target{Session: s, Checkout: c, Named: true})
				explained := must(env.Explain(env.Context(), customer, curfew.Cursor{}))(env)
				for _, a := range explained.Actions {
					if a.Name == name && a.Consequence != said {
						env.Errorf("explain says of %s %q, want %q", name, a.Consequence, said)
					}
				}
				if err := do(s); err != nil {
					env.Fatal(err)
				}
				after := must(env.Session(env.Context(), s.ID))(env)
				paid := must(env.Checkout(env.Context(), s.CheckoutID))(env)
				for _, part := range []string{
					"ends now, for customer " + customer, "counts as " + string(after.Status), becomes[paid.Outcome], "(29.00 EUR)",
				} {
					if part == "" || !strings.Contains(said, part) {
						env.Errorf("%s of a %s session made it %s and its payment %s, and said %q", name, state, after.Status, paid.Outcome, said)
					}
				}
				if s.Assigned() && !strings.Contains(said, " and mechanic "+s.MechanicID) {
					env.Errorf("%s of a %s session does not say for whom: %q", name, state, said)
				}
			}
		}
	})
}

// Of a payment of which a part is gone, nobody is promised all.
func TestWhatIsLeftIsGivenBack(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("kim", "p1")
		env.receive(paid(p), p.Refund("re_1", "succeeded", 900))
		c := env.outcome("p1", curfew.Held)
		said := env.Consequence(lifecycle.RefundPayment, lifecycle.Target{Checkout: c, Named: true})
		if !strings.HasPrefix(said, "The payment brings no session. What is left of it (of 29.00 EUR) is given back.") {
			env.Errorf("said %q", said)
		}
	})
}
