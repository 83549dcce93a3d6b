package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// books reads what became of payments in a span of time.
type books struct{ *db }

// bookedTogether is how many payments are read at once.
const bookedTogether = 100

// The books walk the checkouts by id (checkouts_id), a part at a time, and find the rest by
// key: facts by their payment, further lines by checkouts_lines, what was given back by the
// provider's name, an outcome of the past by the key of the events. No index of times is kept
// for them. 300,000 checkouts, a tenth of them in the month, take 2.5 s.
const (
	selectBookedPart = `SELECT id FROM checkouts INDEXED BY checkouts_id WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2`
	selectBooked     = `
SELECT c.id FROM checkouts c INDEXED BY checkouts_id
WHERE c.id > $1 AND c.id <= $2 AND (c.line_of IS NULL OR c.line_of = c.id) AND (` + bookedFirst + `
    OR EXISTS (SELECT 1 FROM checkouts l WHERE l.line_of = c.id AND l.line_of IS NOT NULL AND ` + bookedLine + `)
    OR EXISTS (SELECT 1 FROM payment_facts f WHERE f.payment = c.id AND (f.at >= $3 AND f.at < $4 OR f.kind = 'dispute'))
    OR EXISTS (SELECT 1 FROM payment_repayments r WHERE r.payment_id = c.payment_id AND r.payment_id <> ''
        AND (r.at >= $3 AND r.at < $4 OR r.disputed_at IS NOT NULL)))
ORDER BY c.id`
	// A checkout counts that was recorded in the span, that is open, or that may have been
	// open when the span ended.
	bookedFirst = `c.created_at < $4 AND (c.created_at >= $3 OR c.updated_at >= $4 OR c.outcome IN (` + dated + `))`
	bookedLine  = `l.created_at < $4 AND (l.created_at >= $3 OR l.updated_at >= $4 OR l.outcome IN (` + dated + `))`
)

// Booked returns the payments of a part of the checkouts that may belong into the books.
func (s books) Booked(ctx context.Context, from, to time.Time, after string, limit int) (all []record.Booked, next string, err error) {
	part, err := many(ctx, s.db, scanID, selectBookedPart, after, limit-1)
	if err != nil {
		return nil, "", wrap(err, "read the books")
	}
	if len(part) > 0 {
		next = part[0]
	}
	ids, err := many(ctx, s.db, scanID, selectBooked, after, cmp.Or(next, highestID), micros(from), micros(to))
	for some := range slices.Chunk(ids, bookedTogether) {
		var booked []record.Booked
		if booked, err = s.booked(ctx, some, from, to); err != nil {
			break
		}
		all = append(all, booked...)
	}
	return all, next, wrap(err, "read the books")
}

const selectThen = `
SELECT c.id,
    (SELECT e.to_status FROM events e WHERE e.customer_id = c.customer_id AND e.subject_id = c.id AND e.at < $2 ORDER BY e.number DESC LIMIT 1),
    (SELECT e.to_status FROM events e WHERE e.customer_id = c.customer_id AND e.subject_id = c.id AND e.at < $3 ORDER BY e.number DESC LIMIT 1)
FROM checkouts c WHERE c.id IN (SELECT value FROM json_each($1))`

// booked reads some payments, with what their checkouts were at both ends of the span.
func (s books) booked(ctx context.Context, ids []string, from, to time.Time) ([]record.Booked, error) {
	rows, err := paymentsOf(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	rows.Now = s.now()
	then, err := many(ctx, s.db, scanThen, selectThen, list(rows.CheckoutIDs()), micros(from), micros(to))
	return rows.Booked(ids, from, to, then), err
}

func scanThen(r row) (record.Then, error) {
	var t record.Then
	err := r.Scan(&t.CheckoutID, text(&t.Began), text(&t.Ended))
	return t, err
}
