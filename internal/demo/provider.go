package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/curfewhq/curfew/api"
)

// pay is a payment. Its provider tells it late or at once, repeats itself, and
// does not give up before it has an answer.
func (s *scene) pay(ctx context.Context, c *customer, v Visit) {
	price := sold[v.Plan].price
	p := api.Purchase{
		PaymentRef: fmt.Sprintf("pi_%s_%d", c.id, len(c.refs)+1), CustomerID: c.id, Plan: v.Plan,
		Amount: &price, Currency: Currency, Email: c.id + "@example.com", Name: c.name,
	}
	if !s.sleep(ctx, v.Late) {
		return // not told yet: nobody has heard of it
	}
	c.refs = append(c.refs, p.PaymentRef)
	first := make(chan api.Fulfilment, len(v.Repeats))
	for _, later := range v.Repeats {
		s.all.Go(func() { s.repeat(ctx, p, later, first) })
	}
	done, err := s.told(ctx, p)
	if err == nil {
		s.tally.paid(c, done)
	}
	for range v.Repeats {
		first <- done
	}
}

// persistence is how long a provider goes on telling what was not answered.
const persistence = 2 * time.Minute

// told reports a payment until somebody answers, also when the show is over
// meanwhile: no provider gives up for that.
func (s *scene) told(ctx context.Context, p api.Purchase) (api.Fulfilment, error) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), persistence)
	defer stop()
	for {
		done, err := s.report(ctx, p)
		if err == nil || refusal(err) || !s.wait(ctx) {
			return done, err
		}
	}
}

// repeat reports a payment again: the answer must be the first one's.
func (s *scene) repeat(ctx context.Context, p api.Purchase, later time.Duration, first <-chan api.Fulfilment) {
	if !s.sleep(ctx, later) {
		return
	}
	again, err := s.report(ctx, p)
	if err != nil {
		return
	}
	s.tally.repeated(<-first, again)
}

func (s *scene) report(ctx context.Context, p api.Purchase) (api.Fulfilment, error) {
	began := time.Now()
	done, err := as(ctx, s, "service", "shop", func(ctx context.Context, a *api.Client) (api.Fulfilment, error) {
		return a.FulfillCheckout(ctx, p)
	})
	s.tally.answered(p.PaymentRef, done)
	s.tally.inTheWay("customer "+p.CustomerID, done.BlockedBy, began)
	return done, err
}

// refusal reports whether an answer is final.
func refusal(err error) bool {
	p := (*api.Problem)(nil)
	return errors.As(err, &p) && p.Status < http.StatusInternalServerError
}
