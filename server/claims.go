package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
)

// claims is what a token says, read strictly: names exactly so and once, times
// whole seconds.
type claims struct {
	roleClaim string

	subject, issuer, id, kind, role string

	audience            jwt.ClaimStrings
	expires, from, sent *int64
}

func (c claims) actor() curfew.Actor {
	return curfew.Actor{Role: curfew.Role(c.role), ID: c.subject}
}

// until is when the token expires.
func (c claims) until() time.Time {
	if c.expires == nil {
		return time.Time{}
	}
	return time.Unix(*c.expires, 0)
}

// UnmarshalJSON reads the claims that count.
func (c *claims) UnmarshalJSON(text []byte) error {
	if err := strict(text, nil); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for name, into := range map[string]any{
		"sub": &c.subject, "iss": &c.issuer, "jti": &c.id, "typ": &c.kind, "aud": &c.audience,
		"exp": &c.expires, "nbf": &c.from, "iat": &c.sent, c.roleClaim: &c.role,
	} {
		value, ok := all[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, into); err != nil {
			return fmt.Errorf("claim %s: %w", name, err)
		}
	}
	return nil
}

// Validate checks what jwt does not, or not so: no grace for what has expired,
// a minute for clocks that are ahead.
func (c *claims) Validate() error {
	latest := time.Now().Add(skew).Unix()
	switch {
	case !slices.Contains(outsiders, curfew.Role(c.role)):
		return fmt.Errorf("%w: role", jwt.ErrTokenInvalidClaims)
	case c.from != nil && *c.from > latest, c.sent != nil && *c.sent > latest:
		return jwt.ErrTokenNotValidYet
	case c.kind != "" && !strings.EqualFold(c.kind, "Bearer"):
		return fmt.Errorf("%w: an id or refresh token", jwt.ErrTokenInvalidClaims)
	}
	return curfew.CheckID("sub", c.subject)
}

// GetExpirationTime implements jwt.Claims.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) {
	if c.expires == nil {
		return nil, nil
	}
	return jwt.NewNumericDate(time.Unix(*c.expires, 0)), nil
}

// GetIssuedAt implements jwt.Claims; Validate checks it.
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) { return nil, nil }

// GetNotBefore implements jwt.Claims; Validate checks it.
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuer implements jwt.Claims.
func (c *claims) GetIssuer() (string, error) { return c.issuer, nil }

// GetSubject implements jwt.Claims.
func (c *claims) GetSubject() (string, error) { return c.subject, nil }

// GetAudience implements jwt.Claims.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) { return c.audience, nil }
