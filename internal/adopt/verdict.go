package adopt

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// A verdict records a session that would have been ended when its deadline passed if its table had
// been enforced. Its rule follows from what the session was waiting for.
const (
	ruleOf = `CASE WHEN s.status = 'scheduled' THEN 'missed' WHEN s.status = 'live' THEN 'overran'
		WHEN s.mechanic_id IS NULL THEN 'expired' ELSE 'no_show' END`
	insertVerdicts = `INSERT INTO curfew.adoption_verdicts (name, session_id, adopted_id, reason, deadline)
		SELECT s.adopted_from, s.id, s.adopted_id, ` + ruleOf + `, s.expires_at FROM `
	isOverdue = ` WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.expires_at < now() AND ` + ruleOf + ` = ANY ($2)`
	// Deadlines that passed since the last time. Rows that changed are judged with the change.
	judgeLate = insertVerdicts + `curfew.sessions s` + isOverdue + `
		AND s.status IN ('scheduled', 'waiting', 'live') AND s.expires_at >= $3 ON CONFLICT DO NOTHING`
	judgeRows = insertVerdicts + `unnest($3::text[]) k (id), LATERAL (SELECT s.* FROM curfew.sessions s
		WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.adopted_id = k.id AND s.ended_at IS NULL OFFSET 0) s` + isOverdue + ` ON CONFLICT DO NOTHING`
	becameWhat = `CASE WHEN v.reason IN ('expired', 'no_show', 'missed') AND s.status IN ('live', 'completed')
			OR v.reason = 'expired' AND s.mechanic_id IS NOT NULL OR v.reason = 'missed' AND s.status = 'waiting' THEN 'lived'
		WHEN s.ended_at IS NOT NULL THEN 'ended' WHEN s.expires_at > now() THEN 'moved' ELSE v.became END`
	judgeBecame = `WITH b AS MATERIALIZED (
			SELECT v.session_id, v.reason, v.became AS was, ` + becameWhat + ` AS became
			FROM unnest($2::text[]) k (id),
				LATERAL (SELECT s.* FROM curfew.sessions s WHERE s.adopted_from = $1 AND s.adopted_from <> '' AND s.adopted_id = k.id OFFSET 0) s,
				LATERAL (SELECT v.* FROM curfew.adoption_verdicts v
					WHERE v.name = $1 AND v.session_id = s.id AND v.became IN ('', 'moved') OFFSET 0) v)
		UPDATE curfew.adoption_verdicts v SET became = b.became, became_at = now()
		FROM b WHERE v.name = $1 AND v.session_id = b.session_id AND v.reason = b.reason AND b.became <> b.was`
)

// lookBack covers deadlines that passed while the previous ones were being judged.
const lookBack = 10 * time.Second

// judge records what would have been ended since the last time.
func (p *poller) judge(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, judgeLate, p.Name, endings(p.Table), p.judged); err != nil {
		return err
	}
	p.judged = p.claim.Add(-lookBack)
	return nil
}

// became records what became of changed rows, and judges those that are already overdue.
func (p *poller) became(ctx context.Context, tx pgx.Tx, ids []string) error {
	if _, err := tx.Exec(ctx, judgeBecame, p.Name, ids); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, judgeRows, p.Name, endings(p.Table), ids)
	return err
}

// endings lists the reasons for which the mapping has an ending.
func endings(t mapping.Table) []string {
	all := []string{}
	for _, reason := range mapping.Reasons() {
		if mapped(t, reason) {
			all = append(all, string(reason))
		}
	}
	return all
}
