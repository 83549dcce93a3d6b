package privacy

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// sweepEvery is how often Run looks at everybody.
	sweepEvery = time.Hour
	// page is how many customers one reading looks at.
	page = 200
)

// Retention erases customers of whom nothing has happened for long. What is open or unsettled is
// left alone, however old it is.
type Retention struct {
	Service Service
	// Texts is after how long what is personal is erased, and the id stays; 0: never.
	Texts time.Duration
	// Customers is after how long the id is replaced, too; 0: never.
	Customers time.Duration
	Logger    *slog.Logger
}

// Swept is what a sweep has erased, or would.
type Swept struct {
	Texts     int // customers who keep their id
	Customers int // customers whose id is replaced
	Kept      int // customers who have something open or unsettled
}

// sweeping is the actor of erasures that nobody asked for.
var sweeping = curfew.Actor{Role: curfew.System, ID: "retention"}

// Count returns what a sweep would erase now, and changes nothing.
func (r Retention) Count(ctx context.Context) (Swept, error) {
	return r.each(ctx, func(ctx context.Context, customer string, replace bool) error {
		held, err := r.Service.Store.Held(ctx, customer)
		if err == nil && len(held.Obstacles(replace)) > 0 {
			err = curfew.Errorf(curfew.Conflict, "something is open")
		}
		return err
	})
}

// Sweep erases what is due, each customer in a transaction of their own. Interrupted, it goes on
// with the next one's: who was erased is not due again.
func (r Retention) Sweep(ctx context.Context) (Swept, error) { return r.each(ctx, r.erase) }

func (r Retention) erase(ctx context.Context, customer string, replace bool) error {
	p, err := r.Service.Preview(ctx, sweeping, customer, replace)
	if err != nil {
		return err
	}
	if len(p.Obstacles) > 0 {
		return curfew.Errorf(curfew.Conflict, "%s", p.Obstacles[0])
	}
	p.Reason = "retention.texts"
	if replace {
		p.Reason = "retention.customers"
	}
	_, err = r.Service.Erase(ctx, sweeping, customer, p.Erasure)
	return err
}

// each calls do for each customer who is due, and counts. Conflict means that something is open, or
// has just happened.
func (r Retention) each(ctx context.Context, do func(ctx context.Context, customer string, replace bool) error) (Swept, error) {
	var s Swept
	for _, level := range []struct {
		age     time.Duration
		replace bool
		n       *int
	}{{r.Customers, true, &s.Customers}, {r.Texts, false, &s.Texts}} {
		if level.age <= 0 {
			continue
		}
		for customer, err := range r.due(ctx, level.age, level.replace) {
			if err == nil {
				err = do(ctx, customer, level.replace)
			}
			switch {
			case err == nil:
				*level.n++
			case errors.Is(err, curfew.Conflict), errors.Is(err, curfew.NotFound):
				s.Kept++
			default:
				return s, err
			}
		}
	}
	return s, nil
}

// due returns the customers for whom it is time, page by page.
func (r Retention) due(ctx context.Context, age time.Duration, replace bool) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		for after := ""; ; {
			all, err := r.Service.Store.Quiet(ctx, record.QuietSearch{For: age, After: after, Limit: page})
			if err != nil {
				yield("", err)
				return
			}
			for _, c := range all {
				after = c.ID
				done := record.IsPseudonym(c.ID) || c.Erased && !replace
				if c.Quiet && !done && c.ID != curfew.Nobody && !yield(c.ID, nil) {
					return
				}
			}
			if len(all) < page {
				return
			}
		}
	}
}

// Run sweeps every hour until the context ends. It returns nil.
func (r Retention) Run(ctx context.Context) error {
	if r.Texts <= 0 && r.Customers <= 0 {
		return nil
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		s, err := r.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			r.Logger.ErrorContext(ctx, "the retention sweep failed; the next one goes on", "error", err)
		case s.Texts+s.Customers > 0:
			r.Logger.InfoContext(ctx, "what was kept long enough is erased", "texts", s.Texts, "customers", s.Customers)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
