package adopt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/suggest"
)

// Fit reports what in a mapping the table cannot hold: columns that are missing or have another
// type, words that an enum or a CHECK does not allow, values that a column refuses. It writes
// nothing, so it does not find what only a trigger of the table would refuse.
func Fit(ctx context.Context, q querier, t mapping.Table) ([]mapping.Problem, error) {
	r, err := ReadRelation(ctx, q, t.Relation)
	if err != nil {
		return nil, err
	}
	f := fit{t: t, r: r}
	f.columns()
	f.words()
	f.endings()
	if t.Request == nil {
		return f.problems, nil
	}
	offers, err := ReadRelation(ctx, q, t.Request.Relation)
	if err != nil {
		return nil, err
	}
	f.request(offers)
	return f.problems, nil
}

type fit struct {
	t        mapping.Table
	r        *Relation
	problems []mapping.Problem
}

func (f *fit) bad(part, format string, args ...any) {
	f.problems = append(f.problems, mapping.Problem{Path: f.t.Path(part), Text: fmt.Sprintf(format, args...)})
}

// has looks up a column of a table, and notes a problem if it is missing.
func (f *fit) has(part string, r *Relation, column string) (Column, bool) {
	c, ok := r.Columns[column]
	if !ok && column != "" {
		f.bad(part, "%s has no column %s%s", r, column, suggest.Among(column, r.Order))
	}
	return c, ok
}

func (f *fit) columns() {
	if c, ok := f.has("id", f.r, f.t.ID); ok && !f.r.identified(c.Name) && strings.HasSuffix(f.r.Kind, "table") {
		f.bad("id", "%s does not identify a row: it needs a primary key or a unique index of its own, and NOT NULL", c.Name)
	}
	for _, column := range f.t.Customer {
		f.has("customer", f.r, column)
	}
	f.has("mechanic.column", f.r, f.t.Mechanic.Column)
	f.has("plan", f.r, f.t.Plan)
	if c, ok := f.has("duration.column", f.r, f.t.Duration.Column); ok && !c.number() && c.Base != "double precision" && c.Base != "real" {
		f.bad("duration.column", "%s is %s, not a number", c.Name, c.Type)
	}
	if c, ok := f.has("deleted", f.r, f.t.Deleted); ok && c.NotNull && !c.flag() {
		f.bad("deleted", "%s is never NULL, so that every row would count as deleted", c.Name)
	}
	for part, columns := range map[string][]string{
		"times.created": {f.t.Times.Created}, "times.starts": f.t.Times.Starts, "times.entered": {f.t.Times.Entered},
		"times.accepted": {f.t.Times.Accepted}, "times.started": {f.t.Times.Started}, "times.ended": f.t.Times.Ended, "deadline": {f.t.Deadline},
	} {
		for _, column := range columns {
			f.moment(part, column)
		}
	}
	if p := f.t.Payment; p != nil {
		f.has("payment.ref", f.r, p.Ref)
		f.has("payment.paid.column", f.r, p.Paid)
	}
	slices.SortFunc(f.problems, func(a, b mapping.Problem) int { return strings.Compare(a.Path, b.Path) })
}

// identified reports whether a column alone is unique and never NULL.
func (r *Relation) identified(column string) bool {
	return r.Columns[column].NotNull && slices.ContainsFunc(r.Indexes, func(i Index) bool {
		return i.Unique && i.Predicate == "" && len(i.Columns) == 1 && i.Columns[0] == column
	})
}

func (f *fit) moment(part, column string) {
	c, ok := f.has(part, f.r, column)
	switch {
	case !ok:
	case c.Base == "date":
		f.bad(part, "%s is a date, which has no time of day", column)
	case !c.Moment():
		f.bad(part, "%s is %s, not a time", column, c.Type)
	case !c.HasZone() && f.t.Times.Zone == "":
		f.bad("times.zone", "is needed, because %s has no time zone: write one like UTC", column)
	}
}

// words checks that the table allows the status words of the mapping.
func (f *fit) words() {
	c, ok := f.has("status.column", f.r, f.t.Status.Column)
	if !ok {
		return
	}
	for _, status := range slices.Sorted(maps.Keys(f.t.Status.Words)) {
		for _, word := range f.t.Status.Words[status] {
			f.holds("status."+string(status), f.r, c, word)
		}
	}
}

func (f *fit) endings() {
	for _, reason := range slices.Sorted(maps.Keys(f.t.End)) {
		part := "end." + string(reason)
		f.sets(part, f.r, f.t.End[reason].Set)
	}
}

func (f *fit) request(offers *Relation) {
	f.has("request.session", offers, f.t.Request.Session)
	if c, ok := f.has("request.status", offers, f.t.Request.Status); ok {
		for _, word := range append(slices.Clone(f.t.Request.Pending), f.t.Request.Expired) {
			f.holds("request", offers, c, word)
		}
	}
	f.sets("request", offers, f.t.Request.Set)
}

// sets checks each column that is to be set, and its value.
func (f *fit) sets(part string, r *Relation, set map[string]string) {
	for _, column := range slices.Sorted(maps.Keys(set)) {
		at := part + ".set." + column
		c, ok := f.has(at, r, column)
		switch value := set[column]; {
		case !ok:
		case c.Generated:
			f.bad(at, "the column is generated, and cannot be set")
		case value == mapping.Null && c.NotNull:
			f.bad(at, "the column is NOT NULL")
		case value == mapping.Null:
		case value != mapping.Now && value != mapping.PlannedEnd:
			f.holds(at, r, c, value)
		case !c.Moment() && c.Base != "date":
			f.bad(at, "the column is %s, which cannot hold a time", c.Type)
		case !c.HasZone() && c.Base != "date" && f.t.Times.Zone == "":
			f.bad("times.zone", "is needed, because %s has no time zone: write one like UTC", column)
		}
	}
}

// holds checks that a column can hold a text.
func (f *fit) holds(part string, r *Relation, c Column, text string) {
	words, by := r.allowed(c.Name)
	switch {
	case words != nil && !contains(words, text):
		hint := suggest.Among(text, words)
		if hint == "" {
			hint = ": it allows " + strings.Join(words, ", ")
		}
		f.bad(part, "%s does not allow %s in %s%s", by, text, c.Name, hint)
	case c.integer() && strings.Trim(text, "-0123456789") != "":
		f.bad(part, "%s is %s, and %q is no number", c.Name, c.Type, text)
	case c.length() > 0 && len([]rune(text)) > c.length():
		f.bad(part, "%s is %s, which is too short for %q", c.Name, c.Type, text)
	}
}

// length returns the maximum length of a character varying column; 0 for any other.
func (c Column) length() int {
	n := 0
	if _, err := fmt.Sscanf(c.Type, "character varying(%d)", &n); err != nil {
		return 0
	}
	return n
}
