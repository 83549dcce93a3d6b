package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/suggest"
)

// Issuers are other issuers whose tokens are accepted: a mapping from any name to issuer, in YAML
// or JSON.
type Issuers struct{ All []Issuer }

// Issuer is an issuer as a setting describes it; see auth.Issuer.
type Issuer struct {
	Name, Audience, Secret, JWKSURL string

	Subject string
	Role    []string
	Roles   map[string]curfew.Role
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Issuers) UnmarshalText(text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("is not valid YAML or JSON: %w", err)
	}
	if doc.Kind == 0 {
		return ErrEmpty
	}
	named, err := members(&doc)
	if err != nil {
		return err
	}
	s.All = nil
	for _, m := range named {
		one, err := readIssuer(m.value)
		if err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
		if slices.ContainsFunc(s.All, func(o Issuer) bool { return o.Name == one.Name }) {
			return fmt.Errorf("%s: another one has the issuer %s already", m.key, one.Name)
		}
		s.All = append(s.All, one)
	}
	return nil
}

var issuerKeys = []string{"issuer", "audience", "jwksUrl", "secret", "subject", "role", "roles"}

func readIssuer(node *yaml.Node) (Issuer, error) {
	var one Issuer
	parts, err := members(node)
	if err != nil {
		return one, err
	}
	for _, m := range parts {
		if err := one.read(m.key, m.value); err != nil {
			return one, fmt.Errorf("%s: %w", m.key, err)
		}
	}
	return one, nil
}

func (i *Issuer) read(key string, node *yaml.Node) (err error) {
	switch key {
	case "issuer":
		i.Name, err = scalar(node)
	case "audience":
		i.Audience, err = scalar(node)
	case "jwksUrl":
		i.JWKSURL, err = scalar(node)
	case "secret":
		i.Secret, err = scalar(node)
	case "subject":
		i.Subject, err = scalar(node)
	case "role":
		i.Role, err = scalars(node)
	case "roles":
		i.Roles, err = readRoles(node)
	default:
		return fmt.Errorf("unknown key%s", suggest.Among(key, issuerKeys))
	}
	return err
}

// scalar returns one value that is not empty.
func scalar(node *yaml.Node) (string, error) {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		return "", errors.New("must be one value")
	}
	if strings.TrimSpace(node.Value) == "" {
		return "", ErrEmpty
	}
	return node.Value, nil
}

// scalars returns one value or a list of them.
func scalars(node *yaml.Node) ([]string, error) {
	if node.Kind != yaml.SequenceNode {
		one, err := scalar(node)
		return []string{one}, err
	}
	if len(node.Content) == 0 {
		return nil, ErrEmpty
	}
	var all []string
	for _, item := range node.Content {
		one, err := scalar(item)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func readRoles(node *yaml.Node) (map[string]curfew.Role, error) {
	parts, err := members(node)
	if err != nil {
		return nil, errors.New("must be a mapping from their roles to Curfew's, like {authenticated: customer}")
	}
	if len(parts) == 0 {
		return nil, ErrEmpty
	}
	roles := make(map[string]curfew.Role, len(parts))
	for _, m := range parts {
		role, err := scalar(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.key, err)
		}
		roles[m.key] = curfew.Role(role)
	}
	return roles, nil
}
