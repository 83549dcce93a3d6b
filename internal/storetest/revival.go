package storetest

import (
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var revivals = contract{
	"a new session revives an ended one, and says so":               revives,
	"a refund that is due pays for a new session":                   revivesFromRefund,
	"a session is revived once, even after the new one has ended":   revivesOnce,
	"what revives nothing is not found":                             revivalNotFound,
	"revival and spending of one credit: one of them happens":       racesRevivalSpending,
	"revival and the refund worker: one of them happens":            racesRevivalRefund,
	"revival and the customer's own admission: one of them happens": racesRevivalAdmission,
	"many concurrent revivals are one":                              racesRevivals,
}

// reviving returns an admission that replaces an ended session.
func reviving(st curfew.Snapshot, c curfew.Checkout) record.Admission {
	a := spending(c)
	a.Session.Revives, a.RunID, a.Reason = st.ID, newID(), "revived"
	return a
}

// endedOwing returns a cancelled session, and its payment with the outcome that is owed.
func (f *paymentFixture) endedOwing(customer string, owed curfew.Outcome) (curfew.Snapshot, curfew.Checkout) {
	f.Helper()
	end := endChange(f.admit(customer), curfew.Cancelled, curfew.Expired)
	end.Owed = owed
	st := f.change(end)
	return st, f.paidBy(st)
}

func revives(f *fixture) {
	was, c := f.endedOwing("ada", curfew.Credited)
	a := reviving(was, c)
	got, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	f.same("what it revives", got.Revives, was.ID)
	f.sameSnapshot("what is stored", f.read(got.ID), got)
	found, err := f.Store.Revival(f.Context(), "ada", was.ID)
	f.must(err)
	f.sameSnapshot("the revival", found, got)
	f.sameSnapshot("the ended one", f.read(was.ID), was)
	f.history("ada", got.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "revived", RunID: a.RunID})
}

func revivesFromRefund(f *fixture) {
	was, c := f.endedOwing("ada", curfew.RefundDue)
	f.same("due", f.refundable(9), []string{c.ID})
	_, err := f.Store.Admit(f.Context(), reviving(was, c))
	f.must(err)
	now := f.checkout("ada", c.ID)
	f.same("the payment", []any{now.Outcome, now.RefundAmount, now.SessionID}, []any{curfew.Fulfilled, int64(0), was.ID})
	f.same("due", f.refundable(9), []string(nil))
}

func revivesOnce(f *fixture) {
	was, c := f.endedOwing("ada", curfew.Credited)
	st, err := f.Store.Admit(f.Context(), reviving(was, c))
	f.must(err)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	again := reviving(was, f.checkout("ada", c.ID))
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Admit(f.Context(), again)
		return err
	})
}

func revivalNotFound(f *fixture) {
	st := f.admit("ada")
	for _, id := range []string{"", "x", newID(), st.ID} {
		_, err := f.Store.Revival(f.Context(), "ada", id)
		f.kind(err, curfew.NotFound)
	}
}

// raceRevival lets one caller revive an ended session while another moves its payment or takes the
// customer's slot; exactly one of them must win.
func (f *fixture) raceRevival(owed curfew.Outcome, rival func(was curfew.Snapshot, c curfew.Checkout) error) {
	f.Helper()
	revived := 0
	for round := range raceRounds() {
		was, c := f.endedOwing(fmt.Sprint("customer-", round), owed)
		won := f.race(2, curfew.Conflict, func(i int) error {
			if i == 1 {
				return rival(was, c)
			}
			_, err := f.Store.Admit(f.Context(), reviving(was, c))
			return err
		})
		f.same("winners", len(won), 1)
		revived += 1 - won[0]
		_, err := f.Store.Revival(f.Context(), was.CustomerID, was.ID)
		if (err == nil) != (won[0] == 0) {
			f.Fatalf("round %d: %d won, and the revival: %v", round, won[0], err)
		}
	}
	f.Logf("%d of %d were revived", revived, raceRounds())
}

func racesRevivalSpending(f *fixture) {
	f.raceRevival(curfew.Credited, func(_ curfew.Snapshot, c curfew.Checkout) error {
		_, err := f.Store.Admit(f.Context(), spending(c))
		return err
	})
}

func racesRevivalRefund(f *fixture) {
	f.raceRevival(curfew.RefundDue, func(_ curfew.Snapshot, c curfew.Checkout) error {
		_, err := f.Store.ChangeCheckout(f.Context(), record.CheckoutChange{
			From: c, To: curfew.Refunding, Reason: "the provider is asked", Actor: curfew.Refunder,
		})
		return err
	})
}

func racesRevivalAdmission(f *fixture) {
	f.raceRevival(curfew.Credited, func(was curfew.Snapshot, _ curfew.Checkout) error {
		_, err := f.Store.Admit(f.Context(), admission(was.CustomerID))
		return err
	})
}

func racesRevivals(f *fixture) {
	for round := range max(1, raceRounds()/20) {
		was, c := f.endedOwing(fmt.Sprint("customer-", round), curfew.Credited)
		won := f.race(10, curfew.Conflict, func(int) error {
			_, err := f.Store.Admit(f.Context(), reviving(was, c))
			return err
		})
		f.same("winners", len(won), 1)
	}
}
