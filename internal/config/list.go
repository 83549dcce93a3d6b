package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// list is a setting with several values, written with commas, or as a list in YAML or JSON:
// ["a","b"].
type list interface{ list() }

func (*Accounts) list()     {}
func (*MetadataKeys) list() {}
func (*Networks) list()     {}
func (*Origins) list()      {}
func (*SealKeys) list()     {}
func (*Secrets) list()      {}

// IsList reports whether a setting of this type may be written as a list.
func IsList(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, ok := reflect.New(t).Interface().(list)
	return ok
}

// items returns the values of a list. Its error does not repeat the text, which may be secret.
func items(text string) ([]string, error) {
	if !isList(text) {
		parts := strings.Split(text, ",")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		return parts, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.SequenceNode {
		return nil, errors.New(`is not a list: write it as a,b or as ["a","b"]`)
	}
	return scalars(doc.Content[0])
}

func isList(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "[") }

// distinctNames returns the values of a list of names.
func distinctNames(text string) ([]string, error) {
	names, err := items(text)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		switch {
		case name == "":
			return nil, errors.New("has an empty name: write names with a comma between them")
		case slices.Contains(names[:i], name):
			return nil, fmt.Errorf("%s is set twice", name)
		}
	}
	return names, nil
}

// IsMap reports whether a setting of this type is a map: from names to values, or to maps.
func IsMap(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch reflect.New(t).Interface().(type) {
	case *Adopt, *Amounts, *Issuers, *Plans, *RefundShares, *RuleSwitches, *Settlements:
		return true
	}
	return false
}
