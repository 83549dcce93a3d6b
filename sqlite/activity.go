package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// activity counts recent changes of status.
type activity struct{ *db }

// One statement, so that all is of one moment: what stands in a status is in
// rows that go from it to itself.
const selectActivity = `
SELECT at / $3 AS step, from_status, to_status, count(*) FROM events
WHERE at > $2 AND subject = 'session' AND from_status <> to_status GROUP BY 1, 2, 3
UNION ALL SELECT $1 / $3, v.column1, v.column1, (SELECT count(*) FROM sessions
        WHERE sessions.status IN ('scheduled', 'waiting', 'live') AND sessions.status = v.column1)
    FROM (VALUES ('scheduled'), ('waiting'), ('live')) v
ORDER BY step DESC, 2, 3`

// Activity is how sessions moved within a window.
func (s activity) Activity(ctx context.Context, window, step time.Duration) (record.ActivitySeries, error) {
	now := s.now()
	all, err := many(ctx, s.db, scanStatusChange, selectActivity, micros(now), ago(now, window), step.Microseconds())
	return record.NewActivitySeries(all), wrap(err, "read the moves of %s", window)
}

func scanStatusChange(r row) (record.StatusChange, error) {
	var m record.StatusChange
	var n int64
	err := r.Scan(number(&m.Step), text(&m.From), text(&m.To), number(&n))
	m.Count = int(n)
	return m, err
}
