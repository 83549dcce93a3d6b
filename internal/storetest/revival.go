package storetest

import (
	"fmt"

	"github.com/curfewhq/curfew"
)

var revivals = contract{
	"a new session revives an ended one, and says so":         revives,
	"a refund that is due pays for a new session":             revivesFromRefund,
	"a session is revived once, also after that one ended":    revivesOnce,
	"what revives nothing is not found":                       revivalNotFound,
	"revival and spending of one credit: one of them happens": racesRevivalSpending,
	"revival and the refund worker: one of them happens":      racesRevivalRefund,
	"revival and the customer's own admission: one is there":  racesRevivalAdmission,
	"many revivals at once are one":                           racesRevivals,
}

// reviving is an admission in an ended session's stead.
func reviving(st curfew.Standing, c curfew.Checkout) curfew.Admission {
	a := spending(c)
	a.Session.Revives, a.RunID, a.Reason = st.ID, newID(), "revived"
	return a
}

// endedOwing is a session that was cancelled, and its payment with what is owed.
func (s *scene) endedOwing(customer string, owed curfew.Outcome) (curfew.Standing, curfew.Checkout) {
	s.Helper()
	end := ending(s.admit(customer), curfew.Cancelled, curfew.Expired)
	end.Owed = owed
	st := s.change(end)
	return st, s.paidBy(st)
}

func revives(s *scene) {
	was, c := s.endedOwing("ada", curfew.Credited)
	a := reviving(was, c)
	got, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	s.same("what it revives", got.Revives, was.ID)
	s.sameStanding("what is stored", s.read(got.ID), got)
	found, err := s.Store.Revival(s.Context(), "ada", was.ID)
	s.must(err)
	s.sameStanding("the revival", found, got)
	s.sameStanding("the ended one", s.read(was.ID), was)
	s.history("ada", got.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "revived", RunID: a.RunID})
}

func revivesFromRefund(s *scene) {
	was, c := s.endedOwing("ada", curfew.RefundDue)
	s.same("due", s.refundable(9), []string{c.ID})
	_, err := s.Store.Admit(s.Context(), reviving(was, c))
	s.must(err)
	now := s.checkout("ada", c.ID)
	s.same("the payment", []any{now.Outcome, now.RefundAmount, now.SessionID}, []any{curfew.Fulfilled, int64(0), was.ID})
	s.same("due", s.refundable(9), []string(nil))
}

func revivesOnce(s *scene) {
	was, c := s.endedOwing("ada", curfew.Credited)
	st, err := s.Store.Admit(s.Context(), reviving(was, c))
	s.must(err)
	s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	again := reviving(was, s.checkout("ada", c.ID))
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Admit(s.Context(), again)
		return err
	})
}

func revivalNotFound(s *scene) {
	st := s.admit("ada")
	for _, id := range []string{"", "x", newID(), st.ID} {
		_, err := s.Store.Revival(s.Context(), "ada", id)
		s.kind(err, curfew.NotFound)
	}
}

// raceRevival lets one revive what has ended while somebody else moves its
// payment or takes the customer's slot; exactly one of them must win.
func (s *scene) raceRevival(owed curfew.Outcome, rival func(was curfew.Standing, c curfew.Checkout) error) {
	s.Helper()
	revived := 0
	for round := range *raceRounds {
		was, c := s.endedOwing(fmt.Sprint("customer-", round), owed)
		won := s.race(2, curfew.Conflict, func(i int) error {
			if i == 1 {
				return rival(was, c)
			}
			_, err := s.Store.Admit(s.Context(), reviving(was, c))
			return err
		})
		s.same("winners", len(won), 1)
		revived += 1 - won[0]
		_, err := s.Store.Revival(s.Context(), was.CustomerID, was.ID)
		if (err == nil) != (won[0] == 0) {
			s.Fatalf("round %d: %d won, and the revival: %v", round, won[0], err)
		}
	}
	s.Logf("%d of %d were revived", revived, *raceRounds)
}

func racesRevivalSpending(s *scene) {
	s.raceRevival(curfew.Credited, func(_ curfew.Standing, c curfew.Checkout) error {
		_, err := s.Store.Admit(s.Context(), spending(c))
		return err
	})
}

func racesRevivalRefund(s *scene) {
	s.raceRevival(curfew.RefundDue, func(_ curfew.Standing, c curfew.Checkout) error {
		_, err := s.Store.ChangeCheckout(s.Context(), curfew.CheckoutChange{
			From: c, To: curfew.Refunding, Reason: "the provider is asked", Actor: curfew.Refunder,
		})
		return err
	})
}

func racesRevivalAdmission(s *scene) {
	s.raceRevival(curfew.Credited, func(was curfew.Standing, _ curfew.Checkout) error {
		_, err := s.Store.Admit(s.Context(), admission(was.CustomerID))
		return err
	})
}

func racesRevivals(s *scene) {
	for round := range max(1, *raceRounds/20) {
		was, c := s.endedOwing(fmt.Sprint("customer-", round), curfew.Credited)
		won := s.race(10, curfew.Conflict, func(int) error {
			_, err := s.Store.Admit(s.Context(), reviving(was, c))
			return err
		})
		s.same("winners", len(won), 1)
	}
}
