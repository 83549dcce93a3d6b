package sqlite

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// lists reads payments and deliveries for operators, the newest first. What a page costs does not depend on how many rows
// there are: they are walked by id, those of a customer by the key; what waits for something has an index of its own.
type lists struct{ *db }

const (
	ofPayments       = ` WHERE id < $1 AND id >= $2 AND ($3 = '' OR outcome = $3) AND ($4 = '' OR plan = $4) AND ($5 IS NULL OR amount IN (SELECT value FROM json_each($5)))`
	newestPayments   = ` ORDER BY id DESC LIMIT $7`
	selectPayments   = selectCheckout + ` INDEXED BY checkouts_id` + ofPayments + ` AND $6 = ''` + newestPayments
	selectPaymentsOf = selectCheckout + ofPayments + ` AND customer_id = $6` + newestPayments
	selectWaiting    = selectCheckout + ` INDEXED BY checkouts_unsettled` + ofPayments + ` AND outcome = $3 AND outcome IN (` + waits + `) AND $6 = ''` + newestPayments

	fromPayments     = `SELECT id FROM checkouts`
	ofMark           = ` WHERE id < $1 AND id >= $2`
	markOfPayments   = fromPayments + ` INDEXED BY checkouts_id` + ofMark + ` AND $3 = '' ORDER BY id DESC LIMIT 1 OFFSET $4`
	markOfPaymentsOf = fromPayments + ofMark + ` AND customer_id = $3 ORDER BY id DESC LIMIT 1 OFFSET $4`

	ofSent            = ` WHERE deliveries.id < $1 AND deliveries.id >= $2 AND ($3 = '' OR deliveries.state = $3) AND ($4 = '' OR deliveries.destination = $4)`
	newestSent        = ` ORDER BY deliveries.id DESC LIMIT $6`
	selectSent        = selectDelivery + ` INDEXED BY deliveries_id` + ofSent + ` AND $5 = ''` + newestSent
	selectSentOf      = selectDelivery + ofSent + ` AND deliveries.customer_id = $5` + newestSent
	selectUndelivered = selectDelivery + ` INDEXED BY deliveries_unsettled` + ofSent + `
AND deliveries.state = $3 AND deliveries.state IN ('pending', 'dead') AND $5 = ''` + newestSent

	fromSent     = `SELECT id FROM deliveries`
	markOfSent   = fromSent + ` INDEXED BY deliveries_id` + ofMark + ` AND $3 = '' ORDER BY id DESC LIMIT 1 OFFSET $4`
	markOfSentOf = fromSent + ofMark + ` AND customer_id = $3 ORDER BY id DESC LIMIT 1 OFFSET $4`

	selectEndpointFigures = `
SELECT d.destination, count(*) FILTER (WHERE d.state = 'delivered'), count(*) FILTER (WHERE d.state = 'dead'),
    count(*) FILTER (WHERE d.state = 'pending' AND d.failures > 0), max(d.updated_at) FILTER (WHERE d.state = 'delivered')
FROM (SELECT * FROM deliveries ORDER BY id DESC LIMIT $1) d WHERE d.channel = 'webhook' GROUP BY d.destination ORDER BY d.destination`
)

// ListPayments returns the payments that match, the newest first.
func (s lists) ListPayments(ctx context.Context, q record.PaymentSearch) ([]curfew.Checkout, error) {
	from, below := idBounds(q.Bounds())
	sql := selectPayments
	switch {
	case q.CustomerID != "":
		sql = selectPaymentsOf
	case isUnsettled(q.Outcome):
		sql = selectWaiting
	}
	all, err := many(ctx, s.db, scanCheckout, sql, min(below, afterID(q.After)), max(from, q.Until), string(q.Outcome), q.Plan, amounts(q.Amounts), q.CustomerID, q.Limit)
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
	all, err := many(ctx, s.db, scanDelivery, sql, min(below, afterID(q.After)), max(from, q.Until), string(q.State), q.Destination, q.CustomerID, q.Limit)
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
	found, err := many(ctx, s.db, scanMark(false), sql, below, from, customerID, depth)
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
	err := r.Scan(text(&f.Destination), &f.Delivered, &f.Dead, &f.Failing, moment(&f.LastDelivered))
	return f, err
}

// amounts is a parameter of json_each; NULL for none.
func amounts(all []int64) any {
	if len(all) == 0 {
		return nil
	}
	array, err := json.Marshal(all)
	if err != nil {
		panic(err) // integers
	}
	return string(array)
}
