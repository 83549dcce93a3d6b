package sqlite

import (
	"context"
	"time"
)

// limits stores what replicas count together: by name, the moment when everything that
// was spent is forgotten.
type limits struct{ *db }

const (
	spendLimit = `
INSERT INTO signals AS s (name, at, until) VALUES ($1, $2, $2 + $3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, until = max(s.until, $2) + $3
WHERE max(s.until, $2) + $3 <= $2 + $4`
	selectSpent = `SELECT max(until, $2) - $2 FROM signals WHERE name = $1`
)

// Spend adds cost to what was spent under a name, of which a second is forgotten each
// second. If that would be more than allowance, it adds nothing and returns how long until
// there is enough.
func (s limits) Spend(ctx context.Context, name string, cost, allowance time.Duration) (wait time.Duration, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		n, err := tx.exec(ctx, spendLimit, name, micros(tx.now), cost.Microseconds(), allowance.Microseconds())
		if err != nil || n > 0 {
			return err
		}
		spent, err := one(ctx, tx, value[int64], selectSpent, name, micros(tx.now))
		wait = time.Duration(spent)*time.Microsecond + cost - allowance
		return err
	})
	return wait, wrap(err, "spend from a limit")
}
