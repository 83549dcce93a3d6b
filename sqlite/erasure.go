package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// erasures reads all that is held of a customer, and erases what is personal of it.
type erasures struct{ *db }

// Personal returns all rows that are held of a customer, as of one moment.
func (s erasures) Personal(ctx context.Context, customerID string) (all []record.PersonalRows, err error) {
	tx, err := s.reader.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, wrap(translate(err), "read what is held of %s", customerID)
	}
	defer func() { err = errors.Join(err, translate(tx.Rollback())) }()
	for _, t := range record.PersonalTables() {
		found := record.PersonalRows{Table: t.Table}
		for row, err := range rowsOf(ctx, tx, t.Table, t.Of, customerID) {
			if err != nil {
				return nil, wrap(translate(err), "read what is held of %s", customerID)
			}
			found.Rows = append(found.Rows, row)
		}
		all = append(all, found)
	}
	return all, nil
}

const (
	selectUnendedOf = `
SELECT id, status FROM sessions WHERE customer_id = $1 AND status IN ('scheduled', 'waiting', 'live') ORDER BY created_at, id`
	selectWordsOf     = `SELECT DISTINCT actor, reason FROM events WHERE customer_id = $1`
	selectHeldVersion = `SELECT count(*) FROM events WHERE customer_id = $1`
	countHeld         = `
SELECT 'sessions', count(*) FROM sessions WHERE customer_id = $1
UNION ALL SELECT 'session_requests', count(*) FROM session_requests WHERE customer_id = $1
UNION ALL SELECT 'checkouts', count(*) FROM checkouts WHERE customer_id = $1
UNION ALL SELECT 'events', count(*) FROM events WHERE customer_id = $1
UNION ALL SELECT 'deliveries', count(*) FROM deliveries WHERE customer_id = $1
UNION ALL SELECT 'undelivered', count(*) FROM deliveries WHERE customer_id = $1 AND state = 'pending'
UNION ALL SELECT 'idempotency_keys', count(*) FROM idempotency_keys WHERE customer_id = $1
UNION ALL SELECT 'refusals', count(*) FROM refusals WHERE customer_id = $1
UNION ALL SELECT 'sign_ins', count(*) FROM sign_ins WHERE role = 'customer' AND subject = $1`
)

// Held returns what an erasure of a customer decides by.
func (s erasures) Held(ctx context.Context, customerID string) (held record.Held, err error) {
	held, err = heldOf(ctx, s.reader, customerID)
	return held, wrap(err, "read what is held of %s", customerID)
}

func heldOf(ctx context.Context, src source, customerID string) (held record.Held, err error) {
	held.Rows = map[string]int64{}
	if held.Unended, err = many(ctx, src, func(r row) (s curfew.Session, err error) {
		return s, r.Scan(text(&s.ID), text(&s.Status))
	}, selectUnendedOf, customerID); err != nil {
		return held, err
	}
	if held.Checkouts, err = many(ctx, src, scanCheckout, selectCheckoutsOf, customerID); err != nil {
		return held, err
	}
	if held.Words, err = many(ctx, src, func(r row) (w record.Words, err error) { return w, r.Scan(&w.Actor, &w.Reason) }, selectWordsOf, customerID); err != nil {
		return held, err
	}
	if held.Version, err = one(ctx, src, value[int64], selectHeldVersion, customerID); err != nil {
		return held, err
	}
	_, err = many(ctx, src, func(r row) (table string, err error) {
		var n int64
		err = r.Scan(&table, &n)
		held.Rows[table] = n
		return table, err
	}, countHeld, customerID)
	return held, err
}

const (
	erasureColumns = `id, customer_id, pseudonym, version, held, actor, reason, planned_at, erased_at`
	deleteOldPlans = `DELETE FROM erasures WHERE erased_at IS NULL AND planned_at < $1`
	insertErasure  = `
INSERT INTO erasures (id, customer_id, pseudonym, version, held, actor, planned_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING ` + erasureColumns
)

func scanErasure(r row) (record.Erasure, error) {
	var e record.Erasure
	var actor string
	err := r.Scan(text(&e.ID), &e.CustomerID, &e.Pseudonym, &e.Version, document(&e.Held), &actor, &e.Reason, moment(&e.PlannedAt), moment(&e.ErasedAt))
	e.Actor = record.ParseActor(actor)
	return e, err
}

// PlanErasure writes a plan, and forgets those that nobody carried out in time.
func (s erasures) PlanErasure(ctx context.Context, e record.Erasure) (planned record.Erasure, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		held, err := json.Marshal(e.Held)
		if err != nil {
			return err
		}
		if _, err = tx.exec(ctx, deleteOldPlans, ago(tx.now, record.ErasurePlanLife)); err != nil {
			return err
		}
		planned, err = one(ctx, tx, scanErasure, insertErasure, e.ID, e.CustomerID, e.Pseudonym, e.Version, string(held), record.ActorText(e.Actor), micros(tx.now))
		return err
	})
	return planned, wrap(err, "plan an erasure of %s", e.CustomerID)
}

const selectErasure = `SELECT ` + erasureColumns + ` FROM erasures WHERE id = $1 AND (erased_at IS NOT NULL OR planned_at >= $2)`

// Erasure returns a plan, or what was carried out.
func (s erasures) Erasure(ctx context.Context, id string) (record.Erasure, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no preview %q of an erasure; they are kept for a day", id)
	e, err := one(ctx, s.reader, scanErasure, selectErasure, id, ago(s.now(), record.ErasurePlanLife))
	return e, wrap(orMissing(err, missing), "read an erasure")
}

const (
	// The signal lets the guards pass; references are checked at the commit.
	beginErasing  = `INSERT INTO signals (name) VALUES ('erasing') ON CONFLICT DO NOTHING`
	endErasing    = `DELETE FROM signals WHERE name = 'erasing'`
	checkLate     = `PRAGMA defer_foreign_keys = 1`
	finishErasure = `
UPDATE erasures SET customer_id = $2, held = $3, actor = $4, reason = $5, erased_at = $6
WHERE id = $1 AND erased_at IS NULL RETURNING ` + erasureColumns
)

// Erase carries a plan out, as far as nothing has happened since. One that was carried out
// stays as it was.
func (s erasures) Erase(ctx context.Context, e record.Erasure) (done record.Erasure, err error) {
	err = s.writeAlone(ctx, func(ctx context.Context, tx *transaction) error {
		found, err := one(ctx, tx, scanErasure, selectErasure, e.ID, ago(tx.now, record.ErasurePlanLife))
		switch {
		case err != nil:
			return orMissing(err, curfew.Errorf(curfew.Conflict, "preview %s has gone: preview again", e.ID))
		case !found.ErasedAt.IsZero():
			done = found
			return nil
		}
		held, err := heldOf(ctx, tx, e.CustomerID)
		if err == nil {
			err = held.Permit(e)
		}
		if err == nil {
			err = tx.erase(ctx, e, held)
		}
		if err != nil {
			return err
		}
		rows, err := json.Marshal(held.Rows)
		if err != nil {
			return err
		}
		done, err = one(ctx, tx, scanErasure, finishErasure, e.ID, e.Becomes(), string(rows), record.ActorText(e.Actor), e.Reason, micros(tx.now))
		return err
	})
	return done, wrap(err, "erase customer %s", e.CustomerID)
}

const (
	eraseCheckout = `UPDATE checkouts SET email = '', name = '', metadata = $3, note = $4 WHERE customer_id = $1 AND id = $2`
	eraseWords    = `UPDATE events SET actor = $4, reason = $5 WHERE customer_id = $1 AND actor = $2 AND reason = $3`
	deleteHash    = `DELETE FROM unsubscriptions WHERE address_hash = $1`
	// erasePreviews looks for the id as JSON writes it.
	erasePreviews = `DELETE FROM previews WHERE instr(body, $1) > 0`
	// eraseJobs deletes what was asked of the customer alone, and what has ended and names them.
	eraseJobs     = `DELETE FROM jobs WHERE instr(body, $1) > 0 OR (state <> 'running' AND instr(result || error, $1) > 0)`
	deletePlansOf = `DELETE FROM erasures WHERE customer_id = $1 AND erased_at IS NULL AND id <> $2`
)

var (
	// erase is what goes whatever becomes of the id.
	erase = []string{
		`UPDATE session_requests SET customer_name = '' WHERE customer_id = $1 AND customer_name <> ''`,
		`UPDATE runs SET reason = 'erased' WHERE reason <> ''
    AND id IN (SELECT run_id FROM events WHERE customer_id = $1 AND run_id IS NOT NULL)`,
		`DELETE FROM jobs WHERE state <> 'running'
    AND run_id IN (SELECT run_id FROM events WHERE customer_id = $1 AND run_id IS NOT NULL)`,
		`DELETE FROM deliveries WHERE customer_id = $1`,
		`DELETE FROM idempotency_keys WHERE customer_id = $1`,
		`DELETE FROM quarantine WHERE customer_id = $1`,
		`DELETE FROM sign_ins WHERE role = 'customer' AND subject = $1`,
		`DELETE FROM approvals WHERE customer_id = $1 AND state = 'pending'`,
		`UPDATE approvals SET body = '{}', summary = 'erased', note = '' WHERE customer_id = $1`,
		eraseAudit,
	}
	// eraseMentions is what names the customer elsewhere.
	eraseMentions = []string{
		`UPDATE runs SET reason = 'erased' WHERE instr(lower(reason), lower($1)) > 0`,
		`UPDATE runs SET error = 'erased' WHERE instr(lower(error), lower($1)) > 0`,
		`DELETE FROM jobs WHERE state <> 'running' AND instr(lower(body || result || error), lower($1)) > 0`,
		`UPDATE acknowledgements SET reason = 'erased' WHERE instr(lower(reason), lower($1)) > 0`,
		`UPDATE payment_differences SET detail = 'erased' WHERE instr(lower(detail), lower($1)) > 0`,
		`UPDATE payment_facts SET reason = '' WHERE instr(lower(reason), lower($1)) > 0`,
		`UPDATE provider_messages SET body = '' WHERE instr(lower(body), lower($1)) > 0`,
		`UPDATE provider_messages SET reason = 'erased' WHERE instr(lower(reason), lower($1)) > 0`,
	}
	// replaceID is what has the id as its key, or a part of it.
	replaceID = []string{
		`UPDATE sessions SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE session_requests SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE payment_refs SET customer_id = $2
    WHERE customer_id = $1 AND checkout_id IN (SELECT coalesce(line_of, id) FROM checkouts WHERE customer_id = $1)`,
		`UPDATE checkouts SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE events SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE refusals SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE absences SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE approvals SET customer_id = $2, target = CASE target WHEN $1 THEN $2 ELSE target END WHERE customer_id = $1`,
		`UPDATE erasures SET customer_id = $2 WHERE customer_id = $1 AND erased_at IS NOT NULL`,
	}
	deleteRevoked = `DELETE FROM revocations WHERE noun = 'subject' AND name = 'customer:' || $1`
)

// write is a statement with its arguments.
type write struct {
	sql  string
	args []any
}

func (tx *transaction) erase(ctx context.Context, e record.Erasure, held record.Held) error {
	for _, w := range append(append([]write{{sql: checkLate}, {sql: beginErasing}}, erasing(e, held)...), write{sql: endErasing}) {
		if _, err := tx.exec(ctx, w.sql, w.args...); err != nil {
			return err
		}
	}
	return nil
}

func erasing(e record.Erasure, held record.Held) (all []write) {
	add := func(sql string, args ...any) { all = append(all, write{sql, args}) }
	for _, sql := range erase {
		add(sql, e.CustomerID)
	}
	for _, c := range held.Checkouts {
		c = record.ErasedCheckout(c)
		metadata, _ := object(c.Metadata) // texts can be written
		add(eraseCheckout, c.CustomerID, c.ID, metadata, c.Note)
	}
	for was, is := range held.ErasedWords(e) {
		add(eraseWords, e.CustomerID, was.Actor, was.Reason, is.Actor, is.Reason)
	}
	for _, address := range held.Emails() {
		add(deleteHash, record.AddressHash(address))
	}
	for _, name := range held.Identifiers(e) {
		for _, sql := range eraseMentions {
			add(sql, name)
		}
	}
	add(deletePlansOf, e.CustomerID, e.ID)
	if e.Pseudonym == "" {
		return all
	}
	add(erasePreviews, record.Quoted(e.CustomerID))
	add(eraseJobs, record.Quoted(e.CustomerID))
	add(deleteRevoked, e.CustomerID)
	for _, sql := range replaceID {
		add(sql, e.CustomerID, e.Becomes())
	}
	return all
}

const selectQuiet = `
SELECT k.customer_id,
    NOT EXISTS (SELECT 1 FROM events e WHERE e.customer_id = k.customer_id AND e.at >= $2),
    EXISTS (SELECT 1 FROM erasures x WHERE x.customer_id = k.customer_id
        AND x.erased_at >= (SELECT max(e.at) FROM events e WHERE e.customer_id = k.customer_id))
FROM (SELECT DISTINCT customer_id FROM checkouts WHERE customer_id > $1 ORDER BY customer_id LIMIT $3) k ORDER BY k.customer_id`

// Quiet looks at the next customers who have a checkout, in order.
func (s erasures) Quiet(ctx context.Context, q record.QuietSearch) ([]record.QuietCustomer, error) {
	all, err := many(ctx, s.reader, func(r row) (c record.QuietCustomer, err error) {
		return c, r.Scan(&c.ID, flag(&c.Quiet), flag(&c.Erased))
	}, selectQuiet, q.After, ago(s.now(), q.For), q.Limit)
	return all, wrap(err, "look for quiet customers")
}
