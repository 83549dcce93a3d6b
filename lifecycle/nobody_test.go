package lifecycle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// Whoever embeds Curfew and hands over an id that was never set means nobody,
// and nothing happens to anybody.
func TestAnEmptyIDIsNobody(t *testing.T) {
	onBoth(t, nil, func(w *world) {
		f, err := w.FulfillCheckout(w.Context(), shop, lifecycle.Purchase{PaymentRef: "ref", CustomerID: "kim", Plan: "chat10"})
		if err != nil {
			w.Fatal(err)
		}
		for _, id := range []string{"", " ", "\t", "\u3164", "\u202e"} {
			for call, err := range map[string]error{
				"CleanupCustomerWaitingSessions": second(w.CleanupCustomerWaitingSessions(w.Context(), id, time.Nanosecond)),
				"CheckCustomerSessionStatus":     second(w.CheckCustomerSessionStatus(w.Context(), id)),
				"Unended":                        second(w.Unended(w.Context(), id)),
				"Checkouts":                      second(w.OfCustomer(w.Context(), id)),
				"Clear":                          second(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: id, Force: true, Reason: "r"})),
				"FulfillCheckout":                second(w.FulfillCheckout(w.Context(), shop, lifecycle.Purchase{PaymentRef: "p", CustomerID: id, Plan: "chat10"})),
				"CreateSession":                  second(w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: id, Plan: "free"})),
				"AssignHeld":                     second(w.AssignHeld(w.Context(), admin, "ref", id, "chat10", "r")),
				"Accept":                         second(w.Accept(w.Context(), f.RequestID, id)),
				"Release":                        second(w.Release(w.Context(), f.RequestID, id)),
				"Current":                        second(w.Current(w.Context(), id)),
			} {
				if !errors.Is(err, curfew.Invalid) {
					w.Errorf("%s(%q): %v", call, id, err)
				}
			}
		}
		if _, err := w.RunCleanup(w.Context(), lifecycle.Cleanup{Rules: []curfew.RuleName{}}); !errors.Is(err, curfew.Invalid) {
			w.Errorf("a cleanup by no rule: %v", err)
		}
		s, err := w.Session(w.Context(), f.SessionID)
		if err != nil || s.Status != curfew.Waiting || s.Version != 1 {
			w.Errorf("kim's session moved: %+v %v", s, err)
		}
	})
}
