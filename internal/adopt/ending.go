package adopt

import (
	"maps"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// In the SQL below, t is the row being written and s its mirror.

// ruleFor returns the reason for which an overdue session in this state is ended.
func ruleFor(status curfew.SessionStatus, assigned bool) curfew.EndReason {
	switch {
	case status == curfew.Live:
		return curfew.Overran
	case status == curfew.Scheduled:
		return curfew.Missed
	case assigned:
		return curfew.NoShow
	}
	return curfew.Expired
}

// ended returns the status that an ending's word stands for.
func (r reading) ended(e mapping.Ending) curfew.SessionStatus {
	if slices.Contains(r.Words(curfew.Completed), e.Status) {
		return curfew.Completed
	}
	return curfew.Cancelled
}

// byHand returns the ending for a person's decision: that of the state's own rule, or else any
// other that leads to the same status. Its fixed texts are dropped, because they give the rule's
// reason.
func (r reading) byHand(own curfew.EndReason, to curfew.SessionStatus) (mapping.Ending, bool) {
	for _, reason := range append([]curfew.EndReason{own}, mapping.Reasons()...) {
		e, ok := r.End[reason]
		if !ok || r.ended(e) != to {
			continue
		}
		set := maps.Clone(e.Set)
		maps.DeleteFunc(set, func(_, v string) bool { return v != mapping.Now && v != mapping.PlannedEnd && v != mapping.Null })
		return mapping.Ending{Status: e.Status, Set: set}, true
	}
	return mapping.Ending{}, false
}

// idType is the type to cast ids to so that the comparison can use their index.
func (r reading) idType() string { return r.columns.comparable(r.ID) }

// comparable is the type to cast a value to for comparison with a column, without truncating it.
func (c Columns) comparable(column string) string {
	if c[column].Base == "character" { // without a length it would have length 1
		return c[column].Type
	}
	return c[column].Base
}

// stored converts a moment to a column's type.
func (r reading) stored(c Column, moment string) string {
	if r.Times.Zone != "" && !c.HasZone() {
		moment = "(" + moment + " AT TIME ZONE " + literal(r.Times.Zone) + ")"
	}
	return "(" + moment + ")::" + c.Type
}

// setting is the expression that an ending assigns to a column.
func (r reading) setting(alias string, c Column, v string) string {
	switch v {
	case mapping.Null:
		return "NULL"
	case mapping.Now:
		return r.stored(c, "now()")
	case mapping.PlannedEnd:
		return r.stored(c, "least(now(), "+r.moment(alias, r.Times.Started)+" + "+r.planned(alias)+")")
	}
	return literal(v)
}

// assignment maps columns to the expressions they are set to.
type assignment map[string]string

func (a assignment) String() string {
	var all []string
	for _, column := range slices.Sorted(maps.Keys(a)) {
		all = append(all, name(column)+" = "+a[column])
	}
	return strings.Join(all, ", ")
}

// sets returns what an ending sets in row t.
func (r reading) sets(e mapping.Ending) assignment {
	a := assignment{r.Status.Column: literal(e.Status)}
	for column, v := range e.Set {
		a[column] = r.setting("t", r.columns[column], v)
	}
	return a
}

// setsRequest returns what ending a session sets in its request q.
func (r reading) setsRequest(columns Columns) assignment {
	a := assignment{r.Request.Status: literal(r.Request.Expired)}
	for column, v := range r.Request.Set {
		a[column] = r.setting("q", columns[column], v)
	}
	return a
}

// pending tests whether request q is unanswered.
func (r reading) pending() string {
	return "q." + name(r.Request.Status) + "::text IN " + list(r.Request.Pending)
}

// unmoved tests that row t is unchanged since its mirror s was made.
func (r reading) unmoved() string {
	return strings.Join([]string{
		"s.adopted_from || '' = " + literal(r.Name), // by its key, and by no index of mirrors
		r.word("t") + " = s.adopted_word",
		"(" + r.status("t") + ") = s.status",
		"(" + r.mechanic("t") + ") IS NOT DISTINCT FROM s.mechanic_id",
		"(" + r.customer("t") + ") = s.customer_id",
		r.there("t"),
	}, " AND ")
}

// overdue tests whether row t is past its deadline: that of its own column, or else its mirror's.
func (r reading) overdue() string { return "coalesce(" + r.expires("t") + ", s.expires_at) < now()" }
