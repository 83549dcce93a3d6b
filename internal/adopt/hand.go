package adopt

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// mirrorPage is how many rows one transaction mirrors.
const mirrorPage = 500

// Only rows whose mirror would change are handed to curfew.adopt: after a restart they are few
// among many. Here and below, OFFSET 0 makes the planner look mirrors up one by one: while a table
// grows from nothing its statistics lag behind, and the planner would scan every mirror each time.
const (
	adoptRows = `WITH a AS MATERIALIZED (
			SELECT t.r::curfew.adopted_row AS r, t.n FROM unnest($2::text[]) WITH ORDINALITY t (r, n))
		SELECT coalesce(curfew.adopt($1, $3, 'their row', NULL, NULL, array_agg(a.r ORDER BY (a.r).status = 'live' DESC, a.n)), 0)
		FROM a LEFT JOIN LATERAL (SELECT s.* FROM curfew.sessions s
			WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.adopted_id = (a.r).adopted_id AND s.ended_at IS NULL OFFSET 0) s ON true
		WHERE s.id IS NULL OR (s.status, s.customer_id, s.adopted_word, s.mechanic_id, s.plan, s.duration_seconds, s.starts_at, s.expires_at)
			IS DISTINCT FROM ((a.r).status, (a.r).customer_id, (a.r).word, (a.r).mechanic_id, coalesce((a.r).plan, s.plan),
				coalesce((a.r).duration_seconds, s.duration_seconds), coalesce((a.r).starts_at, s.starts_at), coalesce((a.r).expires_at, s.expires_at))`
	selectMirrored = `SELECT s.adopted_id FROM unnest($2::text[]) k (id), LATERAL (SELECT s.adopted_id FROM curfew.sessions s
		WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.adopted_id = k.id AND s.ended_at IS NULL OFFSET 0) s`
	goneRows     = `SELECT curfew.adopt_gone($1, $3, 'their row is gone', NULL, $2)`
	foundBroken  = `SELECT curfew.adopt_found($1, 'unusable', $2, $3)`
	forgetBroken = `DELETE FROM curfew.adoption_findings WHERE name = $1 AND code = 'unusable' AND adopted_id = ANY ($2)`
)

// actor is the actor of changes to the table's mirrors.
func (p *poller) actor() string { return "service:" + p.Name }

// mirror hands rows to Curfew's database, in pages.
func (p *poller) mirror(ctx context.Context, rows []theirRow) error {
	for page := range slices.Chunk(rows, mirrorPage) {
		if err := p.mirrorPage(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// mirrorPage mirrors rows. If a row makes that fail, it retries each half until that row is alone
// and becomes a finding.
func (p *poller) mirrorPage(ctx context.Context, page []theirRow) error {
	mirrored, changed, err := p.adopt(ctx, page)
	switch {
	case err == nil:
		p.remember(page, mirrored, changed)
		return nil
	case !ofRow(err):
		return err
	case len(page) == 1:
		p.remember(page, nil, 0)
		return p.owning(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, foundBroken, p.Name, page[0].id, reasonOf(err))
			return err
		})
	}
	for half := range slices.Chunk(page, (len(page)+1)/2) {
		if err := p.mirrorPage(ctx, half); err != nil {
			return err
		}
	}
	return nil
}

// ofRow reports whether an error is caused by a row's values, so that retrying would not help.
func ofRow(err error) bool {
	class := code(err)
	return strings.HasPrefix(class, "22") || strings.HasPrefix(class, "23") || class == "P0001"
}

// adopt mirrors rows, and returns which of them have an open mirror afterwards.
func (p *poller) adopt(ctx context.Context, page []theirRow) (mirrored map[string]bool, changed int, err error) {
	ids, texts := make([]string, len(page)), make([]string, len(page))
	for i, row := range page {
		ids[i], texts[i] = row.id, row.text
	}
	err = p.owning(ctx, func(ctx context.Context, tx pgx.Tx) error {
		n, err := collect(ctx, tx, pgx.RowTo[int], adoptRows, p.Name, texts, p.actor())
		if err != nil {
			return err
		}
		open, err := collect(ctx, tx, pgx.RowTo[string], selectMirrored, p.Name, ids)
		if err != nil {
			return err
		}
		if mirrored = make(map[string]bool, len(open)); len(n) == 1 {
			changed = n[0]
		}
		for _, id := range open {
			mirrored[id] = true
		}
		if _, err := tx.Exec(ctx, forgetBroken, p.Name, ids); err != nil {
			return err
		}
		return p.became(ctx, tx, ids)
	})
	return mirrored, changed, err
}

// remember records what was mirrored, except rows that have ended.
func (p *poller) remember(page []theirRow, mirrored map[string]bool, changed int) {
	p.changed = p.changed || changed > 0
	for _, row := range page {
		delete(p.refused, row.id)
		switch {
		case row.open() && !mirrored[row.id]:
			p.refused[row.id] = row.customer
			p.known[row.id] = row.text
		case row.open(), row.status == "":
			p.known[row.id] = row.text
		default:
			delete(p.known, row.id)
		}
	}
}

// mirrorGone ends the mirrors of rows that no longer exist.
func (p *poller) mirrorGone(ctx context.Context, ids []string) error {
	for page := range slices.Chunk(ids, mirrorPage) {
		err := p.owning(ctx, func(ctx context.Context, tx pgx.Tx) error {
			n, err := collect(ctx, tx, pgx.RowTo[int], goneRows, p.Name, page, p.actor())
			p.changed = p.changed || len(n) == 1 && n[0] > 0
			if err != nil {
				return err
			}
			return p.became(ctx, tx, page)
		})
		if err != nil {
			return err
		}
		for _, id := range page {
			delete(p.known, id)
			delete(p.refused, id)
		}
	}
	return nil
}

const selectFree = `SELECT r.id FROM unnest($1::text[], $2::text[]) r (id, customer)
	WHERE NOT EXISTS (SELECT FROM curfew.sessions o WHERE o.customer_id = r.customer AND o.status IN ('waiting', 'live'))`

// free returns which of the rows that could not be mirrored can be now, because their customer's
// other session has ended. It queries only when that may have happened, or if all is set.
func (p *poller) free(ctx context.Context, all bool) (map[string]bool, error) {
	if len(p.refused) == 0 || !p.changed && !all {
		return nil, nil
	}
	ids, customers := make([]string, 0, len(p.refused)), make([]string, 0, len(p.refused))
	for id, customer := range p.refused {
		ids, customers = append(ids, id), append(customers, customer)
	}
	var free map[string]bool
	err := p.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, err := collect(ctx, tx, pgx.RowTo[string], selectFree, ids, customers)
		free = make(map[string]bool, len(found))
		for _, id := range found {
			free[id] = true
		}
		return err
	})
	return free, err
}
