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
		rival  func(w *world, customer string, f lifecycle.Fulfillment) (won bool, err error)
	}{
		"against the spending of the credit": {rival: func(w *world, customer string, _ lifecycle.Fulfillment) (bool, error) {
			_, err := w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10"})
			if errors.Is(err, curfew.PaymentRequired) || errors.Is(err, curfew.SessionOpen) {
				return false, nil
			}
			return err == nil, err
		}},
		"against the refund worker's claim": {adjust: refunding, rival: func(w *world, _ string, f lifecycle.Fulfillment) (bool, error) {
			c, err := w.Checkout(w.Context(), f.CheckoutID)
			if err != nil || c.Outcome != curfew.RefundDue {
				return false, err
			}
			_, err = w.Store.ChangeCheckout(w.Context(), record.CheckoutChange{From: c, To: curfew.Refunding, Reason: "r", Actor: curfew.Refunder})
			if errors.Is(err, curfew.Conflict) {
				return false, nil
			}
			return err == nil, err
		}},
		"against the customer's own admission": {rival: func(w *world, customer string, _ lifecycle.Fulfillment) (bool, error) {
			f, err := w.FulfillCheckout(w.Context(), shop, w.purchase(customer, "own-"+customer))
			return f.Outcome == curfew.Fulfilled, err
		}},
	} {
		t.Run(sentence, func(t *testing.T) {
			worldsWith(t, race.adjust, func(w *world) {
				won, lost := 0, 0
				for n := 0; n < *races; n += raceSize {
					a, b := w.undoRace(fmt.Sprint("c", n, "-"), n/raceSize%2 == 1, race.rival)
					won, lost = won+a, lost+b
				}
				w.Logf("%d rivals won, %d lost", won, lost)
				if *races > raceSize && (won == 0 || lost == 0) {
					w.Error("one side always won: this was no race")
				}
			})
		})
	}
}

// undoRace lets a rival go through the customers of a run while it is undone,
// in the same order or from the other end, and counts who won.
func (w *world) undoRace(prefix string, backward bool, rival func(*world, string, lifecycle.Fulfillment) (bool, error)) (won, lost int) {
	w.Helper()
	run, fs := w.swept(prefix, min(raceSize, *races))
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
			u, undoErr = w.Undo(w.Context(), undoing(run.ID))
			return
		}
		for _, n := range order {
			rivals[n], errs[n] = rival(w, fmt.Sprint(prefix, n), fs[n])
		}
	})
	must(u, undoErr)(w)
	said := whys(u)
	for i, f := range fs {
		must(true, errs[i])(w)
		_, refused := said[f.SessionID]
		if rivals[i] != refused {
			w.Errorf("%s%d: the rival won: %v; the undo says %q", prefix, i, rivals[i], said[f.SessionID])
		}
		if rivals[i] {
			won++
		} else {
			lost++
		}
	}
	return won, lost
}
