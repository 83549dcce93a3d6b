package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

const (
	insertClaim    = `INSERT INTO curfew.payment_refs (ref, customer_id, checkout_id, plan) VALUES ($1, $2, $3, $4)`
	insertKey      = `INSERT INTO curfew.idempotency_keys (customer_id, key, checkout_id, session_id) VALUES ($1, $2, $3, $4)`
	insertCheckout = `INSERT INTO curfew.checkouts
			(customer_id, id, ref, plan, amount, currency, email, name, metadata, outcome, version, session_id, retry_until,
			payment_id, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, now() + $12::interval, $13, $14)`
	insertSession = `INSERT INTO curfew.sessions
			(customer_id, id, checkout_id, plan, kind, duration_seconds, status, version, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 1, LEAST(now() + $7::interval, $8::timestamptz))
		RETURNING created_at, expires_at`
	insertRequest = `INSERT INTO curfew.session_requests (customer_id, id, session_id, customer_name, status)
		VALUES ($1, $2, $3, $4, 'pending')`
	// The two of an admission in one statement: each statement costs a message.
	insertTwoEvents = insertEvent + `, ($11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`
	fulfilCheckout  = `UPDATE curfew.checkouts SET
			outcome = 'fulfilled', version = version + 1, session_id = coalesce(session_id, $5), retry_until = NULL, updated_at = now()
		WHERE customer_id = $1 AND id = $2 AND outcome = $3 AND version = $4`
	// The triggers take a session for one that came with its checkout.
	tallyRenewal = `INSERT INTO curfew.tallies AS t (shard, noun, status, n) VALUES (pg_backend_pid() % 16, 'checkout', 'fulfilled', -1)
		ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n - 1`
)

// Admit writes an admission: a fresh checkout in one round trip, as one
// pipelined implicit transaction; one that exists already in a transaction that
// compares it.
func (s *Store) Admit(ctx context.Context, a curfew.Admission) (curfew.Standing, error) {
	st := curfew.Standing{Session: a.Session, Request: a.Request}
	st.Status, st.Version = curfew.Waiting, 1
	st.Duration = a.Session.Duration.Truncate(time.Second)
	st.Request.Status, st.Request.SessionID, st.Request.CustomerID = curfew.Pending, st.ID, st.CustomerID

	var err error
	if a.From == "" {
		err = s.send(ctx, func(b *pgx.Batch) { queueAdmission(b, a, &st) })
	} else {
		err = s.tx(ctx, func(tx pgx.Tx) error {
			return sendIn(ctx, tx, func(b *pgx.Batch) { queueRenewal(b, a, &st) })
		})
	}
	if err != nil {
		return curfew.Standing{}, wrap(err, "admit session %s", a.Session.ID)
	}
	st.Now, st.Request.CreatedAt = st.CreatedAt, st.CreatedAt
	return st, nil
}

// queueAdmission queues a fresh checkout with its session, in the order in
// which its keys are taken.
func queueAdmission(b *pgx.Batch, a curfew.Admission, st *curfew.Standing) {
	if a.Checkout.Ref != "" {
		queueClaim(b, a.Checkout)
	}
	queueKey(b, a)
	queueCheckout(b, a.Checkout, curfew.Fulfilled, a.Session.ID, 0)
	queueSession(b, a, st)
	b.Queue(insertTwoEvents, slices.Concat(
		event{
			subject: "session", customerID: a.Session.CustomerID, subjectID: a.Session.ID, number: 1,
			to: string(curfew.Waiting), actor: a.Actor, reason: a.Reason,
		}.values(),
		event{
			subject: "checkout", customerID: a.Checkout.CustomerID, subjectID: a.Checkout.ID, number: 1,
			to: string(curfew.Fulfilled), actor: a.Actor, reason: a.Reason,
		}.values())...)
}

// queueRenewal queues a session that an existing checkout pays for.
func queueRenewal(b *pgx.Batch, a curfew.Admission, st *curfew.Standing) {
	queueKey(b, a)
	queueSession(b, a, st)
	c := a.Checkout
	b.Queue(fulfilCheckout, c.CustomerID, c.ID, a.From, c.Version, a.Session.ID).Exec(hit("checkout %s has moved", c.ID))
	b.Queue(tallyRenewal)
	queueEvents(b, []event{
		{
			subject: "session", customerID: a.Session.CustomerID, subjectID: a.Session.ID, number: 1,
			to: string(curfew.Waiting), actor: a.Actor, reason: a.Reason,
		},
		{
			subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: c.Version + 1,
			from: string(a.From), to: string(curfew.Fulfilled), actor: a.Actor, reason: a.Reason,
		},
	})
}

func queueClaim(b *pgx.Batch, c curfew.Checkout) {
	b.Queue(insertClaim, c.Ref, c.CustomerID, c.ID, c.Plan)
}

func queueKey(b *pgx.Batch, a curfew.Admission) {
	if a.Key != "" {
		b.Queue(insertKey, a.Session.CustomerID, a.Key, a.Checkout.ID, a.Session.ID)
	}
}

func queueCheckout(b *pgx.Batch, c curfew.Checkout, outcome curfew.Outcome, sessionID string, ttl time.Duration) {
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	var retry *time.Duration
	if outcome == curfew.Deferred {
		retry = &ttl
	}
	b.Queue(insertCheckout, c.CustomerID, c.ID, c.Ref, c.Plan, c.Amount, c.Currency, c.Email, c.Name, c.Metadata,
		outcome, null(sessionID), retry, c.PaymentID, c.Note)
}

func queueSession(b *pgx.Batch, a curfew.Admission, st *curfew.Standing) {
	// A new session always has a deadline, so a zero one is now.
	b.Queue(insertSession, a.Session.CustomerID, a.Session.ID, null(a.Session.CheckoutID), a.Session.Plan, a.Session.Kind,
		int64(a.Session.Duration/time.Second), a.Deadline.After, null(a.Deadline.Limit)).
		QueryRow(func(row pgx.Row) error { return row.Scan((*stamp)(&st.CreatedAt), (*stamp)(&st.ExpiresAt)) })
	b.Queue(insertRequest, a.Session.CustomerID, a.Request.ID, a.Session.ID, a.Request.CustomerName)
}

// Defer writes a payment whose customer's slot is taken.
func (s *Store) Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (curfew.Receipt, error) {
	r := curfew.Receipt{}
	err := s.send(ctx, func(b *pgx.Batch) {
		if c.Ref != "" {
			queueClaim(b, c)
		}
		queueCheckout(b, c, curfew.Deferred, "", ttl)
		queueEvents(b, []event{{
			subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: 1,
			to: string(curfew.Deferred), actor: actor, reason: "the customer's slot is taken",
		}})
		b.Queue(receiptByCheckout, c.CustomerID, c.ID).Query(into(&r, scanReceipt))
	})
	return r, wrap(err, "defer checkout %s", c.ID)
}

const receiptByRef = `SELECT ` + receiptColumns + ` FROM curfew.payment_refs p
	JOIN curfew.checkouts c ON c.customer_id = p.customer_id AND c.id = p.checkout_id` + joinFirst + ` WHERE p.ref = $1`

// Reference is the receipt of a payment's reference.
func (s *Store) Reference(ctx context.Context, ref string) (curfew.Receipt, error) {
	r, err := one(ctx, s, scanReceipt, receiptByRef, ref)
	return r, orMissing(err, curfew.Errorf(curfew.NotFound, "the payment reference %q was never seen", ref))
}

const receiptByKey = `SELECT ` + receiptColumns + ` FROM curfew.idempotency_keys k
	JOIN curfew.checkouts c ON c.customer_id = k.customer_id AND c.id = k.checkout_id
	LEFT JOIN curfew.sessions s ON s.customer_id = k.customer_id AND s.id = k.session_id` + joinRequest + `
	WHERE k.customer_id = $1 AND k.key = $2`

// Key is the receipt of a customer's idempotency key.
func (s *Store) Key(ctx context.Context, customerID, key string) (curfew.Receipt, error) {
	r, err := one(ctx, s, scanReceipt, receiptByKey, customerID, key)
	return r, orMissing(err, curfew.Errorf(curfew.NotFound, "the key %q was never seen", key))
}

const insertRefusal = `INSERT INTO curfew.refusals (customer_id, id, session_id) VALUES ($1, $2, $3)`

// Refuse records a refusal.
func (s *Store) Refuse(ctx context.Context, customerID, sessionID string) error {
	_, err := s.exec(ctx, insertRefusal, customerID, newID(), sessionID)
	return wrap(err, "record a refusal of %s", customerID)
}
