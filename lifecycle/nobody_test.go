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
	onBoth(t, nil, func(env *environment) {
		f, err := env.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{PaymentRef: "ref", CustomerID: "kim", Plan: "chat10"})
		if err != nil {
			env.Fatal(err)
		}
		for _, id := range []string{"", " ", "\t", "\u3164", "\u202e"} {
			for call, err := range map[string]error{
				"CleanupCustomerWaitingSessions": second(env.CleanupCustomerWaitingSessions(env.Context(), id, time.Nanosecond)),
				"CheckCustomerSessionStatus":     second(env.CheckCustomerSessionStatus(env.Context(), id)),
				"Unended":                        second(env.Unended(env.Context(), id)),
				"Checkouts":                      second(env.OfCustomer(env.Context(), id)),
				"Clear":                          second(env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: id, Force: true, Reason: "r"})),
				"FulfillCheckout":                second(env.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{PaymentRef: "p", CustomerID: id, Plan: "chat10"})),
				"CreateSession":                  second(env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: id, Plan: "free"})),
				"AssignHeld":                     second(env.AssignHeld(env.Context(), admin, "ref", id, "chat10", "r")),
				"Accept":                         second(env.Accept(env.Context(), f.RequestID, id)),
				"Release":                        second(env.Release(env.Context(), f.RequestID, id)),
				"Current":                        second(env.Current(env.Context(), id)),
			} {
				if !errors.Is(err, curfew.Invalid) {
					env.Errorf("%s(%q): %v", call, id, err)
				}
			}
		}
		if _, err := env.RunCleanup(env.Context(), lifecycle.Cleanup{Rules: []curfew.RuleName{}}); !errors.Is(err, curfew.Invalid) {
			env.Errorf("a cleanup by no rule: %v", err)
		}
		s, err := env.Session(env.Context(), f.SessionID)
		if err != nil || s.Status != curfew.Waiting || s.Version != 1 {
			env.Errorf("kim's session moved: %+v %v", s, err)
		}
	})
}
