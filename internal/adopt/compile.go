package adopt

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// reading compiles a mapping into SQL expressions over one row of its table. An expression is the
// same whether the row comes from a query or is OLD or NEW in a trigger.
type reading struct {
	mapping.Table
	policy  curfew.Policy
	columns Columns
}

// name quotes an identifier.
func name(s string) string { return pgx.Identifier{s}.Sanitize() }

// literal quotes a string.
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// list writes a parenthesized list of strings for IN. An empty list matches nothing.
func list(words []string) string {
	if len(words) == 0 {
		return "(NULL)"
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = literal(w)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

func interval(d time.Duration) string {
	return fmt.Sprintf("interval '%d microseconds'", d.Microseconds())
}

// Every method below returns an expression on the row that alias names.

func (r reading) column(alias, column string) string { return alias + "." + name(column) }

// text returns a column as text, or NULL if the mapping has no such column.
func (r reading) text(alias, column string) string {
	if column == "" {
		return "NULL::text"
	}
	return r.column(alias, column) + "::text"
}

func (r reading) id(alias string) string { return r.text(alias, r.ID) }

func (r reading) word(alias string) string { return r.text(alias, r.Status.Column) }

// customer returns the first customer column that is neither NULL nor empty.
func (r reading) customer(alias string) string {
	var all []string
	for _, column := range r.Customer {
		all = append(all, "nullif("+r.text(alias, column)+", '')")
	}
	return coalesce("text", all)
}

// status translates the row's status word into Curfew's status; NULL if the word is not mapped.
func (r reading) status(alias string) string {
	var b strings.Builder
	b.WriteString("CASE")
	for _, s := range curfew.SessionStatuses() {
		if words := r.Words(s); len(words) > 0 {
			fmt.Fprintf(&b, " WHEN %s IN %s THEN '%s'", r.word(alias), list(words), s)
		}
	}
	return b.String() + " END"
}

// is tests whether a row has one of the given statuses.
func (r reading) is(alias string, s ...curfew.SessionStatus) string {
	var words []string
	for _, status := range s {
		words = append(words, r.Words(status)...)
	}
	return r.word(alias) + " IN " + list(words)
}

// mechanic returns the mechanic who accepted, or NULL.
func (r reading) mechanic(alias string) string {
	column := "nullif(" + r.text(alias, r.Mechanic.Column) + ", '')"
	switch {
	case r.Mechanic.Column == "":
		return "NULL::text"
	case r.Mechanic.Accepted == nil:
		return column
	}
	return fmt.Sprintf("CASE WHEN %s IN %s THEN %s END", r.word(alias), list(r.Mechanic.Accepted), column)
}

// moment returns the first of the columns that is not NULL, as a timestamptz.
func (r reading) moment(alias string, columns ...string) string {
	var all []string
	for _, column := range columns {
		if column == "" {
			continue
		}
		c := r.column(alias, column)
		if r.zoneless(column) {
			c = "(" + c + "::timestamp AT TIME ZONE " + literal(r.Times.Zone) + ")"
		}
		all = append(all, c+"::timestamptz")
	}
	return coalesce("timestamptz", all)
}

// zoneless reports whether a column's values are interpreted in the mapping's time zone.
func (r reading) zoneless(column string) bool {
	return r.Times.Zone != "" && !r.columns[column].HasZone()
}

func coalesce(kind string, all []string) string {
	switch len(all) {
	case 0:
		return "NULL::" + kind
	case 1:
		return all[0]
	}
	return "coalesce(" + strings.Join(all, ", ") + ")"
}

// seconds returns the planned duration in seconds: the row's own, else its plan's, else NULL.
func (r reading) seconds(alias string) string {
	var all []string
	if r.Duration.Column != "" {
		unit := map[string]int{"seconds": 1, "minutes": 60, "hours": 3600}[r.Duration.Unit]
		column := r.column(alias, r.Duration.Column)
		if r.columns[r.Duration.Column].Base == "interval" {
			column, unit = "extract(epoch FROM "+column+")", 1
		}
		all = append(all, "nullif(greatest(("+column+" * "+strconv.Itoa(unit)+")::integer, 0), 0)")
	}
	if r.Plan != "" {
		if byPlan := r.byPlan(alias, func(p curfew.Plan) string { return seconds(p.Duration) }); byPlan != "" {
			all = append(all, byPlan)
		}
	}
	return coalesce("integer", all)
}

func seconds(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return strconv.FormatInt(int64(d/time.Second), 10)
}

// byPlan selects a value by the row's plan; it is empty if no plan has one.
func (r reading) byPlan(alias string, value func(curfew.Plan) string) string {
	var b strings.Builder
	for _, plan := range slices.Sorted(maps.Keys(r.policy.Plans)) {
		if v := value(r.policy.Plans[plan]); v != "" {
			fmt.Fprintf(&b, " WHEN %s THEN %s", literal(plan), v)
		}
	}
	if r.Plan == "" || b.Len() == 0 {
		return ""
	}
	return "CASE " + r.text(alias, r.Plan) + b.String() + " END"
}

// ttl returns how long an unassigned session may wait.
func (r reading) ttl(alias string) string {
	byPlan := r.byPlan(alias, func(p curfew.Plan) string {
		if p.WaitingTTL == 0 {
			return ""
		}
		return interval(p.WaitingTTL)
	})
	if byPlan == "" {
		return interval(r.policy.WaitingTTL)
	}
	return "coalesce(" + byPlan + ", " + interval(r.policy.WaitingTTL) + ")"
}

func (r reading) unassigned(alias string) string { return "(" + r.mechanic(alias) + ") IS NULL" }

// planned returns how long after its start a live session is planned to last.
func (r reading) planned(alias string) string {
	return "make_interval(secs => coalesce(" + r.seconds(alias) + ", 1800))"
}

// entered returns when the session began to wait, or NULL if no column records it.
func (r reading) entered(alias string) string {
	if r.Times.Seen {
		return "NULL::timestamptz"
	}
	return r.moment(alias, r.Times.Entered, r.Times.Created)
}

// byState selects the expression for the row's open state.
func (r reading) byState(alias, waiting, accepted, live, scheduled string) string {
	return "CASE WHEN " + r.is(alias, curfew.Waiting) + " AND " + r.unassigned(alias) + " THEN " + waiting +
		" WHEN " + r.is(alias, curfew.Waiting) + " THEN " + accepted +
		" WHEN " + r.is(alias, curfew.Live) + " THEN " + live +
		" WHEN " + r.is(alias, curfew.Scheduled) + " THEN " + scheduled + " END"
}

// expires returns the deadline that the table's own column gives a session waiting for a mechanic.
func (r reading) expires(alias string) string {
	if r.Deadline == "" {
		return "NULL::timestamptz"
	}
	return "CASE WHEN " + r.is(alias, curfew.Waiting) + " AND " + r.unassigned(alias) + " THEN " + r.moment(alias, r.Deadline) + " END"
}

// until returns the deadline that the policy derives from the row's columns; NULL if no column
// records when the state began.
func (r reading) until(alias string) string {
	return r.byState(alias,
		r.entered(alias)+" + "+r.ttl(alias),
		r.moment(alias, r.Times.Accepted)+" + "+interval(r.policy.JoinTTL),
		r.moment(alias, r.Times.Started)+" + "+r.planned(alias)+" + "+interval(r.policy.LiveGrace),
		r.starts(alias)+" + "+interval(r.policy.JoinTTL))
}

// wait returns how long a state that has just begun may last.
func (r reading) wait(alias string) string {
	return r.byState(alias, r.ttl(alias), interval(r.policy.JoinTTL),
		r.planned(alias)+" + "+interval(r.policy.LiveGrace), interval(r.policy.JoinTTL))
}

func (r reading) starts(alias string) string {
	return r.moment(alias, append(slices.Clone(r.Times.Starts), r.Times.Created)...)
}

// startsAt returns when an appointment starts; NULL for a session that was never an appointment.
func (r reading) startsAt(alias string) string {
	if len(r.Words(curfew.Scheduled)) == 0 {
		return "NULL::timestamptz"
	}
	own := slices.DeleteFunc(slices.Clone(r.Times.Starts), func(column string) bool { return column == r.Times.Created })
	return "CASE WHEN " + r.is(alias, curfew.Scheduled) + " THEN " + r.starts(alias) + " ELSE " + r.moment(alias, own...) + " END"
}

// there tests that a row is not deleted.
func (r reading) there(alias string) string {
	switch {
	case r.Deleted == "":
		return "true"
	case r.columns[r.Deleted].Base == "boolean":
		return r.column(alias, r.Deleted) + " IS NOT TRUE"
	}
	return r.column(alias, r.Deleted) + " IS NULL"
}

// row returns the whole row as a curfew.adopted_row.
func (r reading) row(alias string) string { return r.fields(alias) + "::curfew.adopted_row" }

// fields returns the whole row for a database that lacks Curfew's types: its text form is that of a
// curfew.adopted_row.
func (r reading) fields(alias string) string {
	return "ROW(" + strings.Join([]string{
		r.id(alias), r.word(alias), r.status(alias), r.customer(alias), r.mechanic(alias), r.text(alias, r.Plan), r.seconds(alias),
		r.moment(alias, r.Times.Created), r.startsAt(alias), r.expires(alias), r.until(alias), r.wait(alias),
		r.moment(alias, r.Times.Accepted), r.moment(alias, r.Times.Started), r.moment(alias, r.Times.Ended...),
	}, ", ") + ")"
}
