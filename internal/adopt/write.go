package adopt

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// writing is a transaction that writes rows of a table whose triggers mirror them.
type writing struct {
	reading
	tx       pgx.Tx
	requests Columns // of the table of requests
}

// writing compiles the mapping against the tables as they are now. It returns Unavailable if
// triggers are missing.
func (t table) writing(ctx context.Context, tx pgx.Tx) (*writing, error) {
	r, requests, err := readingsOf(ctx, tx, t.Table, t.policy)
	if err != nil {
		return nil, err
	}
	missing, err := t.missing(ctx, tx)
	if err == nil && len(missing) > 0 {
		err = curfew.Errorf(curfew.Unavailable, "%s is not enforced: it lacks the trigger %s (curfew adopt enforce %s)", t.Relation, missing[0], t.Name)
	}
	return &writing{r, tx, requests}, err
}

// as sets who writes and why, for the mirror's events. It makes the planner use key lookups, and
// turns hidden rows into an error instead of an empty result.
func (w *writing) as(ctx context.Context, by curfew.Actor, why string, ending curfew.EndReason, run string) error {
	_, err := w.tx.Exec(ctx, w.nothingHidden()+`; SELECT set_config('curfew.actor', $1, true), set_config('curfew.reason', $2, true),
		set_config('curfew.end_reason', $3, true), set_config('curfew.run_id', $4, true), set_config('enable_hashjoin', 'off', true),
		set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),
		set_config('jit', 'off', true)`, pgx.QueryExecModeSimpleProtocol, by.String(), why, string(ending), run)
	return err
}

// nothingHidden returns statements that fail if row-level security hides rows of the adopted tables
// from this role. Their locks keep the policies unchanged until the transaction ends. Row security
// is then on again, because later statements also read Curfew's own tables, whose policies show the
// service all rows.
func (r reading) nothingHidden() string {
	text := "SET LOCAL row_security = off; SELECT FROM " + r.Relation + " LIMIT 0"
	if r.Request != nil {
		text += "; SELECT FROM " + r.Request.Relation + " LIMIT 0"
	}
	return text + "; SET LOCAL row_security = on"
}

// order says what to write to which rows.
type order struct {
	ends      []key // of their mirrors
	set       assignment
	condition string // on row t and its mirror s, besides that both are as they were read
	mechanic  string // $4 of set and condition; empty: they have none
	closes    bool   // with the row's request
}

// write writes rows that nobody else holds, in two statements: the second one sees what happened
// before the lock was taken, and checks the conditions again.
func (w *writing) write(ctx context.Context, o order) ([]moved, error) {
	held, err := w.lock(ctx, o)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	if o.closes && w.Request != nil {
		if held, err = w.lockRequests(ctx, held); err != nil || len(held) == 0 {
			return nil, err
		}
	}
	o.ends = slices.DeleteFunc(slices.Clone(o.ends), func(k key) bool { return held[k.id] == "" })
	moved, err := w.update(ctx, o)
	if err != nil || len(moved) == 0 {
		return nil, err
	}
	if o.closes && w.Request != nil {
		if err := w.endRequests(ctx, moved); err != nil {
			return nil, err
		}
	}
	return moved, w.follow(ctx, moved)
}

// mirrors joins the mirrors s, found by key, with their rows t.
func (w *writing) mirrors() string {
	return `unnest($1::text[], $2::uuid[], $3::bigint[]) k (customer_id, id, version)
		JOIN curfew.sessions s ON s.customer_id = k.customer_id AND s.id = k.id AND s.version = k.version`
}

func (w *writing) its() string { return w.column("t", w.ID) + " = s.adopted_id::" + w.idType() }

func (o order) args() []any {
	customers, ids, versions := make([]string, len(o.ends)), make([]string, len(o.ends)), make([]int64, len(o.ends))
	for i, k := range o.ends {
		customers[i], ids[i], versions[i] = k.customer, k.id, k.version
	}
	if o.mechanic != "" {
		return []any{customers, ids, versions, o.mechanic}
	}
	return []any{customers, ids, versions}
}

// lock locks rows as an UPDATE does, so a transaction that only refers to one by a foreign key does
// not block it.
func (w *writing) lock(ctx context.Context, o order) (map[string]string, error) {
	sql := `SELECT s.id::text, s.adopted_id FROM ` + w.mirrors() + ` JOIN ` + w.Relation + ` t ON ` + w.its() + `
		WHERE ` + w.unmoved() + ` AND ` + o.condition + ` ORDER BY ` + w.column("t", w.ID) + ` FOR NO KEY UPDATE OF t SKIP LOCKED`
	rows, err := w.tx.Query(ctx, sql, o.args()...)
	if err != nil {
		return nil, err
	}
	held := map[string]string{}
	var session, id string
	_, err = pgx.ForEachRow(rows, []any{&session, &id}, func() error { held[session] = id; return nil })
	return held, err
}

// lockRequests locks the requests of rows, and drops rows whose requests others hold: a transaction
// that accepts a request and then its session locks in the opposite order.
func (w *writing) lockRequests(ctx context.Context, held map[string]string) (map[string]string, error) {
	sql := `WITH mine AS MATERIALIZED (SELECT q.ctid FROM ` + w.Request.Relation + ` q WHERE ` + w.requestsOf() + ` FOR NO KEY UPDATE SKIP LOCKED)
		SELECT ` + w.requestSession() + `::text FROM ` + w.Request.Relation + ` q
		WHERE ` + w.requestsOf() + ` AND NOT EXISTS (SELECT FROM mine WHERE mine.ctid = q.ctid)`
	var ids []string
	for _, id := range held {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	rows, err := w.tx.Query(ctx, sql, ids)
	if err != nil {
		return nil, err
	}
	others, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for session, id := range held {
		if slices.Contains(others, id) {
			delete(held, session)
		}
	}
	return held, err
}

func (w *writing) requestSession() string { return "q." + name(w.Request.Session) }

func (w *writing) requestsOf() string {
	return w.requestSession() + " = ANY ($1::text[]::" + w.requests.comparable(w.Request.Session) + "[]) AND " + w.pending()
}

// update writes the rows that are still as they were read, and returns them under their mirrors'
// ids.
func (w *writing) update(ctx context.Context, o order) ([]moved, error) {
	sql := `UPDATE ` + w.Relation + ` t SET ` + o.set.String() + ` FROM ` + w.mirrors() + `
		WHERE ` + w.its() + ` AND ` + w.unmoved() + ` AND ` + o.condition + ` RETURNING s.id::text, s.customer_id, s.adopted_id, s.expires_at`
	rows, err := w.tx.Query(ctx, sql, o.args()...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (m moved, err error) {
		err = r.Scan(&m.ID, &m.CustomerID, &m.theirs, (*moment)(&m.deadline))
		return m, err
	})
}

func (w *writing) endRequests(ctx context.Context, all []moved) error {
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.theirs
	}
	_, err := w.tx.Exec(ctx, `UPDATE `+w.Request.Relation+` q SET `+w.setsRequest(w.requests).String()+` WHERE `+w.requestsOf(), ids)
	return err
}

// selectMirrors reads sessions with their open request, or else their newest one.
const selectMirrors = `SELECT s.id, s.customer_id, s.mechanic_id, s.plan, s.kind, s.duration_seconds, s.status, s.version, s.created_at, s.starts_at,
		s.expires_at, s.accepted_at, s.started_at, s.ended_at, s.end_reason, s.revives,
		r.id, r.mechanic_id, r.customer_name, r.status, r.created_at, coalesce(r.ended_at = now(), false), now()
	FROM unnest($1::text[], $2::uuid[]) k (customer_id, id) JOIN curfew.sessions s ON s.customer_id = k.customer_id AND s.id = k.id
		LEFT JOIN LATERAL (SELECT q.* FROM curfew.session_requests q
			WHERE q.customer_id = s.customer_id AND q.session_id = s.id AND (q.status IN ('pending', 'accepted') OR s.status IN ('completed', 'cancelled'))
			ORDER BY q.status IN ('pending', 'accepted') DESC, q.created_at DESC, q.id DESC LIMIT 1) r ON true`

// follow reads the mirrors as the triggers left them.
func (w *writing) follow(ctx context.Context, all []moved) error {
	customers, ids, at := make([]string, len(all)), make([]string, len(all)), map[string]int{}
	for i, m := range all {
		customers[i], ids[i], at[m.ID] = m.CustomerID, m.ID, i
	}
	rows, err := w.tx.Query(ctx, selectMirrors, customers, ids)
	if err != nil {
		return err
	}
	var m moved
	_, err = pgx.ForEachRow(rows, m.fields(), func() error {
		i := at[m.ID]
		m.Request.SessionID, m.Request.CustomerID = m.ID, m.CustomerID
		if m.Request.ID == "" {
			m.Request = curfew.Request{}
		}
		m.theirs, m.deadline = all[i].theirs, all[i].deadline
		all[i] = m
		return nil
	})
	return err
}

func (m *moved) fields() []any {
	return []any{
		(*text)(&m.ID), (*text)(&m.CustomerID), (*text)(&m.MechanicID), (*text)(&m.Plan), (*text)(&m.Kind), (*length)(&m.Duration), (*text)(&m.Status),
		&m.Version, (*moment)(&m.CreatedAt), (*moment)(&m.StartsAt), (*moment)(&m.ExpiresAt), (*moment)(&m.AcceptedAt), (*moment)(&m.StartedAt),
		(*moment)(&m.EndedAt), (*text)(&m.EndReason), (*text)(&m.Revives), (*text)(&m.Request.ID), (*text)(&m.Request.MechanicID),
		(*text)(&m.Request.CustomerName), (*text)(&m.Request.Status), (*moment)(&m.Request.CreatedAt), &m.requestEnded, (*moment)(&m.Now),
	}
}
