package postgres

import (
	"context"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// lists reads payments and deliveries for operators, the newest first. What a page costs does not depend on how many rows
// there are: they are walked by id, those of a customer by the key; what waits for something has an index of its own.
type lists struct{ *db }

const (
	ofPayments       = ` WHERE c.id < $1::uuid AND c.id >= $2::uuid AND ($3 = '' OR c.outcome || '' = $3) AND ($4 = '' OR c.plan = $4) AND ($5::bigint[] IS NULL OR c.amount = ANY($5))`
	newestPayments   = ` ORDER BY c.id DESC LIMIT $7`
	selectPayments   = selectCheckout + ofPayments + ` AND $6::text = ''` + newestPayments
	selectPaymentsOf = selectCheckout + ofPayments + ` AND c.customer_id = $6` + newestPayments
	selectWaiting    = selectCheckout + ofPayments + ` AND c.outcome = $3 AND c.outcome IN (` + waits + `) AND $6::text = ''` + newestPayments

	fromPayments     = `SELECT c.id FROM curfew.checkouts c WHERE c.id < $1::uuid AND c.id >= $2::uuid`
	markOfPayments   = fromPayments + ` AND $3::text = '' ORDER BY c.id DESC OFFSET $4 LIMIT 1`
	markOfPaymentsOf = fromPayments + ` AND c.customer_id = $3 ORDER BY c.id DESC OFFSET $4 LIMIT 1`

	ofSent            = ` WHERE d.id < $1::uuid AND d.id >= $2::uuid AND ($3 = '' OR d.state || '' = $3) AND ($4 = '' OR d.destination = $4)`
	newestSent        = ` ORDER BY d.id DESC LIMIT $6`
	selectSent        = selectDelivery + ofSent + ` AND $5::text = ''` + newestSent
	selectSentOf      = selectDelivery + ofSent + ` AND d.customer_id = $5` + newestSent
	selectUndelivered = selectDelivery + ofSent + ` AND d.state = $3 AND d.state IN ('pending', 'dead') AND $5::text = ''` + newestSent

	fromSent     = `SELECT d.id FROM curfew.deliveries d WHERE d.id < $1::uuid AND d.id >= $2::uuid`
	markOfSent   = fromSent + ` AND $3::text = '' ORDER BY d.id DESC OFFSET $4 LIMIT 1`
	markOfSentOf = fromSent + ` AND d.customer_id = $3 ORDER BY d.id DESC OFFSET $4 LIMIT 1`

	selectEndpointFigures = `SELECT d.destination, count(*) FILTER (WHERE d.state = 'delivered'), count(*) FILTER (WHERE d.state = 'dead'),
			count(*) FILTER (WHERE d.state = 'pending' AND d.failures > 0), max(d.updated_at) FILTER (WHERE d.state = 'delivered')
		FROM (SELECT * FROM curfew.deliveries ORDER BY id DESC LIMIT $1) d WHERE d.channel = 'webhook' GROUP BY d.destination ORDER BY d.destination`
)

// ListPayments returns the payments that match, the newest first.
func (s lists) ListPayments(ctx context.Context, q record.PaymentSearch) ([]curfew.Checkout, error) {
	from, below := idBounds(q.Bounds())
	sql, list := selectPayments, manyByIndex[curfew.Checkout]
	switch {
	case q.CustomerID != "":
		sql = selectPaymentsOf
	case isUnsettled(q.Outcome):
		sql, list = selectWaiting, many
	}
	all, err := list(ctx, s.db, scanCheckout, sql, min(below, afterID(q.After)), max(from, q.Until), q.Outcome, q.Plan, q.Amounts, q.CustomerID, q.Limit)
	return all, wrap(err, "list payments")
}

// PaymentMark returns the id of the payment that is so many behind the search's, whether it matches or not. It is empty
// if there are fewer, or the search has an index of its own rows.
func (s lists) PaymentMark(ctx context.Context, q record.PaymentSearch, depth int) (string, error) {
	from, below := idBounds(q.Bounds())
	sql := markOfPayments
	switch {
	case q.CustomerID != "":
		sql = markOfPaymentsOf
	case isUnsettled(q.Outcome):
		return "", nil
	}
	return s.mark(ctx, sql, min(below, afterID(q.After)), from, q.CustomerID, depth)
}

// isUnsettled reports whether payments with this outcome wait for something.
func isUnsettled(outcome curfew.Outcome) bool {
	return slices.Contains(unsettled, outcome)
}

// ListSent returns the deliveries that match, the newest first.
func (s lists) ListSent(ctx context.Context, q record.SentSearch) ([]record.Delivery, error) {
	from, below := idBounds(q.Bounds())
	sql := selectSent
	switch {
	case q.CustomerID != "":
		sql = selectSentOf
	case q.State == record.DeliveryPending || q.State == record.DeliveryDead:
		sql = selectUndelivered
	}
	all, err := manyByIndex(ctx, s.db, scanDelivery, sql, min(below, afterID(q.After)), max(from, q.Until), q.State, q.Destination, q.CustomerID, q.Limit)
	return all, wrap(err, "list what was sent")
}

// SentMark returns the id of the delivery that is so many behind the search's, whether it matches or not. It is empty if
// there are fewer, or the search has an index of its own rows.
func (s lists) SentMark(ctx context.Context, q record.SentSearch, depth int) (string, error) {
	from, below := idBounds(q.Bounds())
	sql := markOfSent
	switch {
	case q.CustomerID != "":
		sql = markOfSentOf
	case q.State == record.DeliveryPending || q.State == record.DeliveryDead:
		return "", nil
	}
	return s.mark(ctx, sql, min(below, afterID(q.After)), from, q.CustomerID, depth)
}

func (s lists) mark(ctx context.Context, sql, below, from, customerID string, depth int) (string, error) {
	found, err := manyByIndex(ctx, s.db, scanMark(false), sql, below, from, customerID, depth)
	if err != nil || len(found) == 0 {
		return "", wrap(err, "look how far a list goes")
	}
	return found[0].ID, nil
}

// EndpointFigures counts the newest so many deliveries by the endpoint that they went to.
func (s lists) EndpointFigures(ctx context.Context, depth int) ([]record.EndpointFigures, error) {
	all, err := many(ctx, s.db, scanEndpointFigures, selectEndpointFigures, depth)
	return all, wrap(err, "count what endpoints received")
}

func scanEndpointFigures(r row) (record.EndpointFigures, error) {
	var f record.EndpointFigures
	err := r.Scan((*text)(&f.Destination), &f.Delivered, &f.Dead, &f.Failing, (*moment)(&f.LastDelivered))
	return f, err
}
