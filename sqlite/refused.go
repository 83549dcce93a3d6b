package sqlite

import (
	"context"

	"github.com/curfewhq/curfew/internal/record"
)

// refusedMessages counts messages that were not accepted.
type refusedMessages struct{ *db }

const (
	upsertRefused = `
INSERT INTO refused_messages (provider, reason, count, first_at, last_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (provider, reason) DO UPDATE SET
    count = excluded.count + CASE WHEN refused_messages.last_at < $5 THEN 0 ELSE refused_messages.count END,
    first_at = CASE WHEN refused_messages.last_at < $5 THEN excluded.first_at ELSE refused_messages.first_at END, last_at = excluded.last_at`
	selectRefused = `
SELECT provider, reason, count, first_at, last_at FROM refused_messages WHERE last_at >= CASE WHEN reason = $2 THEN $3 ELSE $1 END ORDER BY provider, reason`
)

// CountRefused adds messages that were refused for one reason.
func (s refusedMessages) CountRefused(ctx context.Context, provider, reason string, n int64) error {
	_, err := s.exec(ctx, upsertRefused, provider, reason, n, fromNow(0), fromNow(-record.WindowOf(reason)))
	return wrap(err, "count refused messages of %s", provider)
}

// RefusedMessages returns those that matter.
func (s refusedMessages) RefusedMessages(ctx context.Context) ([]record.RefusedMessages, error) {
	all, err := many(ctx, s.db, scanRefused, selectRefused, ago(s.now(), record.RefusedWindow), record.Unusable, ago(s.now(), record.UnusableWindow))
	return all, wrap(err, "list the refused messages")
}

func scanRefused(r row) (record.RefusedMessages, error) {
	var m record.RefusedMessages
	err := r.Scan(&m.Provider, &m.Reason, &m.Count, moment(&m.FirstAt), moment(&m.LastAt))
	return m, err
}
