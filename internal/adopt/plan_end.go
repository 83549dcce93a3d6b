package adopt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// ends judges the ending of every rule by the catalog, and by evaluating the table's CHECKs on a
// row as the ending would leave it. It writes nothing, not even to roll it back.
func (r reading) ends(ctx context.Context, tx pgx.Tx, rel *Relation) ([]End, error) {
	judged := make([]End, 0, len(mapping.Reasons()))
	for _, rule := range mapping.Reasons() {
		end, ok := r.End[rule]
		if !ok {
			judged = append(judged, End{Rule: rule})
			continue
		}
		e := End{Rule: rule, Status: end.Status, Wrong: r.unsettable(end), Unsure: unsure(rel)}
		if e.Wrong == "" {
			var err error
			if e.Wrong, err = r.refused(ctx, tx, rel, rule, end); err != nil {
				return nil, err
			}
		}
		judged = append(judged, e)
	}
	return judged, nil
}

// unsettable says which column of an ending cannot be set at all; "" if all can.
func (r reading) unsettable(end mapping.Ending) string {
	if status := r.columns[r.Status.Column]; status.Words != nil && !slices.Contains(status.Words, end.Status) {
		return fmt.Sprintf("type %s has no %q: it has %s", status.Base, end.Status, strings.Join(status.Words, ", "))
	}
	if wrong := r.columns[r.Status.Column].cut(end.Status); wrong != "" {
		return wrong
	}
	for _, column := range slices.Sorted(maps.Keys(end.Set)) {
		c, ok := r.columns[column]
		switch {
		case !ok:
			return fmt.Sprintf("%s has no column %q", r.Relation, column)
		case c.Generated:
			return fmt.Sprintf("column %q is generated, and cannot be set", column)
		case c.NotNull && end.Set[column] == mapping.Null:
			return fmt.Sprintf("column %q must not be null", column)
		}
		if wrong := c.cut(end.Set[column]); wrong != "" {
			return wrong
		}
	}
	return ""
}

var width = regexp.MustCompile(`^character(?: varying)?\((\d+)\)`)

// cut says that a text is too long for the column: a cast would truncate it, an assignment fails.
func (c Column) cut(text string) string {
	if m := width.FindStringSubmatch(c.Type); m != nil {
		if most, err := strconv.Atoi(m[1]); err == nil && utf8.RuneCountInString(text) > most {
			return fmt.Sprintf("%q is too long for column %q, %s", text, c.Name, c.Type)
		}
	}
	return ""
}

// unsure names the table's own triggers, which may refuse any change.
func unsure(rel *Relation) string {
	var names []string
	for _, t := range rel.Triggers {
		if t.Update {
			names = append(names, t.Name)
		}
	}
	if names == nil {
		return ""
	}
	return "your own trigger may refuse it, which only a real update shows: " + strings.Join(names, ", ")
}

// refused says which of the table's constraints the ending would violate; "" if none.
func (r reading) refused(ctx context.Context, tx pgx.Tx, rel *Relation, rule curfew.EndReason, end mapping.Ending) (string, error) {
	values := map[string]string{r.Status.Column: literal(end.Status) + "::" + r.columns[r.Status.Column].Type}
	for column, value := range end.Set {
		values[column] = r.setting("t", r.columns[column], value) + "::" + r.columns[column].Type
	}
	changes := func(column string) bool { return values[column] != "" }
	ended := r.asEnded(rel, rule, values)
	if wrong, err := evaluate(ctx, tx, "SELECT true FROM "+ended); wrong != "" || err != nil {
		return wrong, err
	}
	for _, check := range rel.Checks {
		if !slices.ContainsFunc(check.Columns, changes) {
			continue
		}
		if wrong, err := evaluate(ctx, tx, "SELECT ("+check.Expr+") IS NOT FALSE FROM "+ended); wrong != "" || err != nil {
			return fmt.Sprintf("CHECK %s refuses it: %s", check.Name, check.Expr), err
		}
	}
	for _, key := range rel.References {
		if len(key.Columns) != 1 || !changes(key.Columns[0]) {
			continue
		}
		other := mapping.JoinRelation(key.Schema, key.Table)
		sql := fmt.Sprintf("SELECT e.v IS NULL OR EXISTS (SELECT FROM %s o WHERE o.%s = e.v) FROM (SELECT %s AS v FROM %s) e",
			other, name(key.Others[0]), name(key.Columns[0]), ended)
		if wrong, err := evaluate(ctx, tx, sql); wrong != "" || err != nil {
			return fmt.Sprintf("%s has no row for the new value of %q, which refers to it", other, key.Columns[0]), err
		}
	}
	return "", nil
}

// asEnded selects a row that the rule ends as the ending would leave it; all NULL if there is none
// now.
func (r reading) asEnded(rel *Relation, rule curfew.EndReason, values map[string]string) string {
	row := make([]string, 0, len(rel.Order))
	for _, column := range rel.Order {
		value, ok := values[column]
		if !ok {
			value = r.column("t", column)
		}
		row = append(row, value+" AS "+name(column))
	}
	return fmt.Sprintf("(SELECT %s FROM (SELECT) one LEFT JOIN LATERAL (SELECT * FROM %s t WHERE %s AND (%s) = %s LIMIT 1) t ON true) %s",
		strings.Join(row, ", "), r.Relation, r.there("t"), r.rule("t"), literal(string(rule)), name(rel.Name))
}

// rule is the name of the rule that ends an open row.
func (r reading) rule(alias string) string {
	return r.byState(alias, literal(string(curfew.Expired)), literal(string(curfew.NoShow)), literal(string(curfew.Overran)), literal(string(curfew.Missed)))
}

// evaluate runs a query that returns one boolean. It says what is wrong if that is false, or if a
// value does not fit its type.
func evaluate(ctx context.Context, tx pgx.Tx, sql string) (wrong string, err error) {
	var right bool
	err = pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error { return one(ctx, inner, sql, nil, &right) })
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && (strings.HasPrefix(refused.Code, "22") || strings.HasPrefix(refused.Code, "23")):
		return refused.Message, nil
	case err == nil && !right:
		return "it is refused", nil
	}
	return "", err
}
