package adopt

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Drift is a row whose mirror is wrong without another finding that explains it.
type Drift struct {
	ID     string // theirs
	Detail string
}

// Verify compares every row with its mirror in one snapshot, and records a finding for each
// difference. With repair, it mirrors these rows again, except those that others hold.
func (t table) Verify(ctx context.Context, repair bool) ([]Drift, error) {
	r, err := readingOf(ctx, t.pool, t.Table, t.policy)
	if err != nil {
		return nil, t.wrap(err, "verify")
	}
	all, err := t.compare(ctx, r)
	if err == nil {
		err = t.keep(ctx, all)
	}
	if err == nil && repair {
		err = t.mend(ctx, r, all)
	}
	return all, t.wrap(err, "verify")
}

// mirror mirrors open rows that have no mirror.
func (t table) mirror(ctx context.Context, r reading) error {
	all, err := t.compare(ctx, r)
	if err != nil {
		return err
	}
	return t.mend(ctx, r, all)
}

// compared lists the differences between a row r and its mirror o.
const compared = `concat_ws('; ',
		CASE WHEN o.status <> r.status THEN format('it is %s, its mirror %s', r.status, o.status) END,
		CASE WHEN o.adopted_word <> r.word THEN format('its status is %s, its mirror''s %s', r.word, o.adopted_word) END,
		CASE WHEN o.customer_id <> r.customer_id THEN format('its customer is %s, its mirror''s %s', r.customer_id, o.customer_id) END,
		CASE WHEN o.mechanic_id IS DISTINCT FROM r.mechanic_id THEN
			format('its mechanic is %s, its mirror''s %s', coalesce(r.mechanic_id, 'nobody'), coalesce(o.mechanic_id, 'nobody')) END,
		CASE WHEN o.plan <> r.plan THEN format('its plan is %s, its mirror''s %s', r.plan, o.plan) END,
		CASE WHEN o.duration_seconds <> r.duration_seconds THEN format('it lasts %s s, its mirror %s s', r.duration_seconds, o.duration_seconds) END,
		CASE WHEN o.starts_at <> r.starts_at THEN format('it starts at %s, its mirror at %s', r.starts_at, o.starts_at) END,
		CASE WHEN o.expires_at <> r.expires_at THEN format('its deadline is %s, its mirror''s %s', r.expires_at, o.expires_at) END)`

// compare finds the rows whose mirrors differ, except those with a finding that explains why.
func (t table) compare(ctx context.Context, r reading) ([]Drift, error) {
	sql := `SELECT d.id, d.detail FROM (
			SELECT coalesce(r.adopted_id, o.adopted_id) AS id, CASE WHEN o.id IS NULL THEN 'it is open and has no mirror'
				WHEN r.adopted_id IS NULL THEN 'it is not open, and its mirror is' ELSE ` + compared + ` END AS detail
			FROM (SELECT (w.r).* FROM (SELECT ` + r.row("t") + ` AS r FROM ` + r.Relation + ` t
					WHERE ` + r.there("t") + ` AND ` + r.word("t") + ` IN ` + list(r.Unended()) + ` AND ` + r.customer("t") + ` IS NOT NULL OFFSET 0) w
				WHERE (w.r).status IN ('scheduled', 'waiting', 'live')) r
			FULL JOIN (SELECT s.* FROM curfew.sessions s WHERE s.adopted_from = $1 AND s.status IN ('scheduled', 'waiting', 'live')) o ON o.adopted_id = r.adopted_id
		) d WHERE d.detail <> '' AND NOT EXISTS (SELECT FROM curfew.adoption_findings f
			WHERE f.name = $1 AND f.adopted_id = d.id AND f.code IN ('second_open', 'customer_unusable', 'unknown_status')) ORDER BY d.id`
	var all []Drift
	err := pgx.BeginTxFunc(ctx, t.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, r.nothingHidden(), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sql, r.Name)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Drift])
		return err
	})
	return all, unavailable(err)
}

// keep replaces the findings of drift with these, and forgets trigger failures that have not
// recurred.
func (t table) keep(ctx context.Context, all []Drift) error {
	ids, details := make([]string, len(all)), make([]string, len(all))
	for i, d := range all {
		ids[i], details[i] = d.ID, d.Detail
	}
	return t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM curfew.adoption_findings WHERE name = $1 AND code = 'drift' AND adopted_id <> ALL ($2)`, t.Name, ids)
		if err == nil {
			_, err = tx.Exec(ctx, forgetFailures, t.Name, 60)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `SELECT count(curfew.adopt_found($1, 'drift', k.id, k.detail)) FROM unnest($2::text[], $3::text[]) k (id, detail)`, t.Name, ids, details)
		}
		return err
	})
}

// mend mirrors rows again, in pages. A row is locked before its mirror.
func (t table) mend(ctx context.Context, r reading, all []Drift) error {
	its := r.column("t", r.ID)
	adopt := `SELECT curfew.adopt($2, $3, 'their row', NULL, NULL, array_agg(` + r.row("t") + `)) FROM (SELECT t.* FROM ` + r.Relation + ` t
		WHERE ` + its + ` = ANY ($1::text[]::` + r.idType() + `[]) AND ` + r.there("t") + ` AND ` + r.customer("t") + ` IS NOT NULL
		ORDER BY ` + its + ` FOR SHARE OF t SKIP LOCKED) t HAVING count(*) > 0`
	gone := `SELECT curfew.adopt_gone($2, $3, 'their row was deleted', NULL, array_agg(k.id)) FROM unnest($1::text[]) k (id)
		WHERE NOT EXISTS (SELECT FROM ` + r.Relation + ` t WHERE ` + its + ` = k.id::` + r.idType() + ` AND ` + r.there("t") + ` AND ` + r.customer("t") + ` IS NOT NULL) HAVING count(*) > 0`
	for some := range slices.Chunk(all, page) {
		ids := make([]string, len(some))
		for i, d := range some {
			ids[i] = d.ID
		}
		err := t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, r.nothingHidden(), pgx.QueryExecModeSimpleProtocol)
			for _, sql := range []string{adopt, gone} {
				if err == nil {
					_, err = tx.Exec(ctx, sql, ids, r.Name, "service:"+r.Name)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
