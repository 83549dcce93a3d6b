package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/curfewhq/curfew/api"
)

// pay makes a payment. The provider reports it at once or late, repeats itself, and retries until it has an answer.
func (s *round) pay(ctx context.Context, c *customer, v Purchase) {
	price := sold[v.Plan].price
	p := api.Purchase{
		PaymentRef: fmt.Sprintf("pi_%s_%d", c.id, len(c.refs)+1), CustomerID: c.id, Plan: v.Plan,
		Amount: &price, Currency: Currency, Email: c.id + "@example.com", Name: c.name,
	}
	if !s.sleep(ctx, v.Late) {
		return // never reported
	}
	c.refs = append(c.refs, p.PaymentRef)
	first := make(chan api.Fulfillment, len(v.Repeats))
	for _, later := range v.Repeats {
		s.all.Go(func() { s.repeat(ctx, p, later, first) })
	}
	done, err := s.reportUntilAnswered(ctx, p)
	if err == nil {
		s.tally.paid(c, done)
	}
	for range v.Repeats {
		first <- done
	}
}

// retryFor is how long a provider retries a report that got no answer.
const retryFor = 2 * time.Minute

// reportUntilAnswered reports a payment until it is answered, even after the round ends: a provider would not stop
// either.
func (s *round) reportUntilAnswered(ctx context.Context, p api.Purchase) (api.Fulfillment, error) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), retryFor)
	defer stop()
	for {
		done, err := s.report(ctx, p)
		if err == nil || refusal(err) || !s.wait(ctx) {
			return done, err
		}
	}
}

// repeat reports a payment again, and compares the answer with the first one.
func (s *round) repeat(ctx context.Context, p api.Purchase, later time.Duration, first <-chan api.Fulfillment) {
	if !s.sleep(ctx, later) {
		return
	}
	again, err := s.report(ctx, p)
	if err != nil {
		return
	}
	s.tally.repeated(<-first, again)
}

// report reports a payment once.
func (s *round) report(ctx context.Context, p api.Purchase) (api.Fulfillment, error) {
	began := time.Now()
	done, err := as(ctx, s, "service", "shop", func(ctx context.Context, a *api.Client) (api.Fulfillment, error) {
		return a.FulfillCheckout(ctx, p)
	})
	s.tally.answered(p.PaymentRef, done)
	s.tally.blockedBy("customer "+p.CustomerID, done.BlockedBy, began)
	return done, err
}

// refusal reports whether an error is a final answer.
func refusal(err error) bool {
	p := (*api.Problem)(nil)
	return errors.As(err, &p) && p.Status < http.StatusInternalServerError
}
