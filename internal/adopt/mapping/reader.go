package mapping

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew/internal/suggest"
)

// reader reads YAML and collects what is wrong with it.
type reader struct{ problems }

// member is one key and its value in a mapping.
type member struct {
	key   string
	value *yaml.Node
}

// members returns the members of a mapping, in order. It reports keys other than those listed; nil
// allows any.
func (r *reader) members(path string, node *yaml.Node, keys []string) []member {
	node = resolved(node)
	if node.Kind != yaml.MappingNode {
		r.add(path, "must be a mapping: lines like name: value")
		return nil
	}
	var all []member
	for kv := range slices.Chunk(node.Content, 2) {
		m := member{kv[0].Value, resolved(kv[1])}
		switch {
		case kv[0].Kind != yaml.ScalarNode || m.key == "":
			r.add(path, "a name must be one word")
		case slices.ContainsFunc(all, func(o member) bool { return o.key == m.key }):
			r.add(path+"."+m.key, "is set twice")
		case keys != nil && !slices.Contains(keys, m.key):
			hint := suggest.Among(m.key, keys)
			if hint == "" {
				hint = ": there are " + strings.Join(keys, ", ")
			}
			r.add(path+"."+m.key, "unknown key%s", hint)
		default:
			all = append(all, m)
		}
	}
	return all
}

// column reads the name of a column.
func (r *reader) column(path string, node *yaml.Node) string {
	name := r.text(path, node)
	inner := strings.Trim(name, `"`)
	switch {
	case name == "":
		return ""
	case strings.HasPrefix(name, `"`) && strings.HasSuffix(name, `"`) && inner != "":
		r.add(path, "must be the column's name without double quotes: %s", inner)
	case len(name) > maxName:
		r.add(path, "is longer than a column's name can be, which is %d bytes", maxName)
	}
	return name
}

// columns reads the name of one column, or a list.
func (r *reader) columns(path string, node *yaml.Node) []string {
	return r.list(path, node, r.column)
}

// words reads one word, or a list.
func (r *reader) words(path string, node *yaml.Node) []string {
	return r.list(path, node, r.text)
}

func (r *reader) list(path string, node *yaml.Node, one func(string, *yaml.Node) string) []string {
	if node.Kind != yaml.SequenceNode {
		if text := one(path, node); text != "" {
			return []string{text}
		}
		return nil
	}
	var all []string
	for _, item := range node.Content {
		text := one(path, resolved(item))
		if text != "" && slices.Contains(all, text) {
			r.add(path, "has %s twice", text)
		} else if text != "" {
			all = append(all, text)
		}
	}
	if len(node.Content) == 0 {
		r.add(path, "must not be empty: name one, or leave the line out")
	}
	return all
}

// text reads one value, which must not be empty.
func (r *reader) text(path string, node *yaml.Node) string {
	switch {
	case node.Kind != yaml.ScalarNode:
		r.add(path, "must be one value")
		return ""
	case node.Tag == "!!null" || strings.TrimSpace(node.Value) == "":
		r.add(path, "has no value: give it one, or leave the line out")
		return ""
	}
	return node.Value
}

// settings reads columns and the values they are set to.
func (r *reader) settings(path string, node *yaml.Node) map[string]string {
	all := map[string]string{}
	for _, m := range r.members(path, node, nil) {
		switch {
		case m.value.Kind != yaml.ScalarNode:
			r.add(path+"."+m.key, "must be one value: now, planned_end, null or a text")
		case m.value.Tag == "!!null":
			all[m.key] = Null
		default:
			all[m.key] = m.value.Value
		}
	}
	return all
}

// only reads a value that must be one of those allowed.
func (r *reader) only(path string, node *yaml.Node, allowed ...string) string {
	text := r.text(path, node)
	if text != "" && !slices.Contains(allowed, text) {
		r.add(path, "must be %s, not %s", strings.Join(allowed, " or "), text)
	}
	return text
}

func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// is reports whether a value is exactly this word.
func is(node *yaml.Node, word string) bool { return node.Kind == yaml.ScalarNode && node.Value == word }
