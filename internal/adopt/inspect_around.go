package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

// surroundings notes what else matters: the kind of table, what guards it, and what it lacks.
func (g *guess) surroundings(ctx context.Context) error {
	g.kind()
	g.security()
	g.triggers()
	g.index()
	if g.Rows == 0 {
		g.ask("status", "the table has no rows: everything here is guessed from names and constraints")
	}
	if g.Unread != "" {
		g.ask("status", "no row was looked at, because %s: everything here is guessed from names and constraints", g.Unread)
	}
	if g.counted() {
		return g.severalOpen(ctx)
	}
	return nil
}

func (g *guess) kind() {
	switch g.r.Kind {
	case "view", "materialized view", "foreign table":
		g.ask("table", "this is a %s: Curfew can read it, but it can end sessions only in a table", g.r.Kind)
	case "partitioned table":
		g.fact("table", "the table is partitioned")
	}
}

// security notes row-level security, and whether it would hide rows.
func (g *guess) security() {
	if !g.r.RLS {
		return
	}
	text, role := fmt.Sprintf("row-level security is on (%s)", number(len(g.r.Policies), "policy", "policies")), "the owner "+g.r.Owner
	if g.r.Force {
		text, role = text+" and forced, so that it binds the owner too", "a superuser"
	}
	g.fact("table", "%s: Curfew's role must be %s or have BYPASSRLS; it reads with row_security = off, so hidden rows cause an error instead of being skipped",
		text, role)
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (g *guess) triggers() {
	for _, t := range g.r.Triggers {
		var sets []string
		for _, column := range g.r.Order {
			if g.r.setBy(column) == t.Name {
				sets = append(sets, column)
			}
		}
		text := ""
		if len(sets) > 0 {
			text = ": it sets " + strings.Join(sets, ", ")
		}
		g.fact("table", "the table has a trigger of its own, %s%s", t.Name, text)
	}
}

// index proposes an index that finds open sessions, unless there is one.
func (g *guess) index() {
	column := g.Mapping.Status.Column
	for _, i := range g.r.Indexes {
		if len(i.Columns) > 0 && i.Columns[0] == column || strings.Contains(i.Predicate, column) {
			return
		}
	}
	if strings.Contains(g.r.Kind, "view") || g.r.Kind == "foreign table" {
		return
	}
	open := reading{Table: g.Mapping, columns: g.r.Columns}.open(name(column))
	g.Index = fmt.Sprintf("CREATE INDEX CONCURRENTLY %s ON %s (%s) WHERE %s;", name(indexName(g.r.Name)), g.r, name(g.Mapping.ID), open)
}

// severalOpen counts customers with several open sessions.
func (g *guess) severalOpen(ctx context.Context) error {
	var parts []string
	for _, column := range g.Mapping.Customer {
		parts = append(parts, name(column)+"::text")
	}
	open := slices.Concat(g.Mapping.Words(curfew.Waiting), g.Mapping.Words(curfew.Live))
	where := name(g.Mapping.Status.Column) + "::text IN " + list(open)
	if g.Mapping.Deleted != "" {
		where += " AND " + undeleted(g.r.Columns[g.Mapping.Deleted])
	}
	customer := "coalesce(" + strings.Join(parts, ", ") + ")"
	found, err := g.look.rows(ctx, "SELECT count(*), coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM "+g.r.String()+
		" WHERE "+where+" AND "+customer+" IS NOT NULL GROUP BY "+customer+" HAVING count(*) > 1) twice")
	if err != nil {
		return err
	}
	if n := whole(found[0][0]); n > 0 {
		g.fact("customer", "%s several sessions waiting or live, up to %d: Curfew keeps one of these and reports the others",
			map[bool]string{true: "1 customer has", false: fmt.Sprintf("%d customers have", n)}[n == 1], whole(found[0][1]))
	}
	return nil
}
