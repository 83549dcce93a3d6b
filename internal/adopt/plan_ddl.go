package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// open tests whether a row has not ended, by its status column alone, so it can be an index
// predicate. Casting an enum to text is not immutable, so the enum's labels are compared.
func (r reading) open(column string) string {
	words := r.Unended()
	switch c := r.columns[r.Status.Column]; {
	case c.Words != nil:
		words = slices.DeleteFunc(words, func(word string) bool { return !slices.Contains(c.Words, word) })
	case c.Base != "text" && c.Base != "character varying":
		column += "::text"
	}
	return column + " IN " + list(words)
}

// index proposes an index for reading open rows, if the planner has none to use.
func (r reading) index(ctx context.Context, tx pgx.Tx, rel *Relation) (*Statement, error) {
	var plan []byte
	err := pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		if _, err := inner.Exec(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
			return err
		}
		return one(ctx, inner, "EXPLAIN (FORMAT JSON) SELECT * FROM "+r.Relation+" WHERE "+r.open(name(r.Status.Column)), nil, &plan)
	})
	if err != nil || !strings.Contains(string(plan), `"Seq Scan"`) {
		return nil, err
	}
	var bytes int64
	if err := one(ctx, tx, "SELECT pg_table_size($1)", []any{rel.OID}, &bytes); err != nil {
		return nil, err
	}
	return &Statement{
		SQL: fmt.Sprintf("CREATE INDEX CONCURRENTLY %s ON %s (%s) WHERE %s", name(indexName(rel.Name)), r.Relation, name(r.ID), r.open(name(r.Status.Column))),
		Lock: "SHARE UPDATE EXCLUSIVE: reads and writes go on. It waits for transactions that began before it. " +
			"Run it outside a transaction; if it fails, drop what is left of the index and run it again.",
		Cost: fmt.Sprintf("reads the table twice (%d MB); without it, every read of open rows scans the whole table", (bytes+1<<20-1)>>20),
	}, nil
}

// indexName derives an index name that fits into PostgreSQL's 63 bytes.
func indexName(table string) string {
	const end = "_curfew_open"
	return strings.ToValidUTF8(table[:min(len(table), 63-len(end))], "") + end
}

const selectRights = `SELECT row_security_active(c.oid), coalesce(has_schema_privilege(to_regnamespace('curfew')::oid, 'CREATE'), true),
		has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'TRIGGER'), current_user::text
	FROM pg_class c WHERE c.oid = to_regclass($1)`

// rights lists what this role lacks to enforce.
func (r reading) rights(ctx context.Context, q querier) ([]string, error) {
	grants := []string{}
	relations := []string{r.Relation}
	if r.Request != nil {
		relations = append(relations, r.Request.Relation)
	}
	for i, relation := range relations {
		var f relationFacts
		if err := one(ctx, q, selectRights, []any{relation}, &f.secured, &f.canCreate, &f.canSelect, &f.canUpdate, &f.canTrigger, &f.role); err != nil {
			return nil, fmt.Errorf("rights to %s: %w", relation, err)
		}
		grants = append(grants, f.lacks(relation, i == 0)...)
	}
	return grants, nil
}

// costs describes what each trigger adds to a statement of the marketplace's.
var costs = map[string]string{
	"settle":   "before each row of an INSERT, one index lookup for an overdue session of its customer",
	"insert":   "once per INSERT, whatever its number of rows: writes their mirrors",
	"update":   "for each changed row: compares it and, if a mapped column changed, writes its mirror",
	"delete":   "once per DELETE: ends the mirrors of its rows",
	"truncate": "once per TRUNCATE: ends all mirrors",
}

// statements returns the schema changes that Enforce would make for the endings that are possible.
func (r reading) statements(ctx context.Context, q querier, rel *Relation, ends []End) ([]Statement, error) {
	p := program{reading: r, oid: rel.OID, schema: rel.Schema}
	for _, e := range ends {
		if e.Status != "" && e.Wrong == "" {
			p.rules = append(p.rules, e.Rule)
		}
	}
	var err error
	if p.reading, p.requests, err = readingsOf(ctx, q, r.Table, r.policy); err != nil {
		return nil, err
	}
	if p.keys, err = uniqueKeys(ctx, q, r.Relation); err != nil {
		return nil, err
	}
	var all []Statement
	for _, sql := range p.functions() {
		all = append(all, Statement{SQL: sql, Lock: "nothing of yours: the function is in schema curfew", Cost: "none until its trigger is there"})
	}
	for _, tr := range triggers {
		all = append(all, Statement{
			SQL: tr.create(r.Table), Cost: costs[tr.does],
			Lock: "SHARE ROW EXCLUSIVE for a moment: writers wait, readers do not. If another transaction holds the table for more than a second, the statement gives up and is tried again.",
		})
	}
	return all, nil
}
