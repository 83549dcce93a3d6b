package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew/api"
)

// Report is what happened. Everything but the Counts is read back from Curfew.
type Report struct {
	Counts
	Lasted         time.Duration // in marketplace time
	Customers      int
	Recorded       int   // payments that Curfew has recorded
	Amount         int64 // of these, in cents
	WithoutOutcome int   // reported payments without an outcome
	Sessions       int
	Accepted       int            // sessions that have, or had, a mechanic
	Ended          map[string]int // sessions by end reason
	Open           int            // sessions that have not ended
	Without        Without
}

// Report asks Curfew what happened to every customer.
func (m *Simulation) Report(ctx context.Context, clientFor ClientFor) (Report, error) {
	r := Report{Counts: m.Counts(), Customers: len(m.customers), Ended: map[string]int{}}
	end := time.Now()
	r.Lasted = m.Clock.At(end)
	backend, err := clientFor("service", "shop")
	if err != nil {
		return r, err
	}
	var all []history
	for _, c := range m.customers {
		s, err := c.history(ctx, backend)
		if err != nil {
			return r, fmt.Errorf("report of %s: %w", c.id, err)
		}
		r.count(c, s)
		all = append(all, s)
	}
	r.Without = withoutCurfew(all, &m.Clock, end)
	return r, nil
}

// history is what happened to one customer.
type history struct {
	payments []api.Checkout
	sessions map[string]api.Session // by id
	credits  []string               // ids of the sessions paid for with a credit
}

func (c *customer) history(ctx context.Context, backend *api.Client) (history, error) {
	s := history{sessions: map[string]api.Session{}, credits: c.credits}
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

func (r *Report) count(c *customer, s history) {
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
