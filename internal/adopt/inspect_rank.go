package adopt

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// Ranked is a table that may hold sessions.
type Ranked struct {
	Relation string   `json:"table"`
	Estimate int64    `json:"rows"` // as last estimated; -1: never
	Score    int      `json:"score"`
	Why      []string `json:"why"`
}

const rankSQL = `SELECT c.oid, n.nspname::text, c.relname::text, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
	c.reltuples::bigint, has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'f') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\_%'
	AND n.nspname NOT IN ('information_schema', 'curfew', 'auth', 'storage', 'realtime', 'cron', 'extensions')
ORDER BY n.nspname, c.relname
LIMIT 2000`

// Rank ranks the tables of a database by how much they look like sessions, likeliest first. It
// reads only the catalog.
func Rank(ctx context.Context, url string) ([]Ranked, error) {
	var found []Ranked
	err := looking(ctx, url, func(l *look) error {
		relations, err := collect(ctx, l, func(row pgx.CollectableRow) (r Relation, err error) {
			err = row.Scan(&r.OID, &r.Schema, &r.Name, &r.Kind, &r.Estimate, &r.Readable)
			return r, err
		}, rankSQL)
		if err != nil {
			return err
		}
		for _, r := range relations {
			if err := r.readColumns(ctx, l); err != nil {
				return err
			}
			if err := r.readChecks(ctx, l); err != nil {
				return err
			}
			if c, ok := r.rank(); ok {
				found = append(found, c)
			}
		}
		return nil
	})
	slices.SortStableFunc(found, func(a, b Ranked) int { return b.Score - a.Score })
	return found[:min(len(found), 10)], err
}

var (
	sessionTable = regexp.MustCompile(`session|consult|booking|appointment|call|visit|ticket|request|chat|ride|lesson|tutoring|help|job|reservation|meeting|encounter`)
	detailTable  = regexp.MustCompile(`message|participant|review|rating|log|history|event|payment|invoice|setting|profile|token|migration|note|file|attachment|notification|queue|config|template|auth|audit|slot|availab`)
)

// rank scores a table, by its status first: a table without one holds no sessions.
func (r *Relation) rank() (Ranked, bool) {
	c := Ranked{Relation: mapping.JoinRelation(r.Schema, r.Name), Estimate: r.Estimate}
	give := func(points int, why string) { c.Score, c.Why = c.Score+points, append(c.Why, why) }
	status := r.statusColumn()
	if status == "" {
		return c, false
	}
	give(2, "status in "+status)
	words, by := r.allowed(status)
	if known := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return vocable(w) == "" }); len(known) > 1 {
		give(2, by+" has "+strings.Join(known[:min(len(known), 3)], ", "))
	}
	mechanics := r.people(mechanicName)
	if customers := slices.DeleteFunc(r.people(customerNames...), func(c string) bool { return contains(mechanics, c) }); len(customers) > 0 {
		give(2, "a customer in "+customers[0])
	}
	if len(mechanics) > 0 {
		give(3, "a mechanic in "+mechanics[0])
	}
	for _, moment := range []struct {
		names role
		what  string
	}{{startedNames, "a start in "}, {endedNames, "an end in "}, {deadlineNames, "a deadline in "}} {
		if column := r.first(moment.names, Column.Moment); column != "" {
			give(1, moment.what+column)
		}
	}
	if sessionTable.MatchString(snake(r.Name)) {
		give(2, "its name")
	}
	return r.doubts(c), c.Score >= 4
}

// doubts subtracts points for what a session table would not be.
func (r *Relation) doubts(c Ranked) Ranked {
	if detailTable.MatchString(snake(r.Name)) {
		c.Score, c.Why = c.Score-3, append(c.Why, "but its name says that it holds details of something else")
	}
	if r.Kind != "table" {
		c.Score, c.Why = c.Score-3, append(c.Why, "but it is a "+r.Kind)
	}
	if !r.Readable {
		c.Why = append(c.Why, "but this role may not SELECT from it")
	}
	return c
}
