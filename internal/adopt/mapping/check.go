package mapping

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a mapping is right or wrong alike on every machine

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/suggest"
)

// tableName is what a name under adopt may look like. The name becomes part of ids, settings and
// commands.
var tableName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// Check reports whether a mapping is valid by itself; Fit checks it against a table. The error
// joins every Problem found.
func (t Table) Check() error { return check([]Table{t}).err() }

func check(tables []Table) problems {
	if len(tables) == 0 {
		return problems{{"adopt", "must not be empty: map a table, or leave it out"}}
	}
	var found problems
	for i, t := range tables {
		if !tableName.MatchString(t.Name) {
			found.add("adopt."+t.Name, "a name has small letters, digits, _ and -, and begins with a letter")
		}
		for _, other := range tables[:i] {
			if other.Relation == t.Relation && t.Relation != "" {
				found.add(t.Path("table"), "%s is mapped already, as %s", t.Relation, other.Name)
			}
		}
		t.checkColumns(&found)
		t.checkStatus(&found)
		t.checkTimes(&found)
		t.checkPayment(&found)
		t.checkRequest(&found)
		t.checkEndings(&found)
	}
	return found
}

func (t Table) checkColumns(found *problems) {
	t.checkRelation(found, "table", t.Relation)
	if t.ID == "" {
		found.add(t.Path("id"), "is needed: name the column with the session's id")
	}
	if len(t.Customer) == 0 {
		found.add(t.Path("customer"), "is needed: name the column with the customer, or several columns, of which the first that is not NULL counts")
	}
	for _, s := range t.Mechanic.Accepted {
		if t.Mechanic.Column != "" && !slices.Contains(t.allWords(), s) {
			found.add(t.Path("mechanic.accepted"), "%s is not one of the statuses under status%s", s, suggest.Among(s, t.allWords()))
		}
	}
	switch {
	case t.Duration.Column == "" && t.Duration.Unit != "":
		found.add(t.Path("duration.column"), "is needed: name the column with the duration, or leave duration out")
	case t.Duration.Column != "" && !slices.Contains([]string{"seconds", "minutes", "hours"}, t.Duration.Unit):
		found.add(t.Path("duration.unit"), "is needed: seconds, minutes or hours")
	}
}

func (t Table) checkRelation(found *problems, part, relation string) {
	if relation == "" {
		found.add(t.Path(part), "is needed: name the table like public.sessions")
		return
	}
	schema, _, err := SplitRelation(relation)
	switch {
	case err != nil:
		found.add(t.Path(part), "%v", err)
	case schema == "curfew", schema == "information_schema", strings.HasPrefix(schema, "pg_"):
		found.add(t.Path(part), "%s cannot be adopted: %s is not a schema of the marketplace", relation, schema)
	}
}

func (t Table) allWords() []string {
	var all []string
	for _, s := range curfew.SessionStatuses() {
		all = append(all, t.Status.Words[s]...)
	}
	return all
}

func (t Table) checkStatus(found *problems) {
	if t.Status.Column == "" {
		found.add(t.Path("status.column"), "is needed: name the column with the status")
	}
	if len(t.Words(curfew.Waiting)) == 0 {
		found.add(t.Path("status.waiting"), "is needed: list the words of sessions that wait for a mechanic")
	}
	seen := map[string]curfew.SessionStatus{}
	for _, s := range curfew.SessionStatuses() {
		for _, word := range t.Words(s) {
			if before, ok := seen[word]; ok {
				found.add(t.Path("status."+string(s)), "%s is under %s already: leave it under one of them", word, before)
			}
			seen[word] = s
		}
	}
	if len(t.Words(curfew.Scheduled)) > 0 && len(t.Times.Starts) == 0 {
		found.add(t.Path("times.starts"), "is needed for sessions that are scheduled: name the column with their start")
	}
}

func (t Table) checkTimes(found *problems) {
	if t.Times.Zone != "" {
		if _, err := time.LoadLocation(t.Times.Zone); err != nil || t.Times.Zone == "Local" {
			found.add(t.Path("times.zone"), "%q is not a time zone: write one like UTC or Asia/Kolkata", t.Times.Zone)
		}
	}
	if t.Times.Created == "" && t.Times.Entered == "" && !t.Times.Seen {
		found.add(t.Path("times.created"), "is needed: name the column with the time of creation, or write entered: seen")
	}
}

func (t Table) checkPayment(found *problems) {
	if t.Payment == nil {
		return
	}
	if t.Payment.Provider == "" {
		found.add(t.Path("payment.provider"), "is needed: stripe, or another name; or write payment: none")
	}
	if t.Payment.Ref == "" {
		found.add(t.Path("payment.ref"), "is needed: name the column with the provider's reference, or write payment: none")
	}
}

func (t Table) checkRequest(found *problems) {
	r := t.Request
	if r == nil {
		return
	}
	t.checkRelation(found, "request.table", r.Relation)
	if r.Session == "" {
		found.add(t.Path("request.session"), "is needed: name the column with the session's id")
	}
	if r.Status == "" {
		found.add(t.Path("request.status"), "is needed: name the column with the request's status")
	}
	if len(r.Pending) == 0 {
		found.add(t.Path("request.pending"), "is needed: list the words of unanswered requests")
	}
	switch {
	case r.Expired == "":
		found.add(t.Path("request.expired"), "is needed: the word of a request whose session was ended")
	case slices.Contains(r.Pending, r.Expired):
		found.add(t.Path("request.expired"), "%s is under pending already: a request must not be pending when its session has ended", r.Expired)
	}
	for _, column := range slices.Sorted(maps.Keys(r.Set)) {
		value := r.Set[column]
		switch {
		case column == r.Status || column == r.Session:
			found.add(t.Path("request.set."+column), "cannot be set here: it is the request's own %s", column)
		case value == PlannedEnd:
			found.add(t.Path("request.set."+column), "a request has no planned_end: write now, null or a text")
		}
	}
}
