package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
)

// publicKeyAlgorithms are the signature algorithms accepted with published keys.
var publicKeyAlgorithms = []string{"ES256", "RS256", "EdDSA"}

// Issuer is another issuer whose tokens are accepted. Tokens that name it must be signed with its
// Secret, or else with a key that it publishes at JWKSURL. No other keys are tried (RFC 8725,
// section 3.8).
type Issuer struct {
	// Name is the issuer's value of the claim iss.
	Name string
	// Audience must be in aud. If empty, aud is ignored.
	Audience string
	// Secret is the key for HS256, of at least 32 bytes.
	Secret string
	// JWKSURL is like Options.JWKSURL.
	JWKSURL string
	// Subject is the path to the caller's id; by default sub. A path names a claim, or a field in a
	// claim, such as app_metadata.user_id. A claim whose whole name equals the path takes
	// precedence, so that names with dots can be used.
	Subject string
	// Role lists paths to the role; by default role. The first path that exists counts.
	Role []string
	// Roles maps the issuer's roles to Curfew's; others are refused. Without it, the issuer's names
	// are Curfew's. Of a list of roles, which some issuers use, exactly one must be Curfew's.
	Roles map[string]curfew.Role
}

// Check returns Invalid if the issuer is invalid.
func (o Issuer) Check() error {
	switch {
	case o.Name == "":
		return curfew.Errorf(curfew.Invalid, "it needs an issuer: what its tokens have as iss")
	case (o.Secret == "") == (o.JWKSURL == ""):
		return curfew.Errorf(curfew.Invalid, "it needs either jwksUrl, where its keys are published, or a secret, with which it signs")
	case o.Secret != "" && len(o.Secret) < keySize:
		return curfew.Errorf(curfew.Invalid, "its secret must have at least %d bytes", keySize)
	case o.JWKSURL != "":
		if err := CheckKeyURL(o.JWKSURL); err != nil {
			return err
		}
	}
	for _, theirs := range slices.Sorted(maps.Keys(o.Roles)) {
		if role := o.Roles[theirs]; !slices.Contains(Roles, role) {
			return curfew.Errorf(curfew.Invalid, "there is no role %q for its %s: the roles are customer, mechanic, admin, service", role, theirs)
		}
	}
	return nil
}

// issuer verifies the tokens of one issuer.
type issuer struct {
	parser  *jwt.Parser
	keys    jwt.Keyfunc
	subject string
	role    []string
	roles   map[string]curfew.Role
}

func newIssuer(o Issuer, algorithms []string, keys jwt.Keyfunc) *issuer {
	var more []jwt.ParserOption
	if o.Name != "" {
		more = append(more, jwt.WithIssuer(o.Name))
	}
	if o.Audience != "" {
		more = append(more, jwt.WithAudience(o.Audience))
	}
	by := &issuer{parser: parser(algorithms, more...), keys: keys, subject: o.Subject, role: o.Role, roles: o.Roles}
	if by.subject == "" {
		by.subject = "sub"
	}
	if len(by.role) == 0 {
		by.role = []string{"role"}
	}
	return by
}

func parser(algorithms []string, more ...jwt.ParserOption) *jwt.Parser {
	return jwt.NewParser(append(more, jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding())...)
}

func constant(key []byte) jwt.Keyfunc {
	return func(*jwt.Token) (any, error) { return key, nil }
}

// subjectIn returns the caller's id, or "" if there is none.
func (by *issuer) subjectIn(all map[string]json.RawMessage) (id string, err error) {
	if value, ok := at(all, by.subject); ok {
		if err := json.Unmarshal(value, &id); err != nil {
			return "", fmt.Errorf("claim %s: %w", by.subject, err)
		}
	}
	return id, nil
}

// roleIn returns the caller's role in Curfew's terms.
func (by *issuer) roleIn(all map[string]json.RawMessage) (curfew.Role, error) {
	for _, path := range by.role {
		if value, ok := at(all, path); ok {
			role, err := by.roleOf(value)
			if err != nil {
				return "", fmt.Errorf("claim %s: %w", path, err)
			}
			return role, nil
		}
	}
	return "", fmt.Errorf("there is no role at %s", strings.Join(by.role, " or "))
}

func (by *issuer) roleOf(value json.RawMessage) (curfew.Role, error) {
	var theirs string
	if err := json.Unmarshal(value, &theirs); err == nil && by.roles == nil {
		return curfew.Role(theirs), nil
	} else if err == nil {
		return by.only([]string{theirs})
	}
	var several []string
	if err := json.Unmarshal(value, &several); err != nil || by.roles == nil {
		return "", errors.New("the role is not a text")
	}
	return by.only(several)
}

// only returns the single role of Curfew's to which the issuer's roles map.
func (by *issuer) only(theirs []string) (curfew.Role, error) {
	var ours []curfew.Role
	for _, name := range theirs {
		if role, ok := by.roles[name]; ok && !slices.Contains(ours, role) {
			ours = append(ours, role)
		}
	}
	switch len(ours) {
	case 0:
		return "", fmt.Errorf("none of its roles %q is mapped to one of Curfew's", theirs)
	case 1:
		return ours[0], nil
	}
	return "", fmt.Errorf("its roles %q are mapped to several of Curfew's: %q", theirs, ours)
}

// at returns the value at a path. A null counts as missing.
func at(all map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	if value, ok := all[path]; ok && string(value) != "null" {
		return value, true
	}
	for i, char := range path {
		if char != '.' {
			continue
		}
		var inner map[string]json.RawMessage
		if json.Unmarshal(all[path[:i]], &inner) != nil {
			continue
		}
		if value, ok := at(inner, path[i+1:]); ok {
			return value, true
		}
	}
	return nil, false
}
