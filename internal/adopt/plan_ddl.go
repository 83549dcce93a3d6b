package adopt

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// open is the condition of rows that have not ended, as an index can have it: without a cast.
func (r reading) open() string { return name(r.Status.Column) + " IN " + list(r.Unended()) }

// index proposes one for the reading of open rows, if the planner has none to use for it.
func (r reading) index(ctx context.Context, tx pgx.Tx, rel *Relation) (*Statement, error) {
	var plan []byte
	err := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		if _, err := inner.Exec(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
			return err
		}
		return one(ctx, inner, "EXPLAIN (FORMAT JSON) SELECT * FROM "+r.Relation+" WHERE "+r.open(), nil, &plan)
	})
	if err != nil || !strings.Contains(string(plan), `"Seq Scan"`) {
		return nil, err
	}
	var bytes int64
	if err := one(ctx, tx, "SELECT pg_table_size($1)", []any{rel.OID}, &bytes); err != nil {
		return nil, err
	}
	return &Statement{
		SQL: fmt.Sprintf("CREATE INDEX CONCURRENTLY %s ON %s (%s) WHERE %s", name(indexName(rel.Name)), r.Relation, name(r.ID), r.open()),
		Lock: "SHARE UPDATE EXCLUSIVE: reads and writes go on. It waits for transactions that began before it. " +
			"Run it outside a transaction; if it fails, drop what is left of the index and run it again.",
		Cost: fmt.Sprintf("reads the table twice (%d MB); without it, every reading of what is open reads the whole table", (bytes+1<<20-1)>>20),
	}, nil
}

// indexName fits into PostgreSQL's 63 bytes.
func indexName(table string) string {
	const end = "_curfew_open"
	return strings.ToValidUTF8(table[:min(len(table), 63-len(end))], "") + end
}

const rightsSQL = `SELECT coalesce((SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user), false), current_user::text,
	has_table_privilege($1::oid, 'SELECT'), has_table_privilege($1::oid, 'UPDATE'), has_table_privilege($1::oid, 'TRIGGER')`

// rights reads whether this role sees every row, and what it lacks to enforce.
func (r reading) rights(ctx context.Context, q querier, rel *Relation) (bypasses bool, grants []string, err error) {
	grants = []string{}
	var role string
	var may [3]bool
	if err := one(ctx, q, rightsSQL, []any{rel.OID}, &bypasses, &role, &may[0], &may[1], &may[2]); err != nil {
		return false, nil, err
	}
	var lacks []string
	for i, right := range []string{"SELECT", "UPDATE", "TRIGGER"} {
		if !may[i] {
			lacks = append(lacks, right)
		}
	}
	if lacks != nil {
		grants = append(grants, fmt.Sprintf("GRANT %s ON %s TO %s", strings.Join(lacks, ", "), r.Relation, name(role)))
	}
	if rel.RLS && !bypasses && (rel.Force || !rel.Owned) {
		grants = append(grants, "ALTER ROLE "+name(role)+" BYPASSRLS")
	}
	if r.Request == nil {
		return bypasses, grants, nil
	}
	grant, err := requestRights(ctx, q, r.Request, role)
	if grant != "" {
		grants = append(grants, grant)
	}
	return bypasses, grants, err
}

// requestRights is the grant that the table of requests needs, too; empty: none.
func requestRights(ctx context.Context, q querier, request *mapping.Request, role string) (string, error) {
	var may bool
	err := one(ctx, q, "SELECT has_table_privilege($1::text, 'SELECT') AND has_table_privilege($1::text, 'UPDATE')", []any{request.Relation}, &may)
	if err != nil || may {
		return "", err
	}
	return fmt.Sprintf("GRANT SELECT, UPDATE ON %s TO %s", request.Relation, name(role)), nil
}
