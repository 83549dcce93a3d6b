package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// ledgers keeps what is known of payments.
type ledgers struct{ *db }

// reportTries is how often Report starts again because others reported the same payment.
const reportTries = 20

// errGrown: a payment got another name while its names were being locked.
var errGrown = errors.New("the payment has other names by now")

// Report records what was reported of a payment.
func (s ledgers) Report(ctx context.Context, t record.PaymentReport) (l record.Ledger, err error) {
	if err := t.Check(); err != nil {
		return l, wrap(err, "learn of a payment")
	}
	for range reportTries {
		if l, err = report(ctx, s.db, t); !errors.Is(err, errGrown) {
			return l, wrap(err, "learn of payment %s", t.References[0])
		}
	}
	return l, curfew.Errorf(curfew.Unavailable, "payment %s is being reported too often at once: try again", t.References[0])
}

// report locks all names of the payments that it concerns, in order, as they were found
// before. If there are others by then, the error is errGrown.
func report(ctx context.Context, d *db, t record.PaymentReport) (l record.Ledger, err error) {
	var before kin
	err = d.send(ctx, func(b *pgx.Batch) {
		b.Queue(byKey)
		queueKin(b, t.Names(), &before)
	})
	if err != nil {
		return l, err
	}
	err = d.tx(ctx, func(tx *transaction) (err error) {
		l, err = tx.report(ctx, t, before.refs(t))
		return err
	})
	return l, err
}

// report writes what is new, unless there are names that are not locked.
func (t *transaction) report(ctx context.Context, reported record.PaymentReport, locked []string) (record.Ledger, error) {
	var known kin
	err := t.send(ctx, func(b *pgx.Batch) {
		b.Queue(byKey)
		b.Queue(lockNames, locked)
		queueKin(b, reported.Names(), &known)
	})
	if err == nil && !slices.Equal(known.refs(reported), locked) {
		err = errGrown
	}
	var rows record.PaymentRows
	if ids := known.payments(); err == nil && len(ids) > 0 {
		err = t.send(ctx, func(b *pgx.Batch) { queuePayments(b, ids, ` FOR UPDATE`, &rows) })
	}
	if err != nil {
		return record.Ledger{}, err
	}
	rows.Names = known.names
	change := rows.Report(reported, known.unclaimed, newID())
	if change.Writes() {
		err = t.send(ctx, func(b *pgx.Batch) {
			queueReported(b, change, reported.Actor)
			queuePayments(b, []string{change.PaymentID}, "", &rows)
		})
	}
	l, _ := rows.Ledger(change.PaymentID)
	l.Before = change.Before
	return l, err
}

// kin is the payments that names belong to, with all their names.
type kin struct {
	names []record.PaymentName
	// unclaimed are names that only a checkout knows, each with that one's payment.
	unclaimed map[string]string
}

// A row that lockNames has created stands for a name that nobody has claimed.
const (
	lockNames = `INSERT INTO curfew.payment_refs AS p (ref, customer_id, checkout_id, plan, version)
	SELECT k.ref, E'\x7f', '` + lowestID + `', '', -1 FROM unnest($1::text[]) k (ref) ORDER BY k.ref COLLATE "C"
	ON CONFLICT (ref) DO UPDATE SET version = p.version WHERE false`
	selectUnclaimed = `SELECT DISTINCT ON (c.payment_id) c.payment_id, coalesce(c.line_of, c.id) FROM curfew.checkouts c
	WHERE c.payment_id = ANY($1::text[]) AND c.payment_id <> ''
		AND NOT EXISTS (SELECT FROM curfew.payment_refs p WHERE p.ref = c.payment_id AND p.version >= 0)
	ORDER BY c.payment_id, c.created_at, c.id`
	nameColumns = `p.ref, p.checkout_id, p.customer_id, p.plan, p.version, p.names_payment`
	selectNames = `SELECT ` + nameColumns + ` FROM curfew.payment_refs p`
	selectKin   = selectNames + ` WHERE p.checkout_id IN (
		SELECT k.checkout_id FROM curfew.payment_refs k WHERE k.ref = ANY($1::text[]) AND k.version >= 0
		UNION SELECT u.payment FROM (` + selectUnclaimed + `) u (payment_id, payment))`
)

func scanName(r row) (record.PaymentName, error) {
	var n record.PaymentName
	err := r.Scan(&n.Ref, (*text)(&n.PaymentID), &n.CustomerID, &n.Plan, &n.Version, &n.Main)
	return n, err
}

func queueKin(b *pgx.Batch, refs []string, k *kin) {
	*k = kin{unclaimed: map[string]string{}}
	b.Queue(selectUnclaimed, refs).Query(func(rows pgx.Rows) error {
		var ref, payment text
		_, err := pgx.ForEachRow(rows, []any{&ref, &payment}, func() error {
			k.unclaimed[string(ref)] = string(payment)
			return nil
		})
		return err
	})
	b.Queue(selectKin, refs).Query(all(&k.names, scanName))
}

// all is the callback of a query for any number of rows.
func all[T any](to *[]T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scan)
		*to = append(*to, found...)
		return err
	}
}

// refs returns all names, including those just reported, in order.
func (k kin) refs(reported record.PaymentReport) []string {
	refs := reported.Names()
	for _, n := range k.names {
		refs = append(refs, n.Ref)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// payments returns the payments' ids.
func (k kin) payments() []string {
	var ids []string
	for _, n := range k.names {
		ids = append(ids, n.PaymentID)
	}
	for _, id := range k.unclaimed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

const (
	selectNamesOf = selectNames + ` WHERE p.checkout_id = ANY($1::uuid[])`
	selectFirstOf = selectCheckout + ` WHERE c.id = ANY($1::uuid[]) ORDER BY c.customer_id, c.id`
	selectLinesOf = selectCheckout + ` WHERE c.line_of = ANY($1::uuid[]) AND c.line_of IS NOT NULL ORDER BY c.customer_id, c.id`
	selectFactsOf = `SELECT payment, provider, account, kind, object, state, amount, currency, reason, at, until
	FROM curfew.payment_facts WHERE payment = ANY($1::uuid[])`
	selectRepaymentsOf = `SELECT r.payment_id, r.amount, r.currency, r.at, r.disputed_at FROM curfew.payment_repayments r WHERE r.payment_id IN (
		SELECT p.ref FROM curfew.payment_refs p WHERE p.checkout_id = ANY($1::uuid[])
		UNION SELECT c.payment_id FROM curfew.checkouts c WHERE c.id = ANY($1::uuid[])
		UNION SELECT c.payment_id FROM curfew.checkouts c WHERE c.line_of = ANY($1::uuid[]) AND c.line_of IS NOT NULL)`
)

// paymentsOf reads payments.
func paymentsOf(ctx context.Context, d *db, ids []string) (rows record.PaymentRows, err error) {
	err = d.send(ctx, func(b *pgx.Batch) {
		b.Queue(byKey)
		queuePayments(b, ids, "", &rows)
	})
	return rows, err
}

// queuePayments queues the reading of payments. The facts are read after the versions, so
// that they are never older than those.
func queuePayments(b *pgx.Batch, ids []string, lock string, to *record.PaymentRows) {
	*to = record.PaymentRows{}
	b.Queue(selectNamesOf, ids).Query(all(&to.Names, scanName))
	b.Queue(selectFirstOf+lock, ids).Query(all(&to.Checkouts, scanCheckout))
	b.Queue(selectLinesOf+lock, ids).Query(all(&to.Checkouts, scanCheckout))
	b.Queue(selectFactsOf, ids).Query(all(&to.Facts, scanFact))
	b.Queue(selectRepaymentsOf, ids).Query(all(&to.Repaid, scanRepaid))
	b.Queue(`SELECT now()`).QueryRow(func(row pgx.Row) error { return row.Scan((*moment)(&to.Now)) })
}

func scanFact(r row) (record.PaymentFact, error) {
	var f record.PaymentFact
	err := r.Scan((*text)(&f.PaymentID), &f.Provider, &f.Account, (*text)(&f.Kind), &f.Object, &f.State, &f.Amount, &f.Currency, &f.Reason,
		(*moment)(&f.At), (*moment)(&f.Until))
	return f, err
}

func scanRepaid(r row) (record.Repaid, error) {
	var v record.Repaid
	err := r.Scan(&v.PaymentID, &v.Amount, &v.Currency, (*moment)(&v.At), (*moment)(&v.DisputedAt))
	return v, err
}

const (
	upsertName = `INSERT INTO curfew.payment_refs (ref, checkout_id, customer_id, plan, version, names_payment) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (ref) DO UPDATE SET checkout_id = excluded.checkout_id, customer_id = excluded.customer_id, plan = excluded.plan,
		version = excluded.version, names_payment = excluded.names_payment`
	upsertFact = `INSERT INTO curfew.payment_facts (payment, provider, account, kind, object, state, amount, currency, reason, at, until)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
	ON CONFLICT (payment, provider, account, kind, object, state) DO UPDATE SET amount = excluded.amount, currency = excluded.currency,
		reason = excluded.reason, at = excluded.at, until = excluded.until, told_at = now()`
	deleteFacts   = `DELETE FROM curfew.payment_facts WHERE payment = ANY($1::uuid[])`
	raiseCheckout = `UPDATE curfew.checkouts c SET
			version = c.version + 1, line_of = $4, payment_id = $5, amount = $6, currency = $7, at_risk = $8,
			next_at = CASE WHEN c.outcome <> 'refund_due' THEN c.next_at END,
			metadata = coalesce($9::jsonb, c.metadata),
			updated_at = CASE WHEN c.outcome IN (` + dated + `) OR c.capture IN (` + unsettledCaptures + `) THEN c.updated_at ELSE now() END
		WHERE c.customer_id = $1 AND c.id = $2 AND c.version + 1 = $3`
)

// queueReported queues what was reported of a payment.
func queueReported(b *pgx.Batch, l record.Reported, actor curfew.Actor) {
	for _, n := range l.Names {
		b.Queue(upsertName, n.Ref, n.PaymentID, n.CustomerID, n.Plan, n.Version, n.Main)
	}
	if len(l.Merged) > 0 {
		b.Queue(deleteFacts, l.Merged)
	}
	for _, f := range l.Facts {
		b.Queue(upsertFact, f.PaymentID, f.Provider, f.Account, f.Kind, f.Object, f.State, f.Amount, f.Currency, f.Reason, null(f.At), null(f.Until))
	}
	for _, c := range l.Checkouts {
		b.Queue(raiseCheckout, c.CustomerID, c.ID, c.Version, null(c.LineOf), c.PaymentID, c.Amount, c.Currency, c.AtRisk,
			remembered(c)).
			Exec(hit("checkout %s has moved", c.ID))
		queueEvents(b, []event{{
			subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: c.Version,
			from: string(c.Outcome), to: string(c.Outcome), actor: actor, reason: c.Reason,
		}})
	}
}

// remembered is a checkout's new metadata, or NULL.
func remembered(c record.ReportedCheckout) any {
	if c.Remembered == nil {
		return nil
	}
	return c.Remembered
}

// Ledger returns a payment by its id. One that was merged is where it went.
func (s ledgers) Ledger(ctx context.Context, paymentID string) (record.Ledger, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no payment %q", paymentID)
	if !isID(paymentID) {
		return record.Ledger{}, missing
	}
	id := paymentID
	for {
		rows, err := paymentsOf(ctx, s.db, []string{id})
		if err != nil {
			return record.Ledger{}, wrap(err, "read payment %s", paymentID)
		}
		if l, ok := rows.Ledger(id); ok {
			return l, nil
		}
		if len(rows.Checkouts) == 0 {
			return record.Ledger{}, wrap(missing, "read payment %s", paymentID)
		}
		id = rows.Checkouts[0].Payment()
	}
}

const selectPaymentOf = `SELECT coalesce((SELECT p.checkout_id FROM curfew.payment_refs p WHERE p.ref = $1),
	(SELECT coalesce(c.line_of, c.id) FROM curfew.checkouts c WHERE c.payment_id = $1 AND c.payment_id <> '' ORDER BY c.created_at, c.id LIMIT 1))`

func scanID(r row) (string, error) {
	var id string
	err := r.Scan((*text)(&id))
	return id, err
}

// LedgerOf returns a payment by one of its names.
func (s ledgers) LedgerOf(ctx context.Context, ref string) (record.Ledger, error) {
	missing := curfew.Errorf(curfew.NotFound, "the payment reference %q was never seen", ref)
	for {
		var id text
		err := s.read(ctx, func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error { return nil })
			return err
		}, selectPaymentOf, ref)
		if err == nil && id == "" {
			err = missing
		}
		if err != nil {
			return record.Ledger{}, wrap(err, "look a payment up")
		}
		l, err := s.Ledger(ctx, string(id))
		if !errors.Is(err, curfew.NotFound) || ctx.Err() != nil { // else it was merged in between
			return l, err
		}
	}
}

// Payments returns the payments with these ids.
func (s ledgers) Payments(ctx context.Context, ids []string) ([]curfew.Payment, error) {
	known := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !isID(id) })
	rows, err := paymentsOf(ctx, s.db, known)
	return rows.Payments(ids), wrap(err, "read %d payments", len(ids))
}

const insertMessage = `INSERT INTO curfew.provider_messages (provider, account, id, type, body, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (provider, account, id) DO NOTHING`

// KeepMessage keeps a message that could not be used.
func (s ledgers) KeepMessage(ctx context.Context, m record.ProviderMessage) error {
	_, err := s.exec(ctx, insertMessage, m.Provider, m.Account, m.ID, m.Type, m.Body, m.Reason, null(m.At))
	return wrap(err, "keep message %s of %s", m.ID, m.Provider)
}
