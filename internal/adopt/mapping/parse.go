package mapping

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew"
)

// Parse reads the setting adopt: tables by name, in YAML or JSON, in the order of the text, with or
// without the key adopt around them. The error joins every Problem found.
func Parse(text []byte) ([]Table, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("adopt: not valid YAML or JSON: %w", err)
	}
	if doc.Kind == 0 {
		return nil, Problem{"adopt", "must not be empty: map a table, or leave it out"}
	}
	return ParseNode(doc.Content[0])
}

// ParseNode is Parse for YAML that is already decoded.
func ParseNode(node *yaml.Node) ([]Table, error) {
	var r reader
	named := r.members("adopt", node, nil)
	if inner, ok := unwrapped(named); ok {
		named = r.members("adopt", inner, nil)
	}
	var tables []Table
	for _, m := range named {
		tables = append(tables, r.table(m.key, m.value))
	}
	if len(r.problems) == 0 {
		r.problems = check(tables)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return tables, nil
}

// unwrapped returns what is below the key adopt if that is the only key, unless it is a table of
// that name.
func unwrapped(named []member) (*yaml.Node, bool) {
	if len(named) != 1 || named[0].key != "adopt" || named[0].value.Kind != yaml.MappingNode {
		return nil, false
	}
	var r reader
	for _, m := range r.members("", named[0].value, nil) {
		if m.key == "table" {
			return nil, false
		}
	}
	return named[0].value, true
}

var tableKeys = []string{
	"table", "id", "customer", "mechanic", "status", "times", "deleted", "deadline", "duration", "plan", "payment", "request", "end",
}

func (r *reader) table(name string, node *yaml.Node) Table {
	t := Table{Name: name}
	for _, m := range r.members("adopt."+name, node, tableKeys) {
		path := t.Path(m.key)
		switch m.key {
		case "table":
			t.Relation = r.text(path, m.value)
		case "id":
			t.ID = r.column(path, m.value)
		case "customer":
			t.Customer = r.columns(path, m.value)
		case "mechanic":
			t.Mechanic = r.mechanic(path, m.value)
		case "status":
			t.Status = r.status(path, m.value)
		case "times":
			t.Times = r.times(path, m.value)
		default:
			r.rest(&t, m.key, path, m.value)
		}
	}
	return t
}

// rest reads the optional keys of a mapping.
func (r *reader) rest(t *Table, key, path string, node *yaml.Node) {
	switch key {
	case "deleted":
		t.Deleted = r.column(path, node)
	case "deadline":
		t.Deadline = r.deadline(path, node)
	case "duration":
		t.Duration = r.duration(path, node)
	case "plan":
		t.Plan = r.plan(path, node)
	case "payment":
		t.Payment = r.payment(path, node)
	case "request":
		t.Request = r.request(path, node)
	case "end":
		t.End = r.endings(path, node)
	}
}

func (r *reader) mechanic(path string, node *yaml.Node) Mechanic {
	if node.Kind == yaml.ScalarNode {
		if is(node, "none") {
			return Mechanic{}
		}
		return Mechanic{Column: r.column(path, node)}
	}
	var found Mechanic
	for _, m := range r.members(path, node, []string{"column", "accepted"}) {
		at := path + "." + m.key
		switch {
		case m.key == "column":
			found.Column = r.column(at, m.value)
		case !is(m.value, notNull):
			found.Accepted = r.words(at, m.value)
		}
	}
	if found.Column == "" {
		r.add(path+".column", "is needed: name the column with the mechanic, or write mechanic: none")
	}
	return found
}

var statusKeys = []string{"column", "scheduled", "waiting", "live", "completed", "cancelled", "other"}

func (r *reader) status(path string, node *yaml.Node) Status {
	found := Status{Words: map[curfew.SessionStatus][]string{}}
	for _, m := range r.members(path, node, statusKeys) {
		at := path + "." + m.key
		switch m.key {
		case "column":
			found.Column = r.column(at, m.value)
		case "other":
			r.only(at, m.value, "report")
		default:
			if words := r.words(at, m.value); words != nil {
				found.Words[curfew.SessionStatus(m.key)] = words
			}
		}
	}
	return found
}

var timeKeys = []string{"zone", "created", "starts", "entered", "accepted", "started", "ended"}

func (r *reader) times(path string, node *yaml.Node) Times {
	var found Times
	for _, m := range r.members(path, node, timeKeys) {
		at := path + "." + m.key
		switch m.key {
		case "zone":
			found.Zone = r.text(at, m.value)
		case "created":
			found.Created = r.column(at, m.value)
		case "starts":
			found.Starts = r.columns(at, m.value)
		case "ended":
			found.Ended = r.columns(at, m.value)
		case "accepted":
			found.Accepted = r.column(at, m.value)
		case "started":
			found.Started = r.column(at, m.value)
		case "entered":
			if found.Seen = is(m.value, "seen"); !found.Seen {
				found.Entered = r.column(at, m.value)
			}
		}
	}
	return found
}

func (r *reader) deadline(path string, node *yaml.Node) (column string) {
	if node.Kind == yaml.ScalarNode {
		if is(node, "policy") {
			return ""
		}
		return r.column(path, node)
	}
	for _, m := range r.members(path, node, []string{"column", "else"}) {
		if m.key == "column" {
			column = r.column(path+".column", m.value)
		} else {
			r.only(path+".else", m.value, "policy")
		}
	}
	return column
}

func (r *reader) duration(path string, node *yaml.Node) Duration {
	var found Duration
	for _, m := range r.members(path, node, []string{"column", "unit"}) {
		if m.key == "column" {
			found.Column = r.column(path+".column", m.value)
		} else {
			found.Unit = r.only(path+".unit", m.value, "seconds", "minutes", "hours")
		}
	}
	return found
}

func (r *reader) plan(path string, node *yaml.Node) (column string) {
	if node.Kind == yaml.ScalarNode {
		return r.column(path, node)
	}
	for _, m := range r.members(path, node, []string{"column"}) {
		column = r.column(path+".column", m.value)
	}
	return column
}

func (r *reader) endings(path string, node *yaml.Node) map[curfew.EndReason]Ending {
	found := map[curfew.EndReason]Ending{}
	for _, m := range r.members(path, node, texts(Reasons())) {
		at, ending := path+"."+m.key, Ending{}
		if m.value.Kind == yaml.ScalarNode {
			ending.Status = r.text(at, m.value)
			found[curfew.EndReason(m.key)] = ending
			continue
		}
		for _, part := range r.members(at, m.value, []string{"status", "set"}) {
			if part.key == "status" {
				ending.Status = r.text(at+".status", part.value)
			} else {
				ending.Set = r.settings(at+".set", part.value)
			}
		}
		found[curfew.EndReason(m.key)] = ending
	}
	return found
}

// Reasons lists the reasons for which a row can be ended.
func Reasons() []curfew.EndReason {
	return []curfew.EndReason{curfew.Expired, curfew.NoShow, curfew.Overran, curfew.Missed}
}

func texts[T ~string](names []T) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return all
}
