package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// A rival of an undo moves the same customers, one by one, at the same time.
func TestUndoRaces(t *testing.T) {
	for sentence, race := range map[string]struct {
		adjust func(*curfew.Policy)
		rival  func(env *environment, customer string, f lifecycle.Fulfillment) (won bool, err error)
	}{
		"against the spending of the credit": {rival: func(env *environment, customer string, _ lifecycle.Fulfillment) (bool, error) {
			_, err := env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10"})
			if errors.Is(err, curfew.PaymentRequired) || errors.Is(err, curfew.SessionOpen) {
				return false, nil
			}
			return err == nil, err
		}},
		"against the refund worker's claim": {adjust: refunding, rival: func(env *environment, _ string, f lifecycle.Fulfillment) (bool, error) {
			c, err := env.Checkout(env.Context(), f.CheckoutID)
			if err != nil || c.Outcome != curfew.RefundDue {
				return false, err
			}
			_, err = env.Store.ChangeCheckout(env.Context(), record.CheckoutChange{From: c, To: curfew.Refunding, Reason: "r", Actor: curfew.Refunder})
			if errors.Is(err, curfew.Conflict) {
				return false, nil
			}
			return err == nil, err
		}},
		"against the customer's own admission": {rival: func(env *environment, customer string, _ lifecycle.Fulfillment) (bool, error) {
			f, err := env.FulfillCheckout(env.Context(), shop, env.purchase(customer, "own-"+customer))
			return f.Outcome == curfew.Fulfilled, err
		}},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStoreWith(t, race.adjust, func(env *environment) {
				won, lost := 0, 0
				for n := 0; n < raceCount() || won*lost == 0 && n < 10*raceCount(); n += raceSize { // on a busy machine one side may win for a while
					a, b := env.undoRace(fmt.Sprint("c", n, "-"), n/raceSize%2 == 1, race.rival)
					won, lost = won+a, lost+b
				}
				env.Logf("%d rivals won, %d lost", won, lost)
				if won == 0 || lost == 0 {
					env.Error("one side always won: this was no race")
				}
			})
		})
	}
}

// undoRace lets a rival go through the customers of a run while it is undone,
// in the same order or from the other end, and counts who won.
func (env *environment) undoRace(prefix string, backward bool, rival func(*environment, string, lifecycle.Fulfillment) (bool, error)) (won, lost int) {
	env.Helper()
	run, fs := env.swept(prefix, min(raceSize, raceCount()))
	order := make([]int, len(fs))
	for i := range order {
		order[i] = i
	}
	if backward {
		slices.Reverse(order)
	}
	rivals, errs := make([]bool, len(fs)), make([]error, len(fs))
	var u lifecycle.Undone
	var undoErr error
	together(2, func(i int) {
		if i == 0 {
			u, undoErr = env.Undo(env.Context(), undoing(run.ID))
			return
		}
		for _, n := range order {
			rivals[n], errs[n] = rival(env, fmt.Sprint(prefix, n), fs[n])
		}
	})
	must(u, undoErr)(env)
	said := whys(u)
	for i, f := range fs {
		must(true, errs[i])(env)
		_, refused := said[f.SessionID]
		if rivals[i] != refused {
			env.Errorf("%s%d: the rival won: %v; the undo says %q", prefix, i, rivals[i], said[f.SessionID])
		}
		if rivals[i] {
			won++
		} else {
			lost++
		}
	}
	return won, lost
}
