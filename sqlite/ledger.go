package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// ledgers keeps what is known of payments.
type ledgers struct{ *db }

// Report records what was reported of a payment.
func (s ledgers) Report(ctx context.Context, t record.PaymentReport) (l record.Ledger, err error) {
	if err := t.Check(); err != nil {
		return l, wrap(err, "learn of a payment")
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		l, err = tx.report(ctx, t)
		return err
	})
	return l, wrap(err, "learn of payment %s", t.References[0])
}

// report writes what is new.
func (tx *transaction) report(ctx context.Context, reported record.PaymentReport) (record.Ledger, error) {
	known, err := kinOf(ctx, tx, reported.Names())
	if err != nil {
		return record.Ledger{}, err
	}
	rows, err := paymentsOf(ctx, tx, known.payments())
	if err != nil {
		return record.Ledger{}, err
	}
	change := rows.Report(reported, known.unclaimed, newID())
	if change.Writes() {
		if err := tx.writeReported(ctx, change, reported.Actor); err != nil {
			return record.Ledger{}, err
		}
		if rows, err = paymentsOf(ctx, tx, []string{change.PaymentID}); err != nil {
			return record.Ledger{}, err
		}
	}
	rows.Now = tx.now
	l, _ := rows.Ledger(change.PaymentID)
	l.Before = change.Before
	return l, nil
}

// kin is the payments that names belong to.
type kin struct {
	claimed []string
	// unclaimed are names that only a checkout knows, each with that one's payment.
	unclaimed map[string]string
}

const (
	selectClaimed   = `SELECT DISTINCT checkout_id FROM payment_refs WHERE ref IN (SELECT value FROM json_each($1))`
	selectUnclaimed = `
SELECT payment_id, coalesce(line_of, id) FROM checkouts
WHERE payment_id IN (SELECT value FROM json_each($1)) AND payment_id <> ''
  AND NOT EXISTS (SELECT 1 FROM payment_refs p WHERE p.ref = checkouts.payment_id)
ORDER BY created_at DESC, id DESC`
)

func kinOf(ctx context.Context, src source, refs []string) (k kin, err error) {
	k.unclaimed = map[string]string{}
	if k.claimed, err = many(ctx, src, value[string], selectClaimed, list(refs)); err != nil {
		return k, err
	}
	_, err = many(ctx, src, func(r row) (ref string, err error) {
		var payment string
		err = r.Scan(&ref, &payment)
		k.unclaimed[ref] = payment // in the end the oldest one's
		return ref, err
	}, selectUnclaimed, list(refs))
	return k, err
}

// payments returns the payments' ids.
func (k kin) payments() []string {
	ids := slices.Clone(k.claimed)
	for _, id := range k.unclaimed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// list is texts as a parameter of json_each.
func list(texts []string) string {
	array, err := json.Marshal(texts)
	if err != nil || texts == nil {
		return "[]"
	}
	return string(array)
}

const (
	selectNamesOf = `
SELECT ref, checkout_id, customer_id, plan, version, names_payment FROM payment_refs WHERE checkout_id IN (SELECT value FROM json_each($1))`
	selectFirstOf = selectCheckout + ` WHERE id IN (SELECT value FROM json_each($1)) ORDER BY customer_id, id`
	selectLinesOf = selectCheckout + ` WHERE line_of IN (SELECT value FROM json_each($1)) AND line_of IS NOT NULL ORDER BY customer_id, id`
	selectFactsOf = `
SELECT payment, provider, account, kind, object, state, amount, currency, reason, at, until
FROM payment_facts WHERE payment IN (SELECT value FROM json_each($1))`
	selectRepaymentsOf = `
SELECT payment_id, amount, currency, at, disputed_at FROM payment_repayments WHERE payment_id IN (
    SELECT ref FROM payment_refs WHERE checkout_id IN (SELECT value FROM json_each($1))
    UNION SELECT payment_id FROM checkouts WHERE id IN (SELECT value FROM json_each($1))
    UNION SELECT payment_id FROM checkouts WHERE line_of IN (SELECT value FROM json_each($1)) AND line_of IS NOT NULL)`
)

// paymentsOf reads payments. The facts are read after the versions, so that they are never
// older than those.
func paymentsOf(ctx context.Context, src source, ids []string) (rows record.PaymentRows, err error) {
	in := list(ids)
	if rows.Names, err = many(ctx, src, scanName, selectNamesOf, in); err != nil {
		return rows, err
	}
	for _, query := range []string{selectFirstOf, selectLinesOf} {
		checkouts, err := many(ctx, src, scanCheckout, query, in)
		if err != nil {
			return rows, err
		}
		rows.Checkouts = append(rows.Checkouts, checkouts...)
	}
	if rows.Facts, err = many(ctx, src, scanFact, selectFactsOf, in); err != nil {
		return rows, err
	}
	rows.Repaid, err = many(ctx, src, scanRepaid, selectRepaymentsOf, in)
	return rows, err
}

func scanName(r row) (record.PaymentName, error) {
	var n record.PaymentName
	err := r.Scan(&n.Ref, &n.PaymentID, &n.CustomerID, &n.Plan, &n.Version, flag(&n.Main))
	return n, err
}

func scanFact(r row) (record.PaymentFact, error) {
	var f record.PaymentFact
	err := r.Scan(&f.PaymentID, &f.Provider, &f.Account, text(&f.Kind), &f.Object, &f.State, &f.Amount, &f.Currency, &f.Reason,
		moment(&f.At), moment(&f.Until))
	return f, err
}

func scanRepaid(r row) (record.Repaid, error) {
	var v record.Repaid
	err := r.Scan(&v.PaymentID, &v.Amount, &v.Currency, moment(&v.At), moment(&v.DisputedAt))
	return v, err
}

const (
	upsertName = `
INSERT INTO payment_refs (ref, checkout_id, customer_id, plan, version, names_payment) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (ref) DO UPDATE SET checkout_id = excluded.checkout_id, customer_id = excluded.customer_id, plan = excluded.plan,
    version = excluded.version, names_payment = excluded.names_payment`
	upsertFact = `
INSERT INTO payment_facts (payment, provider, account, kind, object, state, amount, currency, reason, at, until, told_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (payment, provider, account, kind, object, state) DO UPDATE SET amount = excluded.amount, currency = excluded.currency,
    reason = excluded.reason, at = excluded.at, until = excluded.until, told_at = excluded.told_at`
	deleteFacts   = `DELETE FROM payment_facts WHERE payment IN (SELECT value FROM json_each($1))`
	raiseCheckout = `
UPDATE checkouts
SET version = version + 1, line_of = $4, payment_id = $5, amount = $6, currency = $7, at_risk = $8, metadata = coalesce($10, metadata),
    next_at = CASE WHEN outcome <> 'refund_due' THEN next_at END,
    updated_at = CASE WHEN outcome IN (` + dated + `) OR capture IN (` + unsettledCaptures + `) THEN updated_at ELSE $9 END
WHERE customer_id = $1 AND id = $2 AND version + 1 = $3`
)

// writeLearned writes what was learned of a payment.
func (tx *transaction) writeReported(ctx context.Context, l record.Reported, actor curfew.Actor) error {
	for _, n := range l.Names {
		if _, err := tx.exec(ctx, upsertName, n.Ref, n.PaymentID, n.CustomerID, n.Plan, n.Version, n.Main); err != nil {
			return err
		}
	}
	if len(l.Merged) > 0 {
		if _, err := tx.exec(ctx, deleteFacts, list(l.Merged)); err != nil {
			return err
		}
	}
	for _, f := range l.Facts {
		if _, err := tx.exec(ctx, upsertFact, f.PaymentID, f.Provider, f.Account, string(f.Kind), f.Object, f.State, f.Amount, f.Currency,
			f.Reason, micros(f.At), micros(f.Until), micros(tx.now)); err != nil {
			return err
		}
	}
	for _, c := range l.Checkouts {
		if err := tx.raise(ctx, c, actor); err != nil {
			return err
		}
	}
	return nil
}

// raise gives a checkout a new version, with what was learned.
func (tx *transaction) raise(ctx context.Context, c record.ReportedCheckout, actor curfew.Actor) error {
	moved := curfew.Errorf(curfew.Conflict, "checkout %s has moved", c.ID)
	metadata, err := remembered(c)
	if err != nil {
		return err
	}
	err = tx.hit(ctx, moved, raiseCheckout, c.CustomerID, c.ID, c.Version, null(c.LineOf), c.PaymentID, c.Amount, c.Currency, c.AtRisk,
		micros(tx.now), metadata)
	if err != nil {
		return err
	}
	return tx.record(ctx, "checkout", curfew.Event{
		CustomerID: c.CustomerID, Subject: c.ID, Number: c.Version, From: string(c.Outcome), To: string(c.Outcome), Actor: actor, Reason: c.Reason,
	})
}

// remembered is a checkout's new metadata, or NULL.
func remembered(c record.ReportedCheckout) (any, error) {
	if c.Remembered == nil {
		return nil, nil
	}
	return object(c.Remembered)
}

// Ledger returns a payment by its id. One that was merged is where it went.
func (s ledgers) Ledger(ctx context.Context, paymentID string) (record.Ledger, error) {
	id := paymentID
	for {
		rows, err := paymentsOf(ctx, s.db, []string{id})
		if err != nil {
			return record.Ledger{}, wrap(err, "read payment %s", paymentID)
		}
		rows.Now = s.now()
		if l, ok := rows.Ledger(id); ok {
			return l, nil
		}
		if len(rows.Checkouts) == 0 {
			return record.Ledger{}, wrap(curfew.Errorf(curfew.NotFound, "there is no payment %q", paymentID), "read payment %s", paymentID)
		}
		id = rows.Checkouts[0].Payment()
	}
}

const selectPaymentOf = `
SELECT coalesce((SELECT checkout_id FROM payment_refs WHERE ref = $1),
    (SELECT coalesce(line_of, id) FROM checkouts WHERE payment_id = $1 AND payment_id <> '' ORDER BY created_at, id LIMIT 1))`

func scanID(r row) (string, error) {
	var id string
	err := r.Scan(text(&id))
	return id, err
}

// LedgerOf returns a payment by one of its names.
func (s ledgers) LedgerOf(ctx context.Context, ref string) (record.Ledger, error) {
	for {
		id, err := one(ctx, s.db, scanID, selectPaymentOf, ref)
		if err == nil && id == "" {
			err = curfew.Errorf(curfew.NotFound, "the payment reference %q was never seen", ref)
		}
		if err != nil {
			return record.Ledger{}, wrap(err, "look a payment up")
		}
		l, err := s.Ledger(ctx, id)
		if !errors.Is(err, curfew.NotFound) || ctx.Err() != nil { // else it was merged in between
			return l, err
		}
	}
}

// Payments returns the payments with these ids.
func (s ledgers) Payments(ctx context.Context, ids []string) ([]curfew.Payment, error) {
	rows, err := paymentsOf(ctx, s.db, ids)
	return rows.Payments(ids), wrap(err, "read %d payments", len(ids))
}

const insertMessage = `
INSERT INTO provider_messages (provider, account, id, type, body, reason, at, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (provider, account, id) DO NOTHING`

// KeepMessage keeps a message that could not be used.
func (s ledgers) KeepMessage(ctx context.Context, m record.ProviderMessage) error {
	_, err := s.exec(ctx, insertMessage, m.Provider, m.Account, m.ID, m.Type, m.Body, m.Reason, micros(m.At), fromNow(0))
	return wrap(err, "keep message %s of %s", m.ID, m.Provider)
}
