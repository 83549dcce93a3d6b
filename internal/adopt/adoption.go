package adopt

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/record"
)

const selectAdoptions = `SELECT name, relation, mode, rules, since, coalesce(shadowed, '0001-01-01 00:00:00Z'), coalesce(read_at, '0001-01-01 00:00:00Z'),
	coalesce((extract(epoch FROM read_took) * 1000000)::bigint, 0), unread, mapping, installed, now() FROM curfew.adoptions ORDER BY name`

// readAdoptions reads all adoptions, keyed by name.
func readAdoptions(ctx context.Context, q querier) (map[string]record.Adoption, error) {
	rows, err := q.Query(ctx, selectAdoptions)
	if err != nil {
		return nil, err
	}
	all := map[string]record.Adoption{}
	var a record.Adoption
	var micros int64
	_, err = pgx.ForEachRow(rows, []any{
		&a.Name, &a.Relation, &a.Mode, &a.Rules, &a.Since, &a.Shadowed, &a.ReadAt, &micros, &a.Unread, &a.Mapping, &a.Installed, &a.Now,
	}, func() error {
		a.ReadTook = time.Duration(micros) * time.Microsecond
		all[a.Name] = a
		a = record.Adoption{}
		return nil
	})
	return all, err
}
