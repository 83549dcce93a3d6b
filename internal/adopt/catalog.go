package adopt

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/suggest"
)

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// selectColumns reads pg_catalog, which every role may read. A domain is resolved to its base type.
// Types outside pg_catalog are schema-qualified whatever the search path is.
const selectColumns = `WITH RECURSIVE made AS (
		SELECT a.attnum, a.atttypid AS type FROM pg_catalog.pg_attribute a
		WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL
		SELECT made.attnum, t.typbasetype FROM made JOIN pg_catalog.pg_type t ON t.oid = made.type AND t.typtype = 'd'
	), base AS (
		SELECT made.attnum, made.type FROM made JOIN pg_catalog.pg_type t ON t.oid = made.type AND t.typtype <> 'd'
	)
	SELECT a.attname::text, CASE WHEN y.typnamespace = 'pg_catalog'::regnamespace THEN pg_catalog.format_type(a.atttypid, a.atttypmod)
			ELSE pg_catalog.format('%s.%I', y.typnamespace::regnamespace, y.typname) END,
		CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace THEN pg_catalog.format_type(b.oid, NULL)
			ELSE pg_catalog.format('%s.%I', b.typnamespace::regnamespace, b.typname) END, a.attnotnull,
		CASE WHEN a.attgenerated = '' THEN coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END,
		a.attgenerated <> '' OR a.attidentity = 'a',
		(SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = base.type)
	FROM pg_catalog.pg_attribute a JOIN base ON base.attnum = a.attnum
		JOIN pg_catalog.pg_type y ON y.oid = a.atttypid JOIN pg_catalog.pg_type b ON b.oid = base.type
		LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attrelid = $1::oid`

// columnsOf reads the columns of a table. It returns NotFound if there is no such table.
func columnsOf(ctx context.Context, q querier, relation string) (Columns, error) {
	rows, err := q.Query(ctx, `SELECT pg_catalog.to_regclass($1)::oid`, relation)
	if err != nil {
		return nil, err
	}
	oid, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[*uint32])
	if err != nil {
		return nil, err
	}
	if oid == nil {
		return nil, curfew.Errorf(curfew.NotFound, "there is no table %s", relation)
	}
	if rows, err = q.Query(ctx, selectColumns, *oid); err != nil {
		return nil, err
	}
	columns, c := Columns{}, Column{}
	_, err = pgx.ForEachRow(rows, []any{&c.Name, &c.Type, &c.Base, &c.NotNull, &c.Default, &c.Generated, &c.Words}, func() error {
		columns[c.Name] = c
		c = Column{}
		return nil
	})
	return columns, err
}

// readingOf compiles a mapping against its table as it is now. It returns Invalid if the mapping
// does not fit.
func readingOf(ctx context.Context, q querier, t mapping.Table, policy curfew.Policy) (r reading, err error) {
	r = reading{Table: t, policy: policy}
	if r.columns, err = columnsOf(ctx, q, t.Relation); err != nil {
		return r, err
	}
	return r, r.columns.lacks(t)
}

// readingsOf is readingOf that also returns the columns of the request table, if the mapping has
// one.
func readingsOf(ctx context.Context, q querier, t mapping.Table, policy curfew.Policy) (r reading, requests Columns, err error) {
	r, err = readingOf(ctx, q, t, policy)
	if err == nil && t.Request != nil {
		requests, err = columnsOf(ctx, q, t.Request.Relation)
	}
	return r, requests, err
}

// lacks returns an error that names the first mapped column that the table does not have, or the
// first timestamp column that has no time zone and no zone in the mapping.
func (c Columns) lacks(t mapping.Table) error {
	for _, column := range columnsRead(t) {
		if _, ok := c[column]; !ok {
			return curfew.Errorf(curfew.Invalid, "%s has no column %q%s", t.Relation, column, suggest.Among(column, c.names()))
		}
	}
	for _, column := range momentsRead(t) {
		if kind := c[column]; !kind.HasZone() && t.Times.Zone == "" {
			return curfew.Errorf(curfew.Invalid, "column %q of %s is %s now: say in which zone its times are, with zone in adopt.%s.times",
				column, t.Relation, kind.Type, t.Name)
		}
	}
	return nil
}

func (c Columns) names() []string {
	all := make([]string, 0, len(c))
	for column := range c {
		all = append(all, column)
	}
	slices.Sort(all)
	return all
}

// columnsRead lists the columns that a reading of the table needs.
func columnsRead(t mapping.Table) []string {
	all := slices.Concat([]string{t.ID, t.Status.Column, t.Mechanic.Column, t.Plan, t.Duration.Column, t.Deleted}, t.Customer, momentsRead(t))
	return slices.DeleteFunc(all, func(column string) bool { return column == "" })
}

// momentsRead lists those of columnsRead that hold times.
func momentsRead(t mapping.Table) []string {
	all := slices.Concat([]string{t.Times.Created, t.Times.Entered, t.Times.Accepted, t.Times.Started, t.Deadline}, t.Times.Starts, t.Times.Ended)
	return slices.DeleteFunc(all, func(column string) bool { return column == "" })
}
