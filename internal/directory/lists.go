package directory

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// ListStore is what lists of payments and deliveries need of a database.
type ListStore interface {
	// ListPayments returns the payments that match, the newest first.
	ListPayments(ctx context.Context, q record.PaymentSearch) ([]curfew.Checkout, error)
	// PaymentMark returns the id of the payment that is so many behind the search's, whether it matches or not. It is
	// empty if there are fewer, or the search has an index of its own rows.
	PaymentMark(ctx context.Context, q record.PaymentSearch, depth int) (string, error)
	// ListSent returns the deliveries that match, the newest first.
	ListSent(ctx context.Context, q record.SentSearch) ([]record.Delivery, error)
	// SentMark is PaymentMark for deliveries.
	SentMark(ctx context.Context, q record.SentSearch, depth int) (string, error)
	// EndpointFigures counts the newest deliveries, up to a limit, by the endpoint that they went to.
	EndpointFigures(ctx context.Context, depth int) ([]record.EndpointFigures, error)
}

// Payments returns a page of payments, and the id behind which the next one begins; empty if this is the last. It looks at
// no more than record.SearchDepth rows, so a page may have fewer payments than the search's limit, and still not be the
// last. Errors: Invalid, Unavailable.
func (d Directory) Payments(ctx context.Context, q record.PaymentSearch) (page []curfew.Checkout, next string, err error) {
	limit := q.Limit
	q.Limit++
	if q.Filtered() {
		if q.Until, err = d.Lists.PaymentMark(ctx, q, record.SearchDepth); err != nil {
			return nil, "", err
		}
	}
	found, err := d.Lists.ListPayments(ctx, q)
	return cut(found, limit, q.Until, func(c curfew.Checkout) string { return c.ID }, err)
}

// Sent is Payments for deliveries.
func (d Directory) Sent(ctx context.Context, q record.SentSearch) (page []record.Delivery, next string, err error) {
	limit := q.Limit
	q.Limit++
	if q.Filtered() {
		if q.Until, err = d.Lists.SentMark(ctx, q, record.SearchDepth); err != nil {
			return nil, "", err
		}
	}
	found, err := d.Lists.ListSent(ctx, q)
	return cut(found, limit, q.Until, func(d record.Delivery) string { return d.ID }, err)
}

// cut cuts a list that was read with one row more than its limit, and down to a mark.
func cut[T any](found []T, limit int, mark string, id func(T) string, err error) ([]T, string, error) {
	switch {
	case err != nil:
		return nil, "", err
	case len(found) > limit:
		return found[:limit], id(found[limit-1]), nil
	}
	return found, mark, nil
}

// endpointDepth is how many of the newest deliveries are counted: pages that stay open ask again and again.
const endpointDepth = 1000

// EndpointFigures returns what became of the newest deliveries, by the endpoint that they went to.
func (d Directory) EndpointFigures(ctx context.Context) (map[string]record.EndpointFigures, error) {
	all, err := d.Lists.EndpointFigures(ctx, endpointDepth)
	by := make(map[string]record.EndpointFigures, len(all))
	for _, f := range all {
		by[f.Destination] = f
	}
	return by, err
}
