package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// claims are the claims of a token, read strictly: each must have its exact name and appear once.
type claims struct {
	by    *issuer
	wrong error // with who the caller is; Validate tells it, once the signature is known to be good

	subject, issuer, id, kind string
	role                      curfew.Role
	scope                     record.KeyScope // of an API key
	browser                   bool            // by a cookie

	audience            jwt.ClaimStrings
	expires, from, sent *numericDate
}

func (c claims) actor() curfew.Actor {
	return curfew.Actor{Role: c.role, ID: c.subject}
}

// until returns when the token expires; the zero time means never.
func (c claims) until() time.Time {
	if c.expires == nil {
		return time.Time{}
	}
	return c.expires.Time
}

// limit caps the life of a token of the local key, whatever its own expiry.
func (c *claims) limit(longest time.Duration) error {
	if c.sent == nil {
		return fmt.Errorf("%w: iat", jwt.ErrTokenRequiredClaimMissing)
	}
	if end := c.sent.Add(longest); end.Before(c.expires.Time) {
		c.expires = &numericDate{end}
	}
	return nil
}

// numericDate is a time in seconds since 1970, possibly with a fraction (RFC 7519, section 2).
type numericDate struct{ time.Time }

// UnmarshalJSON reads a number; a string is an error.
func (d *numericDate) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.Abs(seconds) > strictjson.MaxInteger {
		return errors.New("not a number of seconds")
	}
	whole, part := math.Modf(seconds)
	d.Time = time.Unix(int64(whole), int64(part*float64(time.Second)))
	return nil
}

// UnmarshalJSON reads the claims that matter here.
func (c *claims) UnmarshalJSON(text []byte) error {
	if err := strictjson.Unambiguous(text); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for name, into := range map[string]any{
		"iss": &c.issuer, "jti": &c.id, "typ": &c.kind, "aud": &c.audience, "exp": &c.expires, "nbf": &c.from, "iat": &c.sent,
	} {
		value, ok := all[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, into); err != nil {
			return fmt.Errorf("claim %s: %w", name, err)
		}
	}
	if c.subject, c.wrong = c.by.subjectIn(all); c.wrong == nil {
		c.role, c.wrong = c.by.roleIn(all)
	}
	return nil
}

// Validate checks what package jwt does not, or checks differently: clocks may be a minute ahead.
// Expiry is checked last, by verify, because only the holder of a valid token may learn of it.
func (c *claims) Validate() error {
	latest := time.Now().Add(skew)
	switch {
	case c.wrong != nil:
		return c.wrong
	case !slices.Contains(Roles, c.role):
		return fmt.Errorf("there is no role %q: the roles are customer, mechanic, admin, service", c.role)
	case c.expires == nil:
		return fmt.Errorf("%w: exp", jwt.ErrTokenRequiredClaimMissing)
	case c.from != nil && c.from.After(latest), c.sent != nil && c.sent.After(latest):
		return jwt.ErrTokenNotValidYet
	case c.kind != "" && !strings.EqualFold(c.kind, "Bearer"):
		return fmt.Errorf("%w: an id or refresh token", jwt.ErrTokenInvalidClaims)
	}
	return curfew.CheckID("sub", c.subject)
}

// GetExpirationTime implements jwt.Claims; verify checks it.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return nil, nil }

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
