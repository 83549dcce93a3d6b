package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// erasures reads all that is held of a customer, and erases what is personal of it.
type erasures struct{ *db }

// Personal returns all rows that are held of a customer, as of one moment.
func (s erasures) Personal(ctx context.Context, customerID string) (all []record.PersonalRows, err error) {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) error {
		all = nil
		if _, err := tx.Exec(ctx, byKey); err != nil {
			return err
		}
		for _, t := range record.PersonalTables() {
			found := record.PersonalRows{Table: t.Table}
			for row, err := range rowsOf(ctx, tx, t.Table, t.Of, customerID) {
				if err != nil {
					return err
				}
				found.Rows = append(found.Rows, row)
			}
			all = append(all, found)
		}
		return nil
	})
	return all, wrap(translate(err), "read what is held of %s", customerID)
}

const (
	selectUnendedOf   = `SELECT s.id, s.status FROM curfew.sessions s WHERE s.customer_id = $1 AND ` + notEnded + ` ORDER BY s.created_at, s.id`
	selectWordsOf     = `SELECT DISTINCT e.actor, e.reason FROM curfew.events e WHERE e.customer_id = $1`
	selectHeldVersion = `SELECT count(*) FROM curfew.events e WHERE e.customer_id = $1`
	countHeld         = `SELECT 'sessions', count(*) FROM curfew.sessions WHERE customer_id = $1
	UNION ALL SELECT 'session_requests', count(*) FROM curfew.session_requests WHERE customer_id = $1
	UNION ALL SELECT 'checkouts', count(*) FROM curfew.checkouts WHERE customer_id = $1
	UNION ALL SELECT 'events', count(*) FROM curfew.events WHERE customer_id = $1
	UNION ALL SELECT 'deliveries', count(*) FROM curfew.deliveries WHERE customer_id = $1
	UNION ALL SELECT 'undelivered', count(*) FROM curfew.deliveries WHERE customer_id = $1 AND state || '' = 'pending'
	UNION ALL SELECT 'idempotency_keys', count(*) FROM curfew.idempotency_keys WHERE customer_id = $1
	UNION ALL SELECT 'refusals', count(*) FROM curfew.refusals WHERE customer_id = $1
	UNION ALL SELECT 'sign_ins', count(*) FROM curfew.sign_ins WHERE role = 'customer' AND subject = $1`
)

// Held returns what an erasure of a customer decides by.
func (s erasures) Held(ctx context.Context, customerID string) (held record.Held, err error) {
	err = s.send(ctx, func(b *pgx.Batch) { queueHeld(b, customerID, "", &held) })
	return held, wrap(err, "read what is held of %s", customerID)
}

func queueHeld(b *pgx.Batch, customerID, lock string, held *record.Held) {
	*held = record.Held{Rows: map[string]int64{}}
	b.Queue(selectUnendedOf+lock, customerID).Query(all(&held.Unended, func(r row) (s curfew.Session, err error) {
		return s, r.Scan((*text)(&s.ID), (*text)(&s.Status))
	}))
	b.Queue(selectCheckoutsOf+lock, customerID).Query(all(&held.Checkouts, scanCheckout))
	b.Queue(selectWordsOf, customerID).Query(all(&held.Words, func(r row) (w record.Words, err error) { return w, r.Scan(&w.Actor, &w.Reason) }))
	b.Queue(selectHeldVersion, customerID).QueryRow(func(row pgx.Row) error { return row.Scan(&held.Version) })
	b.Queue(countHeld, customerID).Query(func(rows pgx.Rows) error {
		var table string
		var n int64
		_, err := pgx.ForEachRow(rows, []any{&table, &n}, func() error { held.Rows[table] = n; return nil })
		return err
	})
}

const (
	erasureColumns = `id, customer_id, pseudonym, version, held, actor, reason, planned_at, erased_at`
	deleteOldPlans = `DELETE FROM curfew.erasures WHERE erased_at IS NULL AND planned_at < now() - $1::interval`
	insertErasure  = `INSERT INTO curfew.erasures (id, customer_id, pseudonym, version, held, actor) VALUES ($1, $2, $3, $4, $5, $6)
	RETURNING ` + erasureColumns
)

func scanErasure(r row) (record.Erasure, error) {
	var e record.Erasure
	var held []byte
	var actor string
	err := r.Scan((*text)(&e.ID), &e.CustomerID, &e.Pseudonym, &e.Version, &held, &actor, &e.Reason, (*moment)(&e.PlannedAt), (*moment)(&e.ErasedAt))
	e.Actor = record.ParseActor(actor)
	if err == nil {
		err = json.Unmarshal(held, &e.Held)
	}
	return e, err
}

// PlanErasure writes a plan, and forgets those that nobody carried out in time.
func (s erasures) PlanErasure(ctx context.Context, e record.Erasure) (planned record.Erasure, err error) {
	err = s.send(ctx, func(b *pgx.Batch) {
		b.Queue(deleteOldPlans, record.ErasurePlanLife)
		b.Queue(insertErasure, e.ID, e.CustomerID, e.Pseudonym, e.Version, e.Held, record.ActorText(e.Actor)).Query(into(&planned, scanErasure))
	})
	return planned, wrap(err, "plan an erasure of %s", e.CustomerID)
}

const selectErasure = `SELECT ` + erasureColumns + ` FROM curfew.erasures WHERE id = $1 AND (erased_at IS NOT NULL OR planned_at >= now() - $2::interval)`

// Erasure returns a plan, or what was carried out.
func (s erasures) Erasure(ctx context.Context, id string) (record.Erasure, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no preview %q of an erasure; they are kept for a day", id)
	if !isID(id) {
		return record.Erasure{}, missing
	}
	e, err := one(ctx, s.db, scanErasure, selectErasure, id, record.ErasurePlanLife)
	return e, wrap(orMissing(err, missing), "read an erasure")
}

const (
	// An admission that commits meanwhile stays wholly outside: in a later snapshot, what it wrote would move in part.
	oneSnapshot  = `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`
	beginErasing = `SELECT set_config('curfew.erasing', 'on', true), set_config('curfew.adopting', 'on', true)`
	lockErasure  = selectErasure + ` FOR UPDATE`
	// Names are locked before checkouts, as when a payment is reported.
	lockNamesOfCustomer = `SELECT p.ref FROM curfew.payment_refs p
	WHERE p.checkout_id IN (SELECT coalesce(c.line_of, c.id) FROM curfew.checkouts c WHERE c.customer_id = $1) ORDER BY p.ref COLLATE "C" FOR UPDATE`
	finishErasure = `UPDATE curfew.erasures SET customer_id = $2, held = $3, actor = $4, reason = $5, erased_at = now()
	WHERE id = $1 AND erased_at IS NULL RETURNING ` + erasureColumns
)

// Erase carries a plan out, as far as nothing has happened since. One that was carried out
// stays as it was.
func (s erasures) Erase(ctx context.Context, e record.Erasure) (done record.Erasure, err error) {
	err = s.tx(ctx, func(t *transaction) error {
		var found []record.Erasure
		var held record.Held
		if err := t.send(ctx, func(b *pgx.Batch) {
			found = nil
			b.Queue(oneSnapshot)
			b.Queue(byKey)
			b.Queue(beginErasing)
			b.Queue(lockErasure, e.ID, record.ErasurePlanLife).Query(all(&found, scanErasure))
			b.Queue(lockNamesOfCustomer, e.CustomerID)
			queueHeld(b, e.CustomerID, ` FOR UPDATE`, &held)
		}); err != nil {
			return err
		}
		switch {
		case len(found) == 0:
			return curfew.Errorf(curfew.Conflict, "preview %s has gone: preview again", e.ID)
		case !found[0].ErasedAt.IsZero():
			done = found[0]
			return nil
		}
		if err := held.Permit(e); err != nil {
			return err
		}
		return t.send(ctx, func(b *pgx.Batch) {
			queueErasure(b, e, held)
			b.Queue(finishErasure, e.ID, e.Becomes(), held.Rows, record.ActorText(e.Actor), e.Reason).Query(into(&done, scanErasure))
		})
	})
	return done, wrap(err, "erase customer %s", e.CustomerID)
}

const (
	eraseCheckout = `UPDATE curfew.checkouts SET email = '', name = '', metadata = $3, note = $4 WHERE customer_id = $1 AND id = $2`
	eraseWords    = `UPDATE curfew.events SET actor = $4, reason = $5 WHERE customer_id = $1 AND actor = $2 AND reason = $3`
	deleteHash    = `DELETE FROM curfew.unsubscriptions WHERE address_hash = $1`
	// erasePreviews looks for the id as JSON writes it.
	erasePreviews = `DELETE FROM curfew.previews WHERE strpos(body::text, $1) > 0`
	// eraseJobs deletes what was asked of the customer alone, and what has ended and names them.
	eraseJobs     = `DELETE FROM curfew.jobs WHERE strpos(body, $1) > 0 OR (state <> 'running' AND strpos(result || error, $1) > 0)`
	deletePlansOf = `DELETE FROM curfew.erasures WHERE customer_id = $1 AND erased_at IS NULL AND id <> $2`
)

var (
	// erase is what goes whatever becomes of the id.
	erase = []string{
		`UPDATE curfew.session_requests SET customer_name = '' WHERE customer_id = $1 AND customer_name <> ''`,
		`UPDATE curfew.runs SET reason = 'erased' WHERE reason <> ''
			AND id IN (SELECT e.run_id FROM curfew.events e WHERE e.customer_id = $1 AND e.run_id IS NOT NULL)`,
		`DELETE FROM curfew.jobs WHERE state <> 'running'
			AND run_id IN (SELECT e.run_id FROM curfew.events e WHERE e.customer_id = $1 AND e.run_id IS NOT NULL)`,
		`DELETE FROM curfew.deliveries WHERE customer_id = $1`,
		`DELETE FROM curfew.idempotency_keys WHERE customer_id = $1`,
		`DELETE FROM curfew.quarantine WHERE customer_id = $1`,
		`DELETE FROM curfew.sign_ins WHERE role = 'customer' AND subject = $1`,
		`DELETE FROM curfew.approvals WHERE customer_id = $1 AND state = 'pending'`,
		`UPDATE curfew.approvals SET body = '{}', summary = 'erased', note = '' WHERE customer_id = $1`,
		eraseAudit,
	}
	// eraseMentions is what names the customer elsewhere.
	eraseMentions = []string{
		`UPDATE curfew.runs SET reason = 'erased' WHERE strpos(lower(reason), lower($1)) > 0`,
		`UPDATE curfew.runs SET error = 'erased' WHERE strpos(lower(error), lower($1)) > 0`,
		`DELETE FROM curfew.jobs WHERE state <> 'running' AND strpos(lower(body || result || error), lower($1)) > 0`,
		`UPDATE curfew.acknowledgements SET reason = 'erased' WHERE strpos(lower(reason), lower($1)) > 0`,
		`UPDATE curfew.payment_differences SET detail = 'erased' WHERE strpos(lower(detail), lower($1)) > 0`,
		`UPDATE curfew.payment_facts SET reason = '' WHERE strpos(lower(reason), lower($1)) > 0`,
		`UPDATE curfew.provider_messages SET body = '' WHERE strpos(lower(body), lower($1)) > 0`,
		`UPDATE curfew.provider_messages SET reason = 'erased' WHERE strpos(lower(reason), lower($1)) > 0`,
		`UPDATE curfew.adoption_findings SET detail = 'erased' WHERE strpos(lower(detail), lower($1)) > 0`,
	}
	// replaceID is what has the id as its key, or a part of it. Requests refer to their sessions, and both
	// move in one statement.
	replaceID = []string{
		`WITH moved AS (UPDATE curfew.sessions SET customer_id = $2 WHERE customer_id = $1)
			UPDATE curfew.session_requests SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE curfew.payment_refs SET customer_id = $2
			WHERE customer_id = $1 AND checkout_id IN (SELECT coalesce(c.line_of, c.id) FROM curfew.checkouts c WHERE c.customer_id = $1)`,
		`UPDATE curfew.checkouts SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE curfew.events SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE curfew.refusals SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE curfew.absences SET customer_id = $2 WHERE customer_id = $1`,
		`UPDATE curfew.approvals SET customer_id = $2, target = CASE target WHEN $1 THEN $2::text ELSE target END WHERE customer_id = $1`,
		`UPDATE curfew.erasures SET customer_id = $2 WHERE customer_id = $1 AND erased_at IS NOT NULL`,
	}
	deleteRevoked = `DELETE FROM curfew.revocations WHERE noun = 'subject' AND name = 'customer:' || $1::text`
)

func queueErasure(b *pgx.Batch, e record.Erasure, held record.Held) {
	for _, sql := range erase {
		b.Queue(sql, e.CustomerID)
	}
	for _, c := range held.Checkouts {
		c = record.ErasedCheckout(c)
		b.Queue(eraseCheckout, c.CustomerID, c.ID, c.Metadata, c.Note)
	}
	for was, is := range held.ErasedWords(e) {
		b.Queue(eraseWords, e.CustomerID, was.Actor, was.Reason, is.Actor, is.Reason)
	}
	for _, address := range held.Emails() {
		b.Queue(deleteHash, record.AddressHash(address))
	}
	for _, name := range held.Identifiers(e) {
		for _, sql := range eraseMentions {
			b.Queue(sql, name)
		}
	}
	b.Queue(deletePlansOf, e.CustomerID, e.ID)
	if e.Pseudonym == "" {
		return
	}
	b.Queue(erasePreviews, record.Quoted(e.CustomerID))
	b.Queue(eraseJobs, record.Quoted(e.CustomerID))
	b.Queue(deleteRevoked, e.CustomerID)
	for _, sql := range replaceID {
		b.Queue(sql, e.CustomerID, e.Becomes())
	}
}

// EXISTS would not do: the planner would hash the customers of all events. Nor would max(at), which it may read off the
// index of every event's time.
const selectQuiet = `SELECT k.customer_id,
		(SELECT true FROM curfew.events e WHERE e.customer_id = k.customer_id AND e.at >= now() - $2::interval LIMIT 1) IS NULL,
		EXISTS (SELECT FROM curfew.erasures x WHERE x.customer_id = k.customer_id
			AND x.erased_at >= (SELECT max(e.at + interval '0') FROM curfew.events e WHERE e.customer_id = k.customer_id))
	FROM (SELECT DISTINCT c.customer_id FROM curfew.checkouts c WHERE c.customer_id > $1 ORDER BY c.customer_id LIMIT $3) k ORDER BY k.customer_id`

// Quiet looks at the next customers who have a checkout, in order.
func (s erasures) Quiet(ctx context.Context, q record.QuietSearch) ([]record.QuietCustomer, error) {
	all, err := manyByKey(ctx, s.db, func(r row) (c record.QuietCustomer, err error) {
		return c, r.Scan(&c.ID, &c.Quiet, &c.Erased)
	}, selectQuiet, q.After, q.For, q.Limit)
	return all, wrap(err, "look for quiet customers")
}
