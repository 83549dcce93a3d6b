package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// payments reads and changes payments for providers and operators.
type payments struct{ *db }

const selectCheckoutByID = selectCheckout + ` WHERE c.id = $1`

// Checkout returns the checkout with this id.
func (s payments) Checkout(ctx context.Context, id string) (curfew.Checkout, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no checkout %q", id)
	if !isID(id) {
		return curfew.Checkout{}, missing
	}
	c, err := one(ctx, s.db, scanCheckout, selectCheckoutByID, id)
	return c, wrap(orMissing(err, missing), "read checkout %s", id)
}

// A customer's are found by the key, and an address's and a concern's by their indexes;
// what waits for something has an index of its own rows; the rest is walked by id.
const (
	listCheckouts        = selectCheckout + chosen + inOrder
	listCheckoutsOf      = selectCheckout + chosen + ` AND c.customer_id = $5` + inOrder
	listCheckoutsByEmail = selectCheckout + chosen + ` AND ($5 = '' OR c.customer_id = $5)
		AND lower(c.email COLLATE "C") = lower($6::text COLLATE "C") AND c.email <> ''` + inOrder
	listConcerns  = selectCheckout + chosen + ` AND c.concern = $4 AND c.concern <> ''` + inOrder
	listUnsettled = selectCheckout + chosen + ` AND c.outcome = $2 AND c.outcome IN (` + waits + `)` + inOrder
	chosen        = ` WHERE c.id > $1::uuid AND ($2 = '' OR c.outcome || '' = $2) AND ($4::text = '' OR c.concern = $4)`
	inOrder       = ` ORDER BY c.id LIMIT $3`
	waits         = `'promised', 'deferred', 'held', 'refund_due', 'refunding'`
	dated         = waits + `, 'credited'`
)

// ListCheckouts returns the checkouts that match, by id.
func (s payments) ListCheckouts(ctx context.Context, q curfew.CheckoutSearch) ([]curfew.Checkout, error) {
	after := q.After
	if !isID(after) {
		after = lowestID
	}
	sql, args := listCheckouts, []any{after, q.Outcome, q.Limit, q.Concern}
	switch {
	case q.Email != "":
		sql, args = listCheckoutsByEmail, append(args, q.CustomerID, q.Email)
	case q.CustomerID != "":
		sql, args = listCheckoutsOf, append(args, q.CustomerID)
	case q.Concern != "":
		sql = listConcerns
	case slices.Contains(unsettled, q.Outcome):
		sql = listUnsettled
	}
	all, err := many(ctx, s.db, scanCheckout, sql, args...)
	return all, wrap(err, "list checkouts")
}

// unsettled is the outcomes that wait for something.
var unsettled = []curfew.Outcome{curfew.Promised, curfew.Deferred, curfew.Held, curfew.RefundDue, curfew.Refunding}

// What waits for something, and a credit, keeps the time since when it does.
const annotateCheckout = `UPDATE curfew.checkouts c SET
			version = c.version + 1,
			updated_at = CASE WHEN c.outcome IN (` + dated + `)
				OR c.capture IN (` + unsettledCaptures + `) AND coalesce($8::text, c.capture) IN (` + unsettledCaptures + `) THEN c.updated_at ELSE now() END,
			note = coalesce($5, c.note), disputed_at = CASE $6::int WHEN 1 THEN coalesce(c.disputed_at, now()) WHEN 0 THEN c.disputed_at END,
			capture = coalesce($8::text, c.capture),
			concern = CASE WHEN $7::text = '` + record.NoConcern + `' OR $7 IS NULL AND $8 IN (` + settledCaptures + `) AND c.concern = 'capture_failed'
				THEN '' ELSE coalesce($7::text, c.concern) END,
			attempts = CASE WHEN $8 IN (` + settledCaptures + `) THEN 0 WHEN ` + captureTry + ` THEN c.attempts + 1 ELSE c.attempts END,
			first_try_at = CASE WHEN $8 IN (` + settledCaptures + `) THEN NULL WHEN ` + captureTry + ` THEN coalesce(c.first_try_at, now())
				ELSE c.first_try_at END,
			next_at = CASE WHEN $8 IS NULL THEN c.next_at WHEN $8 NOT IN (` + settledCaptures + `) THEN now() + $9::interval END
		WHERE c.customer_id = $1 AND c.id = $2 AND c.outcome || '' = $3 AND c.version = $4
	RETURNING ` + checkoutColumns

// Annotate writes an event of a checkout whose outcome stays.
func (s payments) Annotate(ctx context.Context, r record.Annotation) (curfew.Checkout, error) {
	var now curfew.Checkout
	c := r.From
	err := s.tx(ctx, func(t *transaction) error {
		return t.send(ctx, func(b *pgx.Batch) {
			b.Queue(annotateCheckout, c.CustomerID, c.ID, c.Outcome, c.Version, null(r.Note), int64(r.Disputed), null(r.Concern),
				null(r.Capture), null(r.Wait)).
				QueryRow(intoOrConflict(checkoutFields(&now), "checkout %s has moved", c.ID))
			queueEvents(b, []event{{
				subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: c.Version + 1,
				from: string(c.Outcome), to: string(c.Outcome), actor: r.Actor, reason: r.Reason,
			}})
		})
	})
	return now, wrap(err, "annotate checkout %s", c.ID)
}

// The history goes with the checkout: its key begins with the customer. An
// engine sharded by customer would copy both and delete.
const (
	reassignCheckout = `UPDATE curfew.checkouts c SET
			customer_id = $4, plan = $5, outcome = 'deferred', version = c.version + 1, retry_until = now() + $6::interval,
			note = '', updated_at = now(), starts_at = coalesce($8, c.starts_at), amount = coalesce(nullif($9::bigint, 0), c.amount)
		WHERE c.customer_id = $1 AND c.id = $2 AND c.outcome || '' = $7 AND c.outcome IN ('held', 'promised', 'ignored') AND c.version = $3
	RETURNING ` + checkoutColumns
	reassignNames      = `UPDATE curfew.payment_refs SET customer_id = $2, plan = $3, judged = LEAST(judged, version - 1) WHERE checkout_id = $1`
	reassignEvents     = `UPDATE curfew.events SET customer_id = $3 WHERE customer_id = $1 AND subject_id = $2 AND customer_id <> $3`
	reassignDeliveries = `UPDATE curfew.deliveries SET customer_id = $3 WHERE customer_id = $1 AND subject_id = $2 AND customer_id <> $3`
)

// Reassign makes a held checkout deferred, with its customer and plan.
func (s payments) Reassign(ctx context.Context, r record.Reassignment) (curfew.Checkout, error) {
	var now curfew.Checkout
	c := r.From
	err := s.tx(ctx, func(t *transaction) error {
		return t.send(ctx, func(b *pgx.Batch) {
			b.Queue(lockNamesOf, c.ID)
			b.Queue(reassignNames, c.ID, r.CustomerID, r.Plan)
			b.Queue(reassignCheckout, c.CustomerID, c.ID, c.Version, r.CustomerID, r.Plan, r.Retry, c.Outcome, null(r.StartsAt), r.Amount).
				QueryRow(intoOrConflict(checkoutFields(&now), "checkout %s has moved", c.ID))
			b.Queue(reassignEvents, c.CustomerID, c.ID, r.CustomerID)
			b.Queue(reassignDeliveries, c.CustomerID, c.ID, r.CustomerID)
			queueEvents(b, []event{{
				subject: "checkout", customerID: r.CustomerID, subjectID: c.ID, number: c.Version + 1,
				from: string(c.Outcome), to: string(curfew.Deferred), actor: r.Actor, reason: r.Reason,
			}})
		})
	})
	return now, wrap(err, "reassign checkout %s", c.ID)
}
