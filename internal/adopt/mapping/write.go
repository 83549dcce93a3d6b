package mapping

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew"
)

// Notes are comments for people who read a mapping, keyed by part, such as status.waiting. A note
// on a part without a line of its own goes above the line that contains it.
type Notes map[string][]string

// Marshal writes the setting adopt as YAML, starting with the key adopt. Parse reads it back.
func Marshal(tables ...Table) ([]byte, error) { return write(tables, nil) }

// Marshal writes the mapping of one table like the function Marshal, with notes as comments.
func (t Table) Marshal(notes Notes) ([]byte, error) { return write([]Table{t}, notes) }

func write(tables []Table, notes Notes) ([]byte, error) {
	all := block()
	for _, t := range tables {
		w := writer{notes: maps.Clone(notes)}
		add(all, t.Name, w.table(t))
	}
	root := block()
	add(root, "adopt", all)
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// writer writes the YAML of one table, with its notes as comments.
type writer struct {
	notes  Notes
	absent []string
}

func (w *writer) table(t Table) *yaml.Node {
	node := block()
	w.line(node, "table", "table", scalar(t.Relation))
	w.line(node, "id", "id", scalar(t.ID))
	w.line(node, "customer", "customer", oneOrMore(t.Customer))
	w.line(node, "mechanic", "mechanic", mechanicNode(t.Mechanic))
	w.line(node, "status", "status", w.status(t.Status))
	w.line(node, "times", "times", w.times(t.Times))
	w.optional(node, "deleted", t.Deleted != "", scalar(t.Deleted))
	w.line(node, "deadline", "deadline", deadlineNode(t.Deadline))
	w.optional(node, "duration", t.Duration.Column != "", flow(member{"column", scalar(t.Duration.Column)}, member{"unit", scalar(t.Duration.Unit)}))
	w.optional(node, "plan", t.Plan != "", flow(member{"column", scalar(t.Plan)}))
	w.line(node, "payment", "payment", paymentNode(t.Payment))
	w.optional(node, "request", t.Request != nil, requestNode(t.Request))
	w.line(node, "end", "end", w.endings(t.End))
	w.leftover(node)
	return node
}

// optional adds a line if there is a value.
func (w *writer) optional(node *yaml.Node, key string, there bool, value *yaml.Node) {
	if there {
		w.line(node, key, key, value)
	} else {
		w.missing(key)
	}
}

func deadlineNode(column string) *yaml.Node {
	if column == "" {
		return scalar("policy")
	}
	return flow(member{"column", scalar(column)}, member{"else", scalar("policy")})
}

func mechanicNode(m Mechanic) *yaml.Node {
	switch {
	case m.Column == "":
		return scalar(none)
	case m.Accepted == nil:
		return flow(member{"column", scalar(m.Column)}, member{"accepted", scalar(notNull)})
	}
	return flow(member{"column", scalar(m.Column)}, member{"accepted", list(m.Accepted)})
}

func (w *writer) status(s Status) *yaml.Node {
	node := block()
	w.line(node, "status.column", "column", scalar(s.Column))
	for _, status := range curfew.SessionStatuses() {
		if words := s.Words[status]; len(words) > 0 {
			w.line(node, "status."+string(status), string(status), list(words))
		} else {
			w.missing("status." + string(status))
		}
	}
	w.line(node, "status.other", "other", scalar("report"))
	return node
}

func (w *writer) times(t Times) *yaml.Node {
	node := block()
	entered := t.Entered
	if t.Seen {
		entered = "seen"
	}
	for _, m := range []struct {
		key     string
		columns []string
	}{
		{"zone", []string{t.Zone}},
		{"created", []string{t.Created}},
		{"starts", t.Starts},
		{"entered", []string{entered}},
		{"accepted", []string{t.Accepted}},
		{"started", []string{t.Started}},
		{"ended", t.Ended},
	} {
		if len(m.columns) > 0 && m.columns[0] != "" {
			w.line(node, "times."+m.key, m.key, oneOrMore(m.columns))
		} else {
			w.missing("times." + m.key)
		}
	}
	return node
}

func paymentNode(p *Payment) *yaml.Node {
	if p == nil {
		return scalar(none)
	}
	paid := scalar(always)
	switch {
	case p.Paid != "" && len(p.Words) == 0:
		paid = flow(member{"column", scalar(p.Paid)}, member{"is", scalar(notNull)})
	case p.Paid != "":
		paid = flow(member{"column", scalar(p.Paid)}, member{"is", list(p.Words)})
	}
	return flow(member{"provider", scalar(p.Provider)}, member{"ref", scalar(p.Ref)}, member{"paid", paid})
}

func requestNode(r *Request) *yaml.Node {
	if r == nil {
		return nil
	}
	node := block()
	add(node, "table", scalar(r.Relation))
	add(node, "session", scalar(r.Session))
	add(node, "status", scalar(r.Status))
	add(node, "pending", list(r.Pending))
	add(node, "expired", scalar(r.Expired))
	if len(r.Set) > 0 {
		add(node, "set", settingsNode(r.Set))
	}
	return node
}

func (w *writer) endings(endings map[curfew.EndReason]Ending) *yaml.Node {
	node := block()
	for _, reason := range Reasons() {
		ending, ok := endings[reason]
		if !ok {
			w.missing("end." + string(reason))
			continue
		}
		value := flow(member{"status", scalar(ending.Status)})
		if len(ending.Set) > 0 {
			add(value, "set", settingsNode(ending.Set))
		}
		w.line(node, "end."+string(reason), string(reason), value)
	}
	if len(node.Content) == 0 {
		node.Style = yaml.FlowStyle
	}
	return node
}

func settingsNode(set map[string]string) *yaml.Node {
	node := flow()
	for _, column := range slices.Sorted(maps.Keys(set)) {
		value := scalar(set[column])
		if set[column] == Null {
			value.Style = 0
		}
		add(node, column, value)
	}
	return node
}

// line adds a line with its notes above it. Notes on nested lines have been taken already.
func (w *writer) line(node *yaml.Node, part, key string, value *yaml.Node) {
	add(node, key, value)
	name := node.Content[len(node.Content)-2]
	name.HeadComment = comment(append(w.absent, w.take(part)...))
	w.absent = nil
}

// missing saves the notes on a part without a line for the next line.
func (w *writer) missing(part string) { w.absent = append(w.absent, w.take(part)...) }

// take returns the notes on a part and everything in it, and removes them.
func (w *writer) take(part string) []string {
	var found []string
	for _, noted := range slices.Sorted(maps.Keys(w.notes)) {
		if noted == part || strings.HasPrefix(noted, part+".") {
			found = append(found, w.notes[noted]...)
			delete(w.notes, noted)
		}
	}
	return found
}

// leftover appends the notes that belong to no line.
func (w *writer) leftover(node *yaml.Node) {
	comments := w.absent
	for _, part := range slices.Sorted(maps.Keys(w.notes)) {
		comments = append(comments, w.notes[part]...)
	}
	node.FootComment = comment(comments)
}

// width is where comments wrap.
const width = 100

func comment(notes []string) string {
	var lines []string
	for _, note := range notes {
		line := "#"
		for word := range strings.FieldsSeq(note) {
			if len(line)+1+len(word) > width {
				lines, line = append(lines, line), "#"
			}
			line += " " + word
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func block() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func add(node *yaml.Node, key string, value *yaml.Node) {
	node.Content = append(node.Content, scalar(key), value)
}

// flow returns a mapping written on one line.
func flow(parts ...member) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for _, m := range parts {
		add(node, m.key, m.value)
	}
	return node
}

// oneOrMore writes a single text as a scalar, and several as a list.
func oneOrMore(all []string) *yaml.Node {
	if len(all) == 1 {
		return scalar(all[0])
	}
	return list(all)
}

func list(all []string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, text := range all {
		node.Content = append(node.Content, scalar(text))
	}
	return node
}

// scalar writes a text. It quotes one that YAML would otherwise read as no value.
func scalar(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if slices.Contains([]string{"", "~", "null", "Null", "NULL"}, text) {
		node.Style = yaml.DoubleQuotedStyle
	}
	return node
}
