package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// admissions writes sessions and payments as they come in.
type admissions struct{ *db }

const insertClaim = `INSERT INTO payment_refs (ref, customer_id, checkout_id, plan) VALUES ($1, $2, $3, $4)`

const insertKey = `
INSERT INTO idempotency_keys (customer_id, key, checkout_id, session_id, created_at) VALUES ($1, $2, $3, $4, $5)`

const insertCheckout = `
INSERT INTO checkouts (customer_id, id, ref, plan, amount, currency, email, name, metadata,
    outcome, version, session_id, retry_until, refund_amount, created_at, updated_at, payment_id, note, line_of, line, starts_at, extends, concern,
    capture, at_risk)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $14, $13, $13, $15, $16, $17, $18, $19, $20, $21, $22, $23)`

const insertSession = `
INSERT INTO sessions (customer_id, id, checkout_id, plan, kind, duration_seconds, status, version, created_at, starts_at, expires_at, revives)
VALUES ($1, $2, $3, $4, $5, $6, $10, 1, $7, $8, $9, $11)`

const insertRequest = `
INSERT INTO session_requests (customer_id, id, session_id, customer_name, status, created_at)
VALUES ($1, $2, $3, $4, 'pending', $5)`

// fulfillCheckout gives an existing checkout its session.
const fulfillCheckout = `
UPDATE checkouts
SET outcome = 'fulfilled', version = version + 1, session_id = coalesce(session_id, $5), retry_until = NULL,
    refund_amount = 0, updated_at = $6
WHERE customer_id = $1 AND id = $2 AND outcome = $3 AND version = $4`

// Admit writes an admission (checkout, claim, session, request and events) or nothing.
func (s admissions) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	var st curfew.Snapshot
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		st = admitted(a, tx.now)
		if err := tx.claim(ctx, a, st); err != nil {
			return err
		}
		if err := tx.insertSession(ctx, st); err != nil {
			return err
		}
		return tx.fulfill(ctx, a, st)
	})
	return st, wrap(err, "admit session %s", a.Session.ID)
}

// admitted is the session as it will be.
func admitted(a record.Admission, now time.Time) curfew.Snapshot {
	st := curfew.Snapshot{Session: a.Session, Request: a.Request, Now: now}
	st.CheckoutID = a.Checkout.ID
	st.Status, st.Version = curfew.Waiting, 1
	st.CreatedAt, st.ExpiresAt = now, a.Deadline.At(now).UTC().Truncate(time.Microsecond)
	st.Request.Status, st.Request.CreatedAt = curfew.Pending, now
	if !st.StartsAt.IsZero() {
		st.StartsAt = st.StartsAt.UTC().Truncate(time.Microsecond)
		st.Status, st.ExpiresAt, st.Request = curfew.Scheduled, st.StartsAt, curfew.Request{}
	}
	return st
}

// claim writes what must be unique, and the checkout, unless that is there.
func (tx *transaction) claim(ctx context.Context, a record.Admission, st curfew.Snapshot) error {
	if a.From == "" {
		if err := tx.claimNames(ctx, a.Checkout); err != nil {
			return err
		}
	}
	if a.Key != "" {
		_, err := tx.exec(ctx, insertKey, st.CustomerID, a.Key, st.CheckoutID, st.ID, micros(tx.now))
		if err != nil {
			return err
		}
	}
	if a.From != "" {
		return nil
	}
	c := a.Checkout
	c.Outcome, c.SessionID, c.RetryUntil = curfew.Fulfilled, st.ID, time.Time{}
	return tx.insertCheckout(ctx, c)
}

func (tx *transaction) insertCheckout(ctx context.Context, c curfew.Checkout) error {
	metadata, err := object(c.Metadata)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, insertCheckout, c.CustomerID, c.ID, c.Ref, c.Plan, c.Amount, c.Currency, c.Email, c.Name,
		metadata, string(c.Outcome), null(c.SessionID), micros(c.RetryUntil), micros(tx.now), c.RefundAmount, c.PaymentID, c.Note,
		null(c.LineOf), max(c.Line, 1), micros(c.StartsAt), c.Extends, c.Concern, c.Capture, c.AtRisk)
	return err
}

// object is a map as JSON; none is the empty object.
func object(m map[string]string) (string, error) {
	if len(m) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(m)
	return string(text), err
}

func (tx *transaction) insertSession(ctx context.Context, st curfew.Snapshot) error {
	_, err := tx.exec(ctx, insertSession, st.CustomerID, st.ID, null(st.CheckoutID), st.Plan, string(st.Kind),
		wholeSeconds(st.Duration), micros(st.CreatedAt), micros(st.StartsAt), micros(st.ExpiresAt), string(st.Status), null(st.Revives))
	if err != nil || st.Status == curfew.Scheduled {
		return err
	}
	_, err = tx.exec(ctx, insertRequest, st.CustomerID, st.Request.ID, st.ID, st.Request.CustomerName, micros(st.CreatedAt))
	return err
}

// fulfill writes the events, after an existing checkout has been moved.
func (tx *transaction) fulfill(ctx context.Context, a record.Admission, st curfew.Snapshot) error {
	number := int64(1)
	if a.From != "" {
		moved := curfew.Errorf(curfew.Conflict, "checkout %s has moved", st.CheckoutID)
		err := tx.hit(ctx, moved, fulfillCheckout, st.CustomerID, st.CheckoutID, string(a.From), a.Checkout.Version, st.ID, micros(tx.now))
		if err != nil {
			return err
		}
		number = a.Checkout.Version + 1
	}
	e := curfew.Event{CustomerID: st.CustomerID, Actor: a.Actor, Reason: a.Reason, RunID: a.RunID}
	session, checkout := e, e
	session.Subject, session.Number, session.To = st.ID, 1, string(st.Status)
	checkout.Subject, checkout.Number, checkout.From, checkout.To = st.CheckoutID, number, string(a.From), string(curfew.Fulfilled)
	if err := tx.recordAll(ctx, []event{{"session", session}, {"checkout", checkout}}); err != nil {
		return err
	}
	return tx.countRun(ctx, a.RunID, a.Stats)
}

// refundOf returns how much of a payment recorded with this outcome is to be refunded.
func refundOf(amount int64, outcome curfew.Outcome) int64 {
	if outcome == curfew.RefundDue || outcome == curfew.Refunded {
		return amount
	}
	return 0
}

// Defer writes a payment whose customer's slot is taken.
func (s admissions) Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (record.Receipt, error) {
	var r record.Receipt
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		c.Outcome, c.SessionID, c.RetryUntil = curfew.Deferred, "", tx.now.Add(ttl).Truncate(time.Microsecond)
		if err := tx.recordCheckout(ctx, c, actor, curfew.DeferredReason); err != nil {
			return err
		}
		r, err = one(ctx, tx, scanReceipt(tx.now), selectReceiptByCheckout, c.CustomerID, c.ID)
		return err
	})
	return r, wrap(err, "defer checkout %s", c.ID)
}

const selectReceiptByReference = selectReceipt + `
WHERE (checkouts.customer_id, checkouts.id) = (SELECT customer_id, checkout_id FROM payment_refs WHERE ref = $1)`

// Reference returns the receipt of a payment's reference.
func (s admissions) Reference(ctx context.Context, ref string) (record.Receipt, error) {
	r, err := one(ctx, s.db, scanReceipt(s.now()), selectReceiptByReference, ref)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "the payment reference %q was never seen", ref)), "look a reference up")
}

const selectReceiptByKey = `
SELECT ` + checkoutColumns + `, ` + sessionColumns + `, ` + requestColumns + `
FROM idempotency_keys
JOIN checkouts ON checkouts.customer_id = idempotency_keys.customer_id AND checkouts.id = idempotency_keys.checkout_id
JOIN sessions ON sessions.customer_id = idempotency_keys.customer_id AND sessions.id = idempotency_keys.session_id` + joinRequest + `
WHERE idempotency_keys.customer_id = $1 AND idempotency_keys.key = $2`

// Key returns the receipt of a customer's idempotency key.
func (s admissions) Key(ctx context.Context, customerID, key string) (record.Receipt, error) {
	r, err := one(ctx, s.db, scanReceipt(s.now()), selectReceiptByKey, customerID, key)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "the key %q was never seen", key)), "look a key of %s up", customerID)
}

const insertRefusal = `INSERT INTO refusals (customer_id, id, session_id, at) VALUES ($1, $2, $3, $4)`

// Refuse records a refusal.
func (s admissions) Refuse(ctx context.Context, customerID, sessionID string) error {
	_, err := s.exec(ctx, insertRefusal, customerID, newID(), sessionID, fromNow(0))
	return wrap(err, "record a refusal of %s", customerID)
}

// wholeSeconds is a duration as rows store it, rounded up to whole seconds.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
