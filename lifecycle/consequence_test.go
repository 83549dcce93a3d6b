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
	worlds(t, func(w *world) {
		act := map[lifecycle.ActionName]func(s curfew.Snapshot) error{
			lifecycle.RefundPayment: func(s curfew.Snapshot) error {
				_, err := w.RefundCheckout(w.Context(), admin, s.CheckoutID, "they asked")
				return err
			},
			lifecycle.CloseRefundAction: func(s curfew.Snapshot) error {
				_, err := w.CloseRefund(w.Context(), admin, s.CheckoutID, "by bank")
				return err
			},
			lifecycle.EndSession:    func(s curfew.Snapshot) error { _, err := w.End(w.Context(), s.ID, admin); return err },
			lifecycle.CancelSession: func(s curfew.Snapshot) error { _, err := w.Cancel(w.Context(), s.ID, admin); return err },
			lifecycle.ForceClear: func(s curfew.Snapshot) error {
				_, err := w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: s.CustomerID, Force: true, Reason: "late"})
				return err
			},
		}
		becomes := map[curfew.Outcome]string{
			curfew.Credited: "becomes a credit", curfew.RefundDue: "All of its payment", curfew.Refunded: "All of its payment", curfew.Fulfilled: "is used up",
		}
		for state, make := range map[string]func(customer string) string{
			"waiting":  func(c string) string { return w.pay(c, "pay-"+c).SessionID },
			"accepted": func(c string) string { return w.accepted(c, "pay-"+c, "m-"+c).SessionID },
			"live":     func(c string) string { return w.live(c, "pay-"+c, "m-"+c).SessionID },
			"long live": func(c string) string {
				id := w.live(c, "pay-"+c, "m-"+c).SessionID
				w.Age(w, id, 5*time.Minute)
				return id
			},
		} {
			for name, do := range act {
				customer := strings.ReplaceAll(state, " ", "-") + "-" + string(name)
				s := must(w.Session(w.Context(), make(customer)))(w)
				c := must(w.Checkout(w.Context(), s.CheckoutID))(w)
				said := w.Consequence(name, lifecycle.Target{Session: s, Checkout: c, Named: true})
				story := must(w.Explain(w.Context(), customer, curfew.Cursor{}))(w)
				for _, a := range story.Actions {
					if a.Name == name && a.Consequence != said {
						w.Errorf("explain says of %s %q, want %q", name, a.Consequence, said)
					}
				}
				if err := do(s); err != nil {
					w.Fatal(err)
				}
				after := must(w.Session(w.Context(), s.ID))(w)
				paid := must(w.Checkout(w.Context(), s.CheckoutID))(w)
				for _, part := range []string{
					"ends now, for customer " + customer, "counts as " + string(after.Status), becomes[paid.Outcome], "(29.00 EUR)",
				} {
					if part == "" || !strings.Contains(said, part) {
						w.Errorf("%s of a %s session made it %s and its payment %s, and said %q", name, state, after.Status, paid.Outcome, said)
					}
				}
				if s.Assigned() && !strings.Contains(said, " and mechanic "+s.MechanicID) {
					w.Errorf("%s of a %s session does not say for whom: %q", name, state, said)
				}
			}
		}
	})
}
