package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const extendSession = `
UPDATE sessions
SET duration_seconds = duration_seconds + $5, expires_at = expires_at + $6, version = version + 1
WHERE customer_id = $1 AND id = $2 AND adopted_from = '' AND status = $3 AND version = $4 AND expires_at >= $7`

// Only an admission makes a checkout fulfilled, so the triggers count none that
// becomes so otherwise.
const tallyFulfilled = `UPDATE tallies SET n = n + 1 WHERE shard = 0 AND noun = 'checkout' AND status = 'fulfilled'`

// Extend gives a live session the time that a payment bought.
func (s admissions) Extend(ctx context.Context, x record.Extension) (curfew.Snapshot, error) {
	var st curfew.Snapshot
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		moved := curfew.Errorf(curfew.Conflict, "session %s has moved", x.From.ID)
		err := tx.hit(ctx, moved, extendSession, x.From.CustomerID, x.From.ID, string(curfew.Live), x.From.Version,
			int64(x.By/time.Second), x.By.Microseconds(), micros(tx.now))
		if err != nil {
			return err
		}
		if err := tx.buyExtension(ctx, x); err != nil {
			return err
		}
		st, err = one(ctx, tx, scanSnapshot(tx.now), selectSnapshotByKey, x.From.CustomerID, x.From.ID)
		return err
	})
	return st, wrap(err, "extend session %s", x.From.ID)
}

// buyExtension writes the checkout of an extension, and the events.
func (tx *transaction) buyExtension(ctx context.Context, x record.Extension) error {
	c := x.Checkout
	c.Outcome, c.SessionID, c.RetryUntil, c.RefundAmount = curfew.Fulfilled, x.From.ID, time.Time{}, 0
	if err := tx.recordCheckout(ctx, c, x.Actor, x.Reason); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, tallyFulfilled); err != nil {
		return err
	}
	return tx.record(ctx, "session", curfew.Event{
		CustomerID: c.CustomerID, Subject: x.From.ID, Number: x.From.Version + 1,
		From: string(curfew.Live), To: string(curfew.Live), Actor: x.Actor, Reason: x.Reason,
	})
}

// recordCheckout writes a checkout as it is, with its claim and its event.
func (tx *transaction) recordCheckout(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) error {
	if err := tx.claimNames(ctx, c); err != nil {
		return err
	}
	if err := tx.insertCheckout(ctx, c); err != nil {
		return err
	}
	return tx.record(ctx, "checkout", curfew.Event{
		CustomerID: c.CustomerID, Subject: c.ID, Number: 1, To: string(c.Outcome), Actor: actor, Reason: reason,
	})
}

// Record writes a checkout that has its outcome already.
func (s admissions) Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (record.Receipt, error) {
	var r record.Receipt
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		c.RefundAmount = refundOf(c.Amount, c.Outcome)
		if err := tx.recordCheckout(ctx, c, actor, reason); err != nil {
			return err
		}
		r, err = one(ctx, tx, scanReceipt(tx.now), selectReceiptByCheckout, c.CustomerID, c.ID)
		return err
	})
	return r, wrap(err, "record checkout %s", c.ID)
}
