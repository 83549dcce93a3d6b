package adopt

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// Adoption is what Curfew's database says of an adopted table.
type Adoption struct {
	Name      string        `json:"name"`
	Relation  string        `json:"relation"`
	Mode      mapping.Mode  `json:"mode"`
	Rules     []string      `json:"rules"`               // the end reasons that are enforced
	Since     time.Time     `json:"since"`               // of the mode
	Shadowed  time.Time     `json:"shadowed,omitzero"`   // since when it has been read without a break
	ReadAt    time.Time     `json:"readAt,omitzero"`     // when it was last read whole
	ReadTook  time.Duration `json:"-"`                   // for the last reading
	Unread    string        `json:"unread,omitempty"`    // why it cannot be read
	Mapping   string        `json:"-"`                   // as the last process had it that read it
	Installed string        `json:"installed,omitempty"` // the digest of the triggers
	Now       time.Time     `json:"now"`                 // the database's clock
}

const selectAdoptions = `SELECT name, relation, mode, rules, since, coalesce(shadowed, '0001-01-01 00:00:00Z'), coalesce(read_at, '0001-01-01 00:00:00Z'),
	coalesce((extract(epoch FROM read_took) * 1000000)::bigint, 0), unread, mapping, installed, now() FROM curfew.adoptions ORDER BY name`

// readAdoptions reads all adoptions by name.
func readAdoptions(ctx context.Context, q querier) (map[string]Adoption, error) {
	rows, err := q.Query(ctx, selectAdoptions)
	if err != nil {
		return nil, err
	}
	all := map[string]Adoption{}
	var a Adoption
	var mode string
	var micros int64
	_, err = pgx.ForEachRow(rows, []any{
		&a.Name, &a.Relation, &mode, &a.Rules, &a.Since, &a.Shadowed, &a.ReadAt, &micros, &a.Unread, &a.Mapping, &a.Installed, &a.Now,
	}, func() error {
		a.Mode, a.ReadTook = mapping.Mode(mode), time.Duration(micros)*time.Microsecond
		all[a.Name] = a
		a = Adoption{}
		return nil
	})
	return all, err
}
