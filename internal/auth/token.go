package auth

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// The header typ of Curfew's own tokens says what each is for, so that none can be used as another
// (RFC 8725, section 3.11).
const (
	accessType = "curfew+jwt"
	ticketType = "curfew-ticket+jwt"
	cookieType = "curfew-cookie+jwt"
)

// maxToken limits the length of a token, in bytes.
const maxToken = 8 << 10

// skew is how far another machine's clock may be ahead. It does not extend the life of a token.
const skew = time.Minute

// errProvesNothing is the error for every invalid token, except one that is valid but expired: its
// holder learns that.
var errProvesNothing = curfew.Errorf(curfew.Unauthenticated, "the token proves nothing")

// expired is the error for a token that was valid until then.
type expired struct{ at time.Time }

func (e expired) Error() string {
	return "the token expired at " + e.at.UTC().Format(time.RFC3339)
}

// Unwrap returns curfew.Unauthenticated, its kind.
func (e expired) Unwrap() error { return curfew.Unauthenticated }

// Token issues a token with the local key. It returns Invalid for an invalid role or id, and for a
// ttl under a second or over Options.MaxTTL.
func (i *Identity) Token(a curfew.Actor, ttl time.Duration) (string, error) {
	return i.issue(accessType, a, ttl)
}

// LoginTicket issues a ticket that signs a browser in once, within two minutes.
func (i *Identity) LoginTicket(a curfew.Actor) (string, error) {
	return i.issue(ticketType, a, min(ticketTTL, i.maxTTL))
}

// cookie issues the value of a signed-in browser's cookie, and returns its id.
func (i *Identity) cookie(a curfew.Actor, ttl time.Duration) (token, id string, err error) {
	id = rand.Text()
	token, err = i.issueAs(id, cookieType, a, min(ttl, i.maxTTL))
	return token, id, err
}

// Verify returns whose token it is. The token may be of the local key or of another issuer.
func (i *Identity) Verify(token string) (curfew.Actor, error) {
	c, err := i.verify(accessType, token)
	return c.actor(), err
}

func (i *Identity) issue(typ string, a curfew.Actor, ttl time.Duration) (string, error) {
	return i.issueAs(rand.Text(), typ, a, ttl)
}

func (i *Identity) issueAs(id, typ string, a curfew.Actor, ttl time.Duration) (string, error) {
	if err := checkHolder(a); err != nil {
		return "", err
	}
	switch {
	case ttl < time.Second:
		return "", curfew.Errorf(curfew.Invalid, "invalid token lifetime %s: it must be at least a second", ttl)
	case ttl > i.maxTTL:
		return "", curfew.Errorf(curfew.Invalid, "invalid token lifetime %s: it may be at most %s (auth.max_ttl)", ttl, i.maxTTL)
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": a.ID, "role": string(a.Role), "jti": id,
		"iat": now.Unix(), "exp": now.Add(ttl).Unix(),
	})
	token.Header["typ"] = typ
	return token.SignedString(i.key)
}

// checkHolder returns Invalid for somebody who can have no token.
func checkHolder(a curfew.Actor) error {
	if !slices.Contains(Roles, a.Role) {
		return curfew.Errorf(curfew.Invalid, "there is no role %q: the roles are customer, mechanic, admin, service", a.Role)
	}
	return curfew.CheckID("subject", a.ID)
}

// Roles are the roles that a token can have.
var Roles = []curfew.Role{curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service}

// verify checks a token of a type. Every failure is errProvesNothing, except for a token whose only
// fault is that it has expired. The log says why.
func (i *Identity) verify(typ, token string) (claims, error) {
	c, err := i.judge(typ, token)
	if old, ok := errors.AsType[expired](err); ok {
		return claims{}, old
	}
	if err != nil {
		i.refused.log(token, err)
		return claims{}, errProvesNothing
	}
	return c, nil
}

// judge is verify for those who may know what is wrong.
func (i *Identity) judge(typ, token string) (claims, error) {
	by, err := i.issuerOf(typ, token)
	if err != nil {
		return claims{}, err
	}
	c := claims{by: by}
	if _, err := by.parser.ParseWithClaims(token, &c, by.keys); err != nil {
		return claims{}, err
	}
	if by == i.local {
		if err := c.limit(i.maxTTL); err != nil {
			return claims{}, err
		}
	}
	if until := c.until(); !time.Now().Before(until) {
		return c, expired{until}
	}
	return c, nil
}

// issuerOf returns the issuer that a token names: only that issuer's key can verify it.
func (i *Identity) issuerOf(typ, token string) (*issuer, error) {
	h, ok := headerOf(token)
	switch {
	case isKey(token):
		return nil, errors.New("it is an API key, not a token: curfew keys list says whether it counts")
	case !ok:
		return nil, errors.New("it is not a token: three parts with dots between them, the first of which is a header")
	case h.Type == typ:
		return i.local, nil
	case typ != accessType || !slices.Contains(foreignTypes, strings.ToLower(h.Type)):
		return nil, fmt.Errorf("it is of the type %q", h.Type)
	}
	by := i.public
	if h.Algorithm == "HS256" {
		by = i.secret
	}
	name := nameOf(token)
	if listed := i.issuers[name]; listed != nil {
		by = listed
	}
	if by == nil {
		return nil, fmt.Errorf("no setting names its issuer %q, or says how to verify %s", name, h.Algorithm)
	}
	return by, nil
}

// foreignTypes are the types, in lower case, that other issuers give an access token (RFC 9068) or any token.
var foreignTypes = []string{"", "jwt", "at+jwt", "application/at+jwt"}

type header struct {
	Type      string          `json:"typ"`
	Algorithm string          `json:"alg"`
	Key       string          `json:"kid"`
	Critical  json.RawMessage `json:"crit"`
}

// headerOf reads a token's header without verifying it. It returns false if there is none, or if it
// has critical extensions.
func headerOf(token string) (h header, ok bool) {
	first, _, ok := strings.Cut(token, ".")
	return h, ok && len(token) <= maxToken && decoded(first, &h) && h.Critical == nil
}

// nameOf returns the issuer that a token names, without verifying it.
func nameOf(token string) string { return saidBy(token).Issuer }

// said holds a token's claims, unproven.
type said struct {
	Issuer string `json:"iss"`
	ID     string `json:"jti"`
}

func saidBy(token string) (s said) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		decoded(parts[1], &s)
	}
	return s
}

// decoded reads a part of a token, and reports whether it could.
func decoded(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && strictjson.Unambiguous(text) == nil && json.Unmarshal(text, into) == nil
}

// Inspection holds a token's claims and Curfew's judgment of it.
type Inspection struct {
	Type, Algorithm, Key, Issuer, ID string // as it says, unproven; empty: it does not

	Actor curfew.Actor // if it counts
	Until time.Time    // its end, if nothing else is wrong with it
	Wrong error        // nil: it counts
}

// Inspect says whose token it is, or what is wrong with it. That is for operators, never for the
// sender of the token.
func (i *Identity) Inspect(token string) Inspection {
	h, _ := headerOf(token)
	c, err := i.judge(accessType, token)
	said := saidBy(token)
	s := Inspection{Type: h.Type, Algorithm: h.Algorithm, Key: h.Key, Issuer: said.Issuer, ID: said.ID, Until: c.until(), Wrong: err}
	if err == nil {
		s.Actor = c.actor()
	}
	return s
}
