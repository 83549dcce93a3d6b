package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew/api"
)

// Report is what became of everybody. All but the Counts is read from Curfew.
type Report struct {
	Counts
	Lasted         time.Duration // of the marketplace's time
	Customers      int
	Recorded       int   // payments that Curfew knows
	Amount         int64 // of these, in cents
	WithoutOutcome int   // payments that were told and have no outcome
	Sessions       int
	Accepted       int            // sessions that have, or had, a mechanic
	Ended          map[string]int // sessions by why they ended
	Open           int            // sessions that have not
	Without        Without
}

// Report asks Curfew what became of every customer.
func (m *Market) Report(ctx context.Context, door Door) (Report, error) {
	r := Report{Counts: m.Counts(), Customers: len(m.customers), Ended: map[string]int{}}
	end := time.Now()
	r.Lasted = m.Clock.At(end)
	backend, err := door("service", "shop")
	if err != nil {
		return r, err
	}
	var all []story
	for _, c := range m.customers {
		s, err := c.story(ctx, backend)
		if err != nil {
			return r, fmt.Errorf("report of %s: %w", c.id, err)
		}
		r.count(c, s)
		all = append(all, s)
	}
	r.Without = withoutCurfew(all, &m.Clock, end)
	return r, nil
}

// story is what became of one customer.
type story struct {
	payments []api.Checkout
	sessions map[string]api.Session // by id
	credits  []string               // ids of those that a credit brought
}

func (c *customer) story(ctx context.Context, backend *api.Client) (story, error) {
	s := story{sessions: map[string]api.Session{}, credits: c.credits}
	known, err := backend.Checkouts(ctx, c.id)
	if err != nil {
		return s, err
	}
	s.payments = known.Checkouts
	ids := c.credits
	for _, p := range s.payments {
		if p.SessionID != "" {
			ids = append(ids, p.SessionID)
		}
	}
	for _, id := range ids {
		if s.sessions[id], err = backend.Session(ctx, id); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (r *Report) count(c *customer, s story) {
	outcome := map[string]string{}
	for _, p := range s.payments {
		outcome[p.PaymentRef] = p.Outcome
		r.Recorded++
		r.Amount += p.Amount
	}
	for _, ref := range c.refs {
		if outcome[ref] == "" {
			r.WithoutOutcome++
		}
	}
	for _, session := range s.sessions {
		r.Sessions++
		if session.MechanicID != "" {
			r.Accepted++
		}
		if ended(session) {
			r.Ended[session.EndReason]++
		} else {
			r.Open++
		}
	}
}
