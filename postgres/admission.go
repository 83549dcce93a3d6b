package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// admissions writes sessions and payments as they come in.
type admissions struct {
	*db
	groupCommit *groupCommit
}

var (
	insertClaim    = &insert{table: "payment_refs", columns: []string{"ref", "customer_id", "checkout_id", "plan"}}
	insertKey      = &insert{table: "idempotency_keys", columns: []string{"customer_id", "key", "checkout_id", "session_id"}}
	insertCheckout = &insert{
		table: "checkouts", columns: checkoutInsertColumns,
		values: map[string]string{"retry_until": "now() + $::interval", "version": "1"},
	}
	checkoutInsertColumns = []string{
		"customer_id", "id", "ref", "plan", "amount", "currency", "email", "name", "metadata", "outcome", "session_id", "retry_until",
		"refund_amount", "payment_id", "note", "line_of", "line", "starts_at", "extends", "concern", "capture", "at_risk", "version",
	}
	insertSession = &insert{
		table: "sessions",
		columns: []string{
			"customer_id", "id", "checkout_id", "plan", "kind", "duration_seconds", "status", "version", "starts_at", "expires_at", "revives",
		},
		values:    map[string]string{"version": "1", "expires_at": "coalesce($::timestamptz, LEAST(now() + $::interval, $::timestamptz))"},
		returning: "id, created_at, expires_at",
	}
	insertRequest = &insert{
		table: "session_requests", columns: []string{"customer_id", "id", "session_id", "customer_name", "status"},
		values: map[string]string{"status": "'pending'"},
	}
)

const (
	fulfillCheckout = `UPDATE curfew.checkouts SET
			outcome = 'fulfilled', version = version + 1, session_id = coalesce(session_id, $5), retry_until = NULL,
			refund_amount = 0, updated_at = now()
		WHERE customer_id = $1 AND id = $2 AND outcome || '' = $3 AND version = $4`
	// The triggers assume that a session came with its checkout.
	tallyRenewal = `INSERT INTO curfew.tallies AS t (shard, noun, status, n) VALUES (pg_backend_pid() % 16, 'checkout', 'fulfilled', -1)
		ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n - 1`
)

// Admit writes an admission (checkout, claim, session, request and events) or nothing. A
// new checkout takes one round trip, a pipelined implicit transaction that concurrent
// admissions share (decision 4). If the checkout or its payment exists already, a
// transaction compares it first.
func (s admissions) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	st := begun(a)
	var err error
	switch {
	case a.From != "":
		err = s.tx(ctx, func(t *transaction) error {
			return t.send(ctx, func(b *pgx.Batch) { queueRenewal(b, a, &st) })
		})
	case compared(a.Checkout):
		err = s.tx(ctx, func(t *transaction) error {
			return t.send(ctx, func(b *pgx.Batch) { queueFresh(b, []*entry{{a: a, st: &st}}) })
		})
	default:
		err = s.admitFresh(ctx, a, &st)
	}
	if err != nil {
		return curfew.Snapshot{}, wrap(err, "admit session %s", a.Session.ID)
	}
	st.Now = st.CreatedAt
	if st.Offered() {
		st.Request.CreatedAt = st.CreatedAt
	}
	return st, nil
}

// begun is the session as it will be, but for the database's times.
func begun(a record.Admission) curfew.Snapshot {
	st := curfew.Snapshot{Session: a.Session, Request: a.Request}
	st.Status, st.Version = curfew.Waiting, 1
	st.Duration = a.Session.Duration.Truncate(time.Second)
	st.Request.Status, st.Request.SessionID, st.Request.CustomerID = curfew.Pending, st.ID, st.CustomerID
	if !st.StartsAt.IsZero() {
		st.Status, st.Request = curfew.Scheduled, curfew.Request{}
		st.StartsAt = st.StartsAt.UTC().Truncate(time.Microsecond)
	}
	return st
}

// queueFresh queues new checkouts with their sessions: table by table in the order of
// locks, and within each table by key, so that two such transactions cannot deadlock.
func queueFresh(b *pgx.Batch, group []*entry) {
	var claims, checkouts, events [][]any
	for _, c := range group {
		switch paid := c.a.Checkout; {
		case compared(paid): // it is alone in its group
			queueClaim(b, paid)
		case paid.Ref != "":
			claims = append(claims, claimValues(paid))
		}
		checkouts = append(checkouts, checkoutValues(c.a.Checkout, curfew.Fulfilled, c.a.Session.ID, 0))
		events = append(events, firstEvents(c)...)
	}
	slices.SortFunc(claims, func(x, y []any) int { return strings.Compare(x[0].(string), y[0].(string)) }) //nolint:errcheck // the reference
	queueRows(b, insertClaim, claims)
	for _, c := range group {
		queueKey(b, c.a)
	}
	queueRows(b, insertCheckout, checkouts)
	queueSessions(b, group)
	queueRows(b, insertEvent, events)
}

// firstEvents is an admission's events: the session's and the checkout's.
func firstEvents(c *entry) [][]any {
	a := c.a
	return [][]any{
		event{
			subject: "session", customerID: a.Session.CustomerID, subjectID: a.Session.ID, number: 1,
			to: string(c.st.Status), actor: a.Actor, reason: a.Reason, runID: a.RunID,
		}.values(),
		event{
			subject: "checkout", customerID: a.Checkout.CustomerID, subjectID: a.Checkout.ID, number: 1,
			to: string(curfew.Fulfilled), actor: a.Actor, reason: a.Reason, runID: a.RunID,
		}.values(),
	}
}

// queueRenewal queues a session that an existing checkout pays for.
func queueRenewal(b *pgx.Batch, a record.Admission, st *curfew.Snapshot) {
	queueKey(b, a)
	queueSessions(b, []*entry{{a: a, st: st}})
	c := a.Checkout
	b.Queue(fulfillCheckout, c.CustomerID, c.ID, a.From, c.Version, a.Session.ID).Exec(hit("checkout %s has moved", c.ID))
	b.Queue(tallyRenewal)
	if a.RunID != "" {
		b.Queue(countRun, a.RunID, a.Stats)
	}
	queueEvents(b, []event{
		{
			subject: "session", customerID: a.Session.CustomerID, subjectID: a.Session.ID, number: 1,
			to: string(st.Status), actor: a.Actor, reason: a.Reason, runID: a.RunID,
		},
		{
			subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: c.Version + 1,
			from: string(a.From), to: string(curfew.Fulfilled), actor: a.Actor, reason: a.Reason, runID: a.RunID,
		},
	})
}

func claimValues(c curfew.Checkout) []any { return []any{c.Ref, c.CustomerID, c.ID, c.Plan} }

func queueKey(b *pgx.Batch, a record.Admission) {
	if a.Key != "" {
		b.Queue(insertKey.rows(1), a.Session.CustomerID, a.Key, a.Checkout.ID, a.Session.ID)
	}
}

func checkoutValues(c curfew.Checkout, outcome curfew.Outcome, sessionID string, ttl time.Duration) []any {
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	var retry *time.Duration
	if outcome == curfew.Deferred {
		retry = &ttl
	}
	return []any{
		c.CustomerID, c.ID, c.Ref, c.Plan, c.Amount, c.Currency, c.Email, c.Name, c.Metadata,
		outcome, null(sessionID), retry, refundOf(c.Amount, outcome), c.PaymentID, c.Note,
		null(c.LineOf), max(c.Line, 1), null(c.StartsAt), c.Extends, c.Concern, c.Capture, c.AtRisk,
	}
}

// queueSessions queues sessions with their requests.
func queueSessions(b *pgx.Batch, group []*entry) {
	var sessions, requests [][]any
	for _, c := range group {
		s, d := c.a.Session, c.a.Deadline
		// A new session always has a deadline, so a zero one is now.
		sessions = append(sessions, []any{
			s.CustomerID, s.ID, null(s.CheckoutID), s.Plan, s.Kind, int64(s.Duration / time.Second), c.st.Status,
			null(c.st.StartsAt), null(c.st.StartsAt), d.After, null(d.Limit), null(s.Revives),
		})
		if c.st.Status == curfew.Scheduled {
			continue
		}
		requests = append(requests, []any{s.CustomerID, c.a.Request.ID, s.ID, c.a.Request.CustomerName})
	}
	for _, q := range queueRows(b, insertSession, sessions) {
		q.Query(func(rows pgx.Rows) error { return readSessions(rows, group) })
	}
	queueRows(b, insertRequest, requests)
}

// readSessions reads the database's times of some of the group.
func readSessions(rows pgx.Rows, group []*entry) error {
	var id text
	var created, expires moment
	_, err := pgx.ForEachRow(rows, []any{&id, &created, &expires}, func() error {
		i := slices.IndexFunc(group, func(c *entry) bool { return len(group) == 1 || strings.EqualFold(c.st.ID, string(id)) })
		if i < 0 {
			return curfew.Errorf(curfew.Internal, "the database answers for session %s, which nobody asked for", id)
		}
		group[i].st.CreatedAt, group[i].st.ExpiresAt = time.Time(created), time.Time(expires)
		return nil
	})
	return err
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
	r := record.Receipt{}
	err := writeCheckout(ctx, s.db, c, func(b *pgx.Batch) {
		queueClaim(b, c)
		b.Queue(insertCheckout.rows(1), checkoutValues(c, curfew.Deferred, "", ttl)...)
		queueEvents(b, []event{{
			subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: 1,
			to: string(curfew.Deferred), actor: actor, reason: curfew.DeferredReason,
		}})
		b.Queue(selectReceiptByCheckout, c.CustomerID, c.ID).Query(into(&r, scanReceipt))
	})
	return r, wrap(err, "defer checkout %s", c.ID)
}

const selectReceiptByReference = `SELECT ` + receiptColumns + ` FROM curfew.payment_refs p
	JOIN curfew.checkouts c ON c.customer_id = p.customer_id AND c.id = p.checkout_id` + joinFirst + ` WHERE p.ref = $1`

// Reference returns the receipt of a payment's reference.
func (s admissions) Reference(ctx context.Context, ref string) (record.Receipt, error) {
	r, err := one(ctx, s.db, scanReceipt, selectReceiptByReference, ref)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "the payment reference %q was never seen", ref)), "look a reference up")
}

const selectReceiptByKey = `SELECT ` + receiptColumns + ` FROM curfew.idempotency_keys k
	JOIN curfew.checkouts c ON c.customer_id = k.customer_id AND c.id = k.checkout_id
	LEFT JOIN curfew.sessions s ON s.customer_id = k.customer_id AND s.id = k.session_id` + joinRequest + `
	WHERE k.customer_id = $1 AND k.key = $2`

// Key returns the receipt of a customer's idempotency key.
func (s admissions) Key(ctx context.Context, customerID, key string) (record.Receipt, error) {
	r, err := one(ctx, s.db, scanReceipt, selectReceiptByKey, customerID, key)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "the key %q was never seen", key)), "look a key of %s up", customerID)
}

const insertRefusal = `INSERT INTO curfew.refusals (customer_id, id, session_id) VALUES ($1, $2, $3)`

// Refuse records a refusal.
func (s admissions) Refuse(ctx context.Context, customerID, sessionID string) error {
	_, err := s.exec(ctx, insertRefusal, customerID, newID(), sessionID)
	return wrap(err, "record a refusal of %s", customerID)
}
