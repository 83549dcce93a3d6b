package auth

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// What a token of ours is for stands in its header's typ, so that none passes
// for another (RFC 8725, section 3.11).
const (
	accessType = "curfew+jwt"
	ticketType = "curfew-ticket+jwt"
	cookieType = "curfew-cookie+jwt"
)

// maxToken is the longest token that is looked at, in bytes.
const maxToken = 8 << 10

// skew is how far in the future another machine's «now» may be. What has
// expired has expired.
const skew = time.Minute

// errProvesNothing is the one answer to every bad token but one: only whoever
// holds a token that was good learns that it has expired.
var errProvesNothing = curfew.Errorf(curfew.Unauthenticated, "the token proves nothing")

// expired is a token that was good until then.
type expired struct{ at time.Time }

func (e expired) Error() string {
	return "the token expired at " + e.at.UTC().Format(time.RFC3339)
}

// Unwrap makes it Unauthenticated.
func (e expired) Unwrap() error { return curfew.Unauthenticated }

// Token issues a token of the local key. Invalid: no such role or id.
func (i *Identity) Token(a curfew.Actor, ttl time.Duration) (string, error) {
	return i.issue(accessType, a, ttl)
}

// LoginTicket issues a ticket that signs a browser in, once, within two minutes.
func (i *Identity) LoginTicket(a curfew.Actor) (string, error) {
	return i.issue(ticketType, a, ticketTTL)
}

// LoginCookie issues what a signed-in browser's cookie holds for 12 hours.
func (i *Identity) LoginCookie(a curfew.Actor) (string, error) {
	return i.issue(cookieType, a, cookieTTL)
}

// Verify says who a token is: of the local key, or of another issuer.
func (i *Identity) Verify(token string) (curfew.Actor, error) {
	c, err := i.verify(accessType, token)
	return c.actor(), err
}

func (i *Identity) issue(typ string, a curfew.Actor, ttl time.Duration) (string, error) {
	if !slices.Contains(Roles, a.Role) {
		return "", curfew.Errorf(curfew.Invalid, "there is no role %q: the roles are customer, mechanic, admin, service", a.Role)
	}
	if err := curfew.CheckID("subject", a.ID); err != nil {
		return "", err
	}
	if ttl < time.Second {
		return "", curfew.Errorf(curfew.Invalid, "a token lives at least a second, not %s", ttl)
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": a.ID, "role": string(a.Role), "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(ttl).Unix(),
	})
	token.Header["typ"] = typ
	return token.SignedString(i.key)
}

// Roles are the roles that a token can have.
var Roles = []curfew.Role{curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service}

// verify checks a token of a type. Every failure is the same error, but for a
// token with which nothing is wrong except that it has expired.
func (i *Identity) verify(typ, token string) (claims, error) {
	by := i.issuerOf(typ, token)
	if by == nil {
		return claims{}, errProvesNothing
	}
	c := claims{roleClaim: by.roleClaim}
	if _, err := by.parser.ParseWithClaims(token, &c, by.keys); err != nil {
		return claims{}, errProvesNothing
	}
	if until := c.until(); !time.Now().Before(until) {
		return claims{}, expired{until}
	}
	return c, nil
}

// issuerOf picks who must have issued a token, by its header alone: each issuer
// has a parser of its own with the algorithms it uses. Nil: nobody.
func (i *Identity) issuerOf(typ, token string) *issuer {
	h, ok := headerOf(token)
	switch {
	case !ok:
		return nil
	case h.Type == typ:
		return &issuer{parser: parser([]string{"HS256"}), keys: constant(i.key), roleClaim: "role"}
	case typ != accessType || !slices.Contains(foreignTypes, strings.ToLower(h.Type)):
		return nil
	case h.Algorithm == "HS256":
		return i.secret
	}
	return i.public
}

// foreignTypes are what other issuers call an access token (RFC 9068), or any.
var foreignTypes = []string{"", "jwt", "at+jwt", "application/at+jwt"}

type header struct {
	Type      string          `json:"typ"`
	Algorithm string          `json:"alg"`
	Critical  json.RawMessage `json:"crit"`
}

// headerOf reads a token's header, unverified. Not ok: no token, or one with
// extensions that must be understood.
func headerOf(token string) (header, bool) {
	var h header
	first, _, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxToken {
		return h, false
	}
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || strictjson.Unambiguous(text) != nil || json.Unmarshal(text, &h) != nil {
		return h, false
	}
	return h, h.Critical == nil
}

// issuer is somebody whose tokens count.
type issuer struct {
	parser    *jwt.Parser
	keys      jwt.Keyfunc
	roleClaim string
}

func newIssuer(o Options, algorithms []string, keys jwt.Keyfunc) *issuer {
	var more []jwt.ParserOption
	if o.Issuer != "" {
		more = append(more, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		more = append(more, jwt.WithAudience(o.Audience))
	}
	role := o.RoleClaim
	if role == "" {
		role = "role"
	}
	return &issuer{parser: parser(algorithms, more...), keys: keys, roleClaim: role}
}

func parser(algorithms []string, more ...jwt.ParserOption) *jwt.Parser {
	return jwt.NewParser(append(more,
		jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding())...)
}

func constant(key []byte) jwt.Keyfunc {
	return func(*jwt.Token) (any, error) { return key, nil }
}
