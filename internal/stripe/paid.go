package stripe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// openFor is how long a Checkout Session can stay open before it is paid.
const openFor = 24 * time.Hour

// A page, or a dispute, that Stripe fails to return is retried. The first wait is pageWait; it
// doubles each time.
const (
	pageTries = 4
	pageWait  = 250 * time.Millisecond
)

// Paid returns the checkouts completed since a time, paid or not yet, with what became of the
// money: those of the key's own account, then of each connected account, newest first. It includes
// some that were completed up to a day earlier. The notices have no id. It stops at the first
// error.
//
// Stripe lists checkouts by when they were opened. With a delayed payment method they may be paid
// up to two weeks later; to find those, pass an earlier time.
//
// It lists Checkout Sessions, not events, because an event can be missing.
func (c *Client) Paid(ctx context.Context, since time.Time) iter.Seq2[curfew.Notice, error] {
	return func(yield func(curfew.Notice, error) bool) {
		for _, account := range append([]string{""}, c.accounts...) {
			for notice, err := range c.paidIn(ctx, account, since) {
				if err != nil {
					yield(curfew.Notice{}, fmt.Errorf("list paid checkouts: %w", err))
					return
				}
				if !yield(notice, nil) {
					return
				}
			}
		}
	}
}

func (c *Client) paidIn(ctx context.Context, account string, since time.Time) iter.Seq2[curfew.Notice, error] {
	return func(yield func(curfew.Notice, error) bool) {
		params := paidParams(since)
		if account != "" {
			params.StripeAccount = stripe.String(account)
		}
		for session, err := range c.completed(ctx, params) {
			var notice curfew.Notice
			if err == nil {
				notice, err = c.listed(ctx, account, session)
			}
			if err == nil && notice.Unread == "" && notice.References == nil {
				continue // it only saved a card
			}
			if !yield(notice, err) || err != nil {
				return
			}
		}
	}
}

// completed lists checkouts, newest first.
func (c *Client) completed(ctx context.Context, params *stripe.CheckoutSessionListParams) iter.Seq2[*stripe.CheckoutSession, error] {
	return resumed(ctx, func(after *string) iter.Seq2[*stripe.CheckoutSession, error] {
		params.StartingAfter = after
		return list[stripe.CheckoutSession](ctx, c.api, "/v1/checkout/sessions", params)
	}, func(s *stripe.CheckoutSession) string { return s.ID })
}

// resumed continues a list after its last item if Stripe fails to respond: a long list that started
// over each time might never finish.
func resumed[T any](ctx context.Context, list func(after *string) iter.Seq2[T, error], id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var after *string
		for try := 1; ; try++ {
			last, err := listFrom(list(after), id, yield)
			if last != "" {
				after, try = &last, 1
			}
			if err == nil {
				return
			}
			if err = failure(err); try == pageTries || !errors.Is(err, curfew.Unavailable) || !wait(ctx, pageWait<<(try-1)) {
				yield(*new(T), err)
				return
			}
		}
	}
}

// listFrom yields until the list ends, the caller stops, or a call fails. It returns the id of the
// last item.
func listFrom[T any](list iter.Seq2[T, error], id func(T) string, yield func(T, error) bool) (last string, err error) {
	for item, err := range list {
		if err != nil {
			return last, err
		}
		if last = id(item); !yield(item, nil) {
			return last, nil
		}
	}
	return last, nil
}

// wait reports false if the context ended first.
func wait(ctx context.Context, long time.Duration) bool {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func paidParams(since time.Time) *stripe.CheckoutSessionListParams {
	params := &stripe.CheckoutSessionListParams{
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: max(since.Add(-openFor).Unix(), 1)},
		Status:       stripe.String(stripe.CheckoutSessionStatusComplete),
	}
	params.Limit = stripe.Int64(pageSize)
	params.AddExpand("data.payment_intent.latest_charge")
	params.AddExpand("data.line_items")
	return params
}

// listed translates a Checkout Session from the API like one from an event.
func (c *Client) listed(ctx context.Context, account string, s *stripe.CheckoutSession) (curfew.Notice, error) {
	t := &translation{keys: c.keys}
	if err := t.read(sessions, s.LastResponse); err != nil {
		return curfew.Notice{}, err
	}
	for try := 1; ; try++ {
		err := c.claims(ctx, t, account)
		if err == nil {
			break
		}
		if try == pageTries || !errors.Is(err, curfew.Unavailable) || !wait(ctx, pageWait<<(try-1)) {
			return curfew.Notice{}, err
		}
	}
	return t.answer(sessions.object, account, s.LastResponse), nil
}
