package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// storm runs random operations on a few customers in every possible role: through the store, and as
// another program.
type storm struct {
	*fixture
	*rand.Rand
	name string
}

// everySort runs several storms at once, each on its own customers.
func everySort(f *fixture) {
	chosen, steps := seed.New(f), 60
	if testing.Short() {
		steps = 30
	}
	f.Run("storms", func(t *testing.T) {
		for i := range 3 {
			name := fmt.Sprint("storm-", i)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				st := &storm{newFixture(t, f.Harness), seed.Dice(chosen, name), name}
				for range steps {
					st.step()
				}
			})
		}
	})
}

func (s *storm) step() {
	customer := fmt.Sprintf("%s-customer-%d", s.name, s.IntN(5))
	open, err := s.Store.Open(s.Context(), customer)
	if err != nil {
		s.kind(err, curfew.NotFound)
		s.come(customer)
		return
	}
	switch {
	case s.IntN(5) == 0:
		s.deferred(customer, time.Duration(1+s.IntN(3))*time.Hour)
	case s.IntN(4) == 0:
		s.sweep(s.aged(open, time.Hour))
	case s.IntN(5) == 0:
		s.foreign(open)
	case open.Status == curfew.Live && s.IntN(3) == 0:
		s.extended(open)
	case open.Status == curfew.Live:
		s.end(open)
	case open.Assigned():
		s.goOn(open)
	default:
		s.accept(open)
	}
}

// come gives a customer without an open session one, in one of the possible ways.
func (s *storm) come(customer string) {
	if s.IntN(3) == 0 {
		s.settle(customer)
	}
	if s.IntN(4) == 0 {
		s.scheduled(customer)
	}
	a := admission(customer)
	switch s.IntN(4) {
	case 0:
		a.Checkout.Ref, a.Checkout.Amount = "", 0
	case 1:
		a.Checkout.Capture = "authorised"
	}
	credit, err := s.Store.Credit(s.Context(), customer, a.Checkout.Plan)
	if err == nil && s.IntN(2) == 0 {
		a = spending(credit)
	}
	deferral, err := s.Store.Deferred(s.Context(), customer)
	if err == nil && s.IntN(2) == 0 {
		a = spending(deferral.Checkout)
	}
	_, err = s.Store.Admit(s.Context(), a)
	s.must(err)
}

// settle settles one of the customer's checkouts.
func (s *storm) settle(customer string) {
	next := map[curfew.Outcome][]curfew.Outcome{
		curfew.Deferred:  {curfew.RefundDue},
		curfew.Credited:  {curfew.RefundDue},
		curfew.RefundDue: {curfew.Refunding},
		curfew.Refunding: {curfew.Refunded},
	}
	all, err := s.Store.Checkouts(s.Context(), customer)
	s.must(err)
	for _, c := range all {
		to := next[c.Outcome]
		switch {
		case c.MoneyDue && (c.Capture == "authorised" || c.Capture == "due"):
			s.refundStep(record.CheckoutChange{From: c, To: curfew.Void, Capture: "releasing"})
			return
		case s.settleCapture(c):
			return
		case c.MoneyDue:
			to = []curfew.Outcome{curfew.Credited, curfew.RefundDue}
		}
		if len(to) > 0 {
			s.move(c, to[s.IntN(len(to))])
			return
		}
	}
}

// settleCapture asks the bank to capture or release the money of a checkout, and reports whether
// there was anything to ask for.
func (s *storm) settleCapture(c curfew.Checkout) bool {
	next := map[string][]string{
		"due": {"capturing"}, "capturing": {"capturing", "captured", "failed"}, "releasing": {"releasing", "released"},
	}[c.Capture]
	if len(next) > 0 {
		s.annotate(record.Annotation{From: c, Capture: next[s.IntN(len(next))]})
	}
	return len(next) > 0
}

// accept lets a random mechanic try to accept.
func (s *storm) accept(open curfew.Snapshot) {
	mechanic := fmt.Sprintf("%s-mechanic-%d", s.name, s.IntN(3))
	_, busy := s.Store.Slot(s.Context(), mechanic)
	_, err := s.Store.Change(s.Context(), acceptingDue(open, mechanic))
	if busy == nil {
		s.kind(err, curfew.MechanicBusy)
		return
	}
	s.must(err)
}

func (s *storm) goOn(open curfew.Snapshot) {
	switch s.IntN(3) {
	case 0:
		s.change(releasing(open))
	case 1:
		s.change(starting(open))
	case 2:
		s.change(endChange(open, curfew.Cancelled, curfew.ByRequest))
	}
}

func (s *storm) end(open curfew.Snapshot) {
	if s.IntN(3) == 0 {
		s.change(endChange(open, curfew.Cancelled, curfew.TooShort))
		return
	}
	s.change(endChange(open, curfew.Completed, curfew.Finished))
}

// sweep ends the customer's due sessions, in batches.
func (s *storm) sweep(late curfew.Snapshot) {
	due, err := s.Store.Find(s.Context(), record.Search{CustomerID: late.CustomerID, Limit: 9})
	s.must(err)
	for _, st := range due {
		b := batch(curfew.Credited, st)
		if b.Rule.To == curfew.Completed {
			b.Ends[0].Owed = curfew.Fulfilled
		}
		s.same("ended", s.ended(b), []string{st.ID})
	}
}

// foreign cancels a session as another program, and sometimes creates and cancels one of its own.
func (s *storm) foreign(open curfew.Snapshot) {
	s.exec("UPDATE {sessions} SET status = 'cancelled' WHERE id = $1", open.ID)
	s.same("ended by another program", s.read(open.ID).Status, curfew.Cancelled)
	if s.IntN(2) == 0 {
		return
	}
	id := newID()
	s.exec("INSERT INTO {sessions} (customer_id, id, status, expires_at) VALUES ($1, $2, 'waiting', "+s.past(-time.Hour)+")",
		open.CustomerID, id)
	s.exec("UPDATE {sessions} SET status = 'cancelled' WHERE id = $1", id)
}
