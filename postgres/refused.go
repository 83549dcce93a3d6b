package postgres

import (
	"context"

	"github.com/curfewhq/curfew/internal/record"
)

// refusedMessages counts messages that were not accepted.
type refusedMessages struct{ *db }

const (
	upsertRefused = `INSERT INTO curfew.refused_messages AS m (provider, reason, count) VALUES ($1, $2, $3)
		ON CONFLICT (provider, reason) DO UPDATE SET
			count = excluded.count + CASE WHEN m.last_at < now() - $4::interval THEN 0 ELSE m.count END,
			first_at = CASE WHEN m.last_at < now() - $4::interval THEN now() ELSE m.first_at END, last_at = now()`
	selectRefused = `SELECT provider, reason, count, first_at, last_at FROM curfew.refused_messages
	WHERE last_at >= now() - CASE WHEN reason = $2 THEN $3::interval ELSE $1::interval END ORDER BY provider, reason`
)

// CountRefused adds messages that were refused for one reason.
func (s refusedMessages) CountRefused(ctx context.Context, provider, reason string, n int64) error {
	_, err := s.exec(ctx, upsertRefused, provider, reason, n, record.WindowOf(reason))
	return wrap(err, "count refused messages of %s", provider)
}

// RefusedMessages returns those that matter.
func (s refusedMessages) RefusedMessages(ctx context.Context) ([]record.RefusedMessages, error) {
	all, err := many(ctx, s.db, scanRefused, selectRefused, record.RefusedWindow, record.Unusable, record.UnusableWindow)
	return all, wrap(err, "list the refused messages")
}

func scanRefused(r row) (record.RefusedMessages, error) {
	var m record.RefusedMessages
	err := r.Scan(&m.Provider, &m.Reason, &m.Count, (*moment)(&m.FirstAt), (*moment)(&m.LastAt))
	return m, err
}
