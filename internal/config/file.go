package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Entry is one setting in the file. Its text is what a flag would have.
type Entry struct {
	Key, Text string
	Line      int
	List      bool // the text is a list, as IsList's settings are
}

// ReadFile reads a YAML file of settings. Groups nest: a key below a group is GROUP.KEY, and may
// also be written like that.
func ReadFile(path string, groups []string) ([]Entry, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names his own file
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file must hold exactly one document")
	}
	all, err := entries("", &doc, groups)
	for i, e := range all {
		if twice := slices.IndexFunc(all[:i], func(o Entry) bool { return o.Key == e.Key }); twice >= 0 {
			return nil, fmt.Errorf("line %d: %s is set twice, first in line %d", e.Line, e.Key, all[twice].Line)
		}
	}
	return all, err
}

func entries(prefix string, node *yaml.Node, groups []string) ([]Entry, error) {
	parts, err := members(node)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, m := range parts {
		if group := prefix + m.key; slices.Contains(groups, group) {
			nested, err := entries(group+".", m.value, groups)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", group, err)
			}
			all = append(all, nested...)
			continue
		}
		text, err := settingText(m.value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s%s: %w", m.line, prefix, m.key, err)
		}
		all = append(all, Entry{prefix + m.key, text, m.line, m.value.Kind == yaml.SequenceNode})
	}
	return all, nil
}

// settingText returns a value as it would be typed; lists and mappings stay YAML.
func settingText(node *yaml.Node) (string, error) {
	switch {
	case node.Tag == "!!null":
		return "", errors.New("has no value: give it one or leave the line out")
	case node.Kind == yaml.ScalarNode:
		return node.Value, nil
	case node.Kind == yaml.MappingNode:
		text, err := yaml.Marshal(node)
		return string(text), err
	case node.Kind == yaml.SequenceNode:
		node.Style = yaml.FlowStyle
		text, err := yaml.Marshal(node)
		return strings.TrimSpace(string(text)), err
	}
	return "", ErrOneValue
}

// member is one line of a mapping.
type member struct {
	key   string
	value *yaml.Node
	line  int
}

// members returns the lines of a mapping, in order. A duplicate key is an error, and so is a key
// that is not text.
func members(node *yaml.Node) ([]member, error) {
	if node.Kind == yaml.DocumentNode {
		node = node.Content[0]
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil, errors.New("must be a mapping: lines like name: value")
	}
	var all []member
	for kv := range slices.Chunk(node.Content, 2) {
		m := member{kv[0].Value, kv[1], kv[0].Line}
		if kv[0].Kind != yaml.ScalarNode || m.key == "" {
			return nil, fmt.Errorf("line %d: a name must be one word", m.line)
		}
		if slices.ContainsFunc(all, func(o member) bool { return o.key == m.key }) {
			return nil, fmt.Errorf("line %d: %s is set twice", m.line, m.key)
		}
		all = append(all, m)
	}
	return all, nil
}

// pair is a name and its value.
type pair struct{ key, value string }

// parsePairs reads a=x,b=y, or a mapping in YAML or JSON.
func parsePairs(text []byte) ([]pair, error) {
	if strings.TrimSpace(string(text)) == "" {
		return nil, ErrEmpty
	}
	if bytes.ContainsRune(text, '=') {
		return splitPairs(string(text))
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || doc.Kind == 0 {
		return nil, fmt.Errorf("%q is not a list like a=x,b=y", text)
	}
	parts, err := members(&doc)
	if err != nil {
		return nil, fmt.Errorf("%q is not a list like a=x,b=y", text)
	}
	if len(parts) == 0 {
		return nil, ErrEmpty
	}
	pairs := make([]pair, len(parts))
	for i, m := range parts {
		if m.value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s must be one value", m.key)
		}
		pairs[i] = pair{m.key, m.value.Value}
	}
	return pairs, nil
}

func splitPairs(text string) ([]pair, error) {
	var pairs []pair
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case !ok:
			return nil, fmt.Errorf("%q is not a list like a=x,b=y", text)
		case slices.ContainsFunc(pairs, func(p pair) bool { return p.key == key }):
			return nil, fmt.Errorf("%s is set twice", key)
		}
		pairs = append(pairs, pair{key, value})
	}
	return pairs, nil
}
