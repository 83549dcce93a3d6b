package sqlite

import (
	"context"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// payments reads and changes payments for providers and operators.
type payments struct{ *db }

const selectCheckoutByID = selectCheckout + ` WHERE id = $1`

// Checkout returns the checkout with this id.
func (s payments) Checkout(ctx context.Context, id string) (curfew.Checkout, error) {
	c, err := one(ctx, s.db, scanCheckout, selectCheckoutByID, id)
	return c, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no checkout %q", id)), "read checkout %s", id)
}

// A customer's are found by the key, and an address's and a concern's by their indexes;
// what waits for something has an index of its own rows; the rest is walked by id.
const (
	listCheckouts        = selectCheckout + ` INDEXED BY checkouts_id` + chosen + inOrder
	listCheckoutsOf      = selectCheckout + chosen + ` AND customer_id = $5` + inOrder
	listCheckoutsByEmail = selectCheckout + ` INDEXED BY checkouts_email` + chosen + `
AND ($5 = '' OR customer_id = $5) AND lower(email) = lower($6) AND email <> ''` + inOrder
	listConcerns  = selectCheckout + ` INDEXED BY checkouts_concerns` + chosen + ` AND concern = $4 AND concern <> ''` + inOrder
	listUnsettled = selectCheckout + ` INDEXED BY checkouts_unsettled` + chosen + `
AND outcome = $2 AND outcome IN (` + waits + `)` + inOrder
	chosen  = ` WHERE id > $1 AND ($2 = '' OR outcome = $2) AND ($4 = '' OR concern = $4)`
	inOrder = ` ORDER BY id LIMIT $3`
	waits   = `'promised', 'deferred', 'held', 'refund_due', 'refunding'`
	dated   = waits + `, 'credited'`
)

// ListCheckouts returns the checkouts that match, by id.
func (s payments) ListCheckouts(ctx context.Context, q curfew.CheckoutSearch) ([]curfew.Checkout, error) {
	query, args := listCheckouts, []any{q.After, string(q.Outcome), q.Limit, q.Concern}
	switch {
	case q.Email != "":
		query, args = listCheckoutsByEmail, append(args, q.CustomerID, q.Email)
	case q.CustomerID != "":
		query, args = listCheckoutsOf, append(args, q.CustomerID)
	case q.Concern != "":
		query = listConcerns
	case slices.Contains(unsettled, q.Outcome):
		query = listUnsettled
	}
	all, err := many(ctx, s.db, scanCheckout, query, args...)
	return all, wrap(err, "list checkouts")
}

// unsettled is the outcomes that wait for something.
var unsettled = []curfew.Outcome{curfew.Promised, curfew.Deferred, curfew.Held, curfew.RefundDue, curfew.Refunding}

// What waits for something, and a credit, keeps the time since when it does.
const annotateCheckout = `
UPDATE checkouts
SET version = version + 1,
    updated_at = CASE WHEN outcome IN (` + dated + `)
        OR capture IN (` + unsettledCaptures + `) AND coalesce($9, capture) IN (` + unsettledCaptures + `) THEN updated_at ELSE $5 END,
    note = coalesce($6, note), disputed_at = CASE $7 WHEN 1 THEN coalesce(disputed_at, $5) WHEN 0 THEN disputed_at END,
    capture = coalesce($9, capture),
    concern = CASE WHEN $8 = '` + record.NoConcern + `' OR $8 IS NULL AND $9 IN (` + settledCaptures + `) AND concern = 'capture_failed'
        THEN '' ELSE coalesce($8, concern) END,
    attempts = CASE WHEN $9 IN (` + settledCaptures + `) THEN 0 WHEN ` + captureTry + ` THEN attempts + 1 ELSE attempts END,
    first_try_at = CASE WHEN $9 IN (` + settledCaptures + `) THEN NULL WHEN ` + captureTry + ` THEN coalesce(first_try_at, $5)
        ELSE first_try_at END,
    next_at = CASE WHEN $9 IS NULL THEN next_at WHEN $9 NOT IN (` + settledCaptures + `) THEN $10 END
WHERE customer_id = $1 AND id = $2 AND outcome = $3 AND version = $4
RETURNING ` + checkoutColumns

// Annotate writes an event of a checkout whose outcome stays.
func (s payments) Annotate(ctx context.Context, r record.Annotation) (curfew.Checkout, error) {
	var now curfew.Checkout
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		now, err = one(ctx, tx, scanCheckout, annotateCheckout, r.From.CustomerID, r.From.ID, string(r.From.Outcome), r.From.Version,
			micros(tx.now), null(r.Note), int64(r.Disputed), null(r.Concern), null(r.Capture), later(tx.now, r.Wait))
		if err != nil {
			return orMissing(err, curfew.Errorf(curfew.Conflict, "checkout %s has moved", r.From.ID))
		}
		return tx.record(ctx, "checkout", curfew.Event{
			CustomerID: now.CustomerID, Subject: now.ID, Number: now.Version,
			From: string(now.Outcome), To: string(now.Outcome), Actor: r.Actor, Reason: r.Reason,
		})
	})
	return now, wrap(err, "annotate checkout %s", r.From.ID)
}

// The history goes with the checkout: its key begins with the customer.
const (
	reassignCheckout = `
UPDATE checkouts
SET customer_id = $4, plan = $5, outcome = 'deferred', version = version + 1, retry_until = $6, note = '', updated_at = $7,
    starts_at = coalesce($9, starts_at), amount = coalesce(nullif($10, 0), amount)
WHERE customer_id = $1 AND id = $2 AND outcome = $8 AND outcome IN ('held', 'promised', 'ignored') AND version = $3
RETURNING ` + checkoutColumns
	reassignNames      = `UPDATE payment_refs SET customer_id = $2, plan = $3, judged = min(judged, version - 1) WHERE checkout_id = $1`
	reassignEvents     = `UPDATE events SET customer_id = $3 WHERE customer_id = $1 AND subject_id = $2 AND customer_id <> $3`
	reassignDeliveries = `UPDATE deliveries SET customer_id = $3 WHERE customer_id = $1 AND subject_id = $2 AND customer_id <> $3`
)

// Reassign makes a held checkout deferred, with its customer and plan.
func (s payments) Reassign(ctx context.Context, r record.Reassignment) (curfew.Checkout, error) {
	var now curfew.Checkout
	c := r.From
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		now, err = one(ctx, tx, scanCheckout, reassignCheckout, c.CustomerID, c.ID, c.Version, r.CustomerID, r.Plan,
			later(tx.now, r.Retry), micros(tx.now), string(c.Outcome), micros(r.StartsAt), r.Amount)
		if err != nil {
			return orMissing(err, curfew.Errorf(curfew.Conflict, "checkout %s has moved", c.ID))
		}
		if _, err := tx.exec(ctx, reassignNames, c.ID, r.CustomerID, r.Plan); err != nil {
			return err
		}
		for _, follow := range []string{reassignEvents, reassignDeliveries} {
			if _, err := tx.exec(ctx, follow, c.CustomerID, c.ID, r.CustomerID); err != nil {
				return err
			}
		}
		return tx.record(ctx, "checkout", curfew.Event{
			CustomerID: now.CustomerID, Subject: now.ID, Number: now.Version,
			From: string(c.Outcome), To: string(curfew.Deferred), Actor: r.Actor, Reason: r.Reason,
		})
	})
	return now, wrap(err, "reassign checkout %s", c.ID)
}
