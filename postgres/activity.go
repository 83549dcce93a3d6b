package postgres

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// activity counts recent changes of status.
type activity struct{ *db }

// One statement, so that all is of one moment: what stands in a status is in
// rows that go from it to itself.
const selectActivity = `SELECT floor(extract(epoch FROM at) / $2)::bigint AS step, from_status, to_status, count(*) FROM curfew.events
		WHERE at > now() - $1::interval AND subject = 'session' AND from_status <> to_status GROUP BY 1, 2, 3
	UNION ALL SELECT floor(extract(epoch FROM now()) / $2)::bigint, v.status, v.status, (SELECT count(*) FROM curfew.sessions s
			WHERE ` + isUnended + own + ` AND s.status = v.status) + (SELECT count(*) FROM curfew.sessions s
			WHERE ` + isUnended + mirrors + ` AND s.status = v.status)
		FROM (VALUES ('scheduled'), ('waiting'), ('live')) v (status)
	ORDER BY step DESC, 2, 3`

// Activity is how sessions moved within a window.
func (s activity) Activity(ctx context.Context, window, step time.Duration) (record.ActivitySeries, error) {
	all, err := manyByKey(ctx, s.db, scanStatusChange, selectActivity, window, int64(step/time.Second))
	return record.NewActivitySeries(all), wrap(err, "read the moves of %s", window)
}

func scanStatusChange(r row) (record.StatusChange, error) {
	var m record.StatusChange
	err := r.Scan(&m.Step, (*text)(&m.From), (*text)(&m.To), &m.Count)
	return m, err
}
