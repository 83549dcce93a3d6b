package adopt

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// Relation is what the catalog says about a table.
type Relation struct {
	OID          uint32
	Schema, Name string
	Kind         string // table, partitioned table, view, materialized view or foreign table
	Owner        string
	Estimate     int64 // rows, as last estimated; -1: never
	Readable     bool  // this role may SELECT
	Owned        bool  // this role is, or is a member of, the owner
	RLS, Force   bool  // row-level security, also for the owner
	Columns      Columns
	Order        []string // the columns' names in their order
	Indexes      []Index
	Checks       []Check
	References   []ForeignKey // to other tables
	Referenced   []ForeignKey // from other tables
	Policies     []Policy
	Triggers     []Trigger
}

// String writes the relation as SQL does.
func (r *Relation) String() string { return mapping.JoinRelation(r.Schema, r.Name) }

// Index is an index. An expression counts as a column with an empty name.
type Index struct {
	Name            string
	Unique, Primary bool
	Predicate       string // of a partial one
	Columns         []string
}

// Check is a CHECK constraint. Words are the values that it allows a single column, if it lists
// them.
type Check struct {
	Name    string
	Columns []string
	Expr    string
	Words   []string
}

// ForeignKey is a foreign key between two tables.
type ForeignKey struct {
	Name, Schema, Table string   // the other table
	Columns, Others     []string // of this table, and of the other
}

// Policy is a row-level security policy.
type Policy struct{ Name, Command, Using, Check string }

// Trigger is a trigger of the marketplace's. Source is the source of its function.
type Trigger struct {
	Name, Definition, Source string
	Before, Update           bool
}

const relationSQL = `SELECT c.oid, n.nspname::text, c.relname::text,
	CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
		WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END,
	pg_get_userbyid(c.relowner)::text, c.reltuples::bigint, has_table_privilege(c.oid, 'SELECT'), pg_has_role(c.relowner, 'USAGE'),
	c.relrowsecurity, c.relforcerowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`

// ReadRelation reads the catalog of a table, named as in SQL. It returns NotFound if there is no
// such table.
func ReadRelation(ctx context.Context, q querier, relation string) (*Relation, error) {
	schema, table, err := mapping.SplitRelation(relation)
	if err != nil {
		return nil, curfew.Errorf(curfew.Invalid, "%v", err)
	}
	found, err := collect(ctx, q, func(row pgx.CollectableRow) (r Relation, err error) {
		err = row.Scan(&r.OID, &r.Schema, &r.Name, &r.Kind, &r.Owner, &r.Estimate, &r.Readable, &r.Owned, &r.RLS, &r.Force)
		return r, err
	}, relationSQL, schema, table)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the catalog of %s: %w", relation, err)
	case len(found) == 0:
		return nil, curfew.Errorf(curfew.NotFound, "there is no table %s", relation)
	}
	r := &found[0]
	for _, read := range []func(context.Context, querier) error{
		r.readColumns, r.readIndexes, r.readChecks, r.readKeys, r.readPolicies, r.readTriggers,
	} {
		if err := read(ctx, q); err != nil {
			return nil, fmt.Errorf("read the catalog of %s: %w", relation, err)
		}
	}
	return r, nil
}

// collect returns the rows of a query.
func collect[T any](ctx context.Context, q querier, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

const orderSQL = `SELECT attname::text FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`

func (r *Relation) readColumns(ctx context.Context, q querier) (err error) {
	if r.Columns, err = columnsOf(ctx, q, r.String()); err != nil {
		return err
	}
	r.Order, err = collect(ctx, q, pgx.RowTo[string], orderSQL, r.OID)
	return err
}

const indexesSQL = `SELECT ic.relname::text, i.indisunique, i.indisprimary, coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
	ARRAY(SELECT coalesce(a.attname::text, '') FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place)
		LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number AND k.number > 0
		WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
WHERE i.indrelid = $1 AND i.indisvalid
ORDER BY i.indisprimary DESC, ic.relname`

func (r *Relation) readIndexes(ctx context.Context, q querier) (err error) {
	r.Indexes, err = collect(ctx, q, pgx.RowToStructByPos[Index], indexesSQL, r.OID)
	return err
}

const checksSQL = `SELECT con.conname::text, ARRAY(SELECT a.attname::text FROM unnest(con.conkey) k(number)
		JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.number), pg_get_expr(con.conbin, con.conrelid)
FROM pg_constraint con
WHERE con.conrelid = $1 AND con.contype = 'c'
ORDER BY con.conname`

func (r *Relation) readChecks(ctx context.Context, q querier) (err error) {
	r.Checks, err = collect(ctx, q, func(row pgx.CollectableRow) (c Check, err error) {
		err = row.Scan(&c.Name, &c.Columns, &c.Expr)
		if len(c.Columns) == 1 {
			c.Words = listed(c.Expr)
		}
		return c, err
	}, checksSQL, r.OID)
	return err
}

const keysSQL = `SELECT con.conrelid = $1, con.conname::text, n.nspname::text, o.relname::text,
	ARRAY(SELECT a.attname::text FROM unnest(con.conkey) WITH ORDINALITY k(number, place)
		JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.number ORDER BY k.place),
	ARRAY(SELECT a.attname::text FROM unnest(con.confkey) WITH ORDINALITY k(number, place)
		JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.number ORDER BY k.place)
FROM pg_constraint con
JOIN pg_class o ON o.oid = CASE WHEN con.conrelid = $1 THEN con.confrelid ELSE con.conrelid END
JOIN pg_namespace n ON n.oid = o.relnamespace
WHERE con.contype = 'f' AND $1 IN (con.conrelid, con.confrelid)
ORDER BY con.conname`

func (r *Relation) readKeys(ctx context.Context, q querier) error {
	var ours bool
	var theirs, others []string
	var k ForeignKey
	rows, err := q.Query(ctx, keysSQL, r.OID)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&ours, &k.Name, &k.Schema, &k.Table, &theirs, &others}, func() error {
		if ours {
			r.References = append(r.References, ForeignKey{k.Name, k.Schema, k.Table, slices.Clone(theirs), slices.Clone(others)})
		} else {
			r.Referenced = append(r.Referenced, ForeignKey{k.Name, k.Schema, k.Table, slices.Clone(others), slices.Clone(theirs)})
		}
		return nil
	})
	return err
}

const policiesSQL = `SELECT polname::text,
	CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
	coalesce(pg_get_expr(polqual, polrelid), ''), coalesce(pg_get_expr(polwithcheck, polrelid), '')
FROM pg_policy
WHERE polrelid = $1
ORDER BY polname`

func (r *Relation) readPolicies(ctx context.Context, q querier) (err error) {
	r.Policies, err = collect(ctx, q, pgx.RowToStructByPos[Policy], policiesSQL, r.OID)
	return err
}

// The bits of tgtype: 2 is BEFORE, 16 UPDATE.
const triggersSQL = `SELECT t.tgname::text, pg_get_triggerdef(t.oid), p.prosrc, t.tgtype & 2 <> 0, t.tgtype & 16 <> 0
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE t.tgrelid = $1 AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND n.nspname <> 'curfew'
ORDER BY t.tgname`

func (r *Relation) readTriggers(ctx context.Context, q querier) (err error) {
	r.Triggers, err = collect(ctx, q, pgx.RowToStructByPos[Trigger], triggersSQL, r.OID)
	return err
}
