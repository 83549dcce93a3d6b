package postgres

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/curfewhq/curfew"
)

// oldest is the first version that has what the migrations use: CREATE OR
// REPLACE TRIGGER.
const oldest = 140000

// whyNot says what is wrong with a database that is spread over several servers.
const whyNot = "Curfew sends several writes in one go and relies on PostgreSQL to do all of them or none; " +
	"where that does not hold, money would be taken without a session"

// engines speak PostgreSQL's protocol and are something else, by what version()
// says of them.
var engines = regexp.MustCompile(`(?i)cockroach ?db|-yb-|yugabyte|redshift|materialize|risingwave|greenplum|cloudberry|greengage|` +
	`postgres-x[cl]\b|opengauss|gaussdb|spanner|\bdsql\b|questdb|cratedb|cedardb|duckdb|vertica|netezza|hologres|tidb|oceanbase`)

var genuine = regexp.MustCompile(`^(PostgreSQL|EnterpriseDB) \d`)

// suits refuses what is not PostgreSQL, or too old a one, by the row of
// selectVersion. Where a row has no number, the text decides alone.
func suits(row [][]byte) error {
	version := string(row[0])
	if name := engines.FindString(version); name != "" || !genuine.MatchString(version) {
		return curfew.Errorf(curfew.Invalid, "this is not PostgreSQL, it calls itself %q: %s: "+
			"name a PostgreSQL 14 or newer in the database's URL", version, whyNot)
	}
	if len(row) < 2 {
		return nil
	}
	if n, err := strconv.Atoi(string(row[1])); err == nil && n < oldest {
		return curfew.Errorf(curfew.Invalid, "PostgreSQL %d is too old: upgrade the server to 14 or newer", n/10000)
	}
	return nil
}

const (
	// selectCatalogs is where extensions keep which tables they have spread, each
	// with the statement that asks it for ours. A table of another program's may
	// bear the name.
	selectCatalogs = `SELECT c.relname::text, c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm') AND (
			(c.relname = 'pg_dist_partition' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'logicalrelid'))
			OR (c.relname = 'hypertable' AND n.nspname = '_timescaledb_catalog'))`
	selectDistributed = `SELECT DISTINCT c.oid::regclass::text FROM pg_class c JOIN %s d ON d.logicalrelid::text IN (c.oid::text, c.oid::regclass::text)
		WHERE c.relnamespace = to_regnamespace('curfew') ORDER BY 1`
	selectHypertables = `SELECT schema_name || '.' || table_name FROM %s WHERE schema_name = 'curfew' ORDER BY 1`
)

// whole is Invalid where one of Curfew's own tables is spread over servers or
// chunks.
func (s schema) whole(ctx context.Context) error {
	spread, err := s.spread(ctx)
	if err != nil {
		return wrap(err, "reach the database")
	}
	if len(spread) > 0 {
		return curfew.Errorf(curfew.Invalid, "%s", spread[0])
	}
	return nil
}

// spread says which tables are distributed, as Verify tells it.
func (s schema) spread(ctx context.Context) ([]string, error) {
	catalogs, err := many(ctx, s.db, func(r row) (c [2]string, err error) {
		err = r.Scan(&c[0], &c[1])
		return c, err
	}, selectCatalogs)
	if err != nil {
		return nil, err
	}
	for _, c := range catalogs {
		sql, what, do := selectDistributed, "distributed by Citus", "SELECT undistribute_table('"
		if c[0] == "hypertable" {
			sql, what, do = selectHypertables, "hypertables of TimescaleDB", "move the rows into a plain table instead of "
		}
		tables, err := many(ctx, s.db, value[string], strings.Replace(sql, "%s", c[1], 1))
		if err != nil {
			return nil, err
		}
		if len(tables) > 0 {
			return []string{strings.Join(tables, ", ") + " are " + what + ": " + whyNot + ": " + undo(do, tables) + ", or name another database"}, nil
		}
	}
	return nil, nil
}

// undo is how to make plain tables of them.
func undo(do string, tables []string) string {
	if strings.HasSuffix(do, "'") {
		return do + strings.Join(tables, "'); "+do) + "')"
	}
	return do + strings.Join(tables, ", ")
}
