package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// limits stores what replicas count together: by name, the moment when everything that
// was spent is forgotten.
type limits struct{ *db }

// The statement reads what stood before its own insert.
const spendLimit = `WITH spent AS (
		INSERT INTO curfew.signals AS s (name, until) VALUES ($1, now() + $2::interval)
		ON CONFLICT (name) DO UPDATE SET at = excluded.at, until = greatest(s.until, now()) + $2::interval
		WHERE greatest(s.until, now()) + $2::interval <= now() + $3::interval
		RETURNING 1
	)
	SELECT CASE WHEN EXISTS (SELECT FROM spent) THEN interval '0'
		ELSE greatest(coalesce((SELECT until FROM curfew.signals WHERE name = $1), now()) - now() + $2::interval - $3::interval, '1 microsecond')
		END`

// Spend adds cost to what was spent under a name, of which a second is forgotten each
// second. If that would be more than allowance, it adds nothing and returns how long until
// there is enough.
func (s limits) Spend(ctx context.Context, name string, cost, allowance time.Duration) (wait time.Duration, err error) {
	err = s.send(ctx, func(b *pgx.Batch) {
		b.Queue(asynchronousCommit)
		b.Queue(spendLimit, name, cost, allowance).QueryRow(func(row pgx.Row) error { return row.Scan((*span)(&wait)) })
	})
	return wait, wrap(err, "spend from a limit")
}
