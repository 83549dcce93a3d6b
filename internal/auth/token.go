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

// The typ in the header of Curfew's own tokens says what they are for, so that none can be used as another (RFC 8725,
// section 3.11).
const (
	accessType = "curfew+jwt"
	ticketType = "curfew-ticket+jwt"
	cookieType = "curfew-cookie+jwt"
)

// maxToken is the length of the longest token that is read, in bytes.
const maxToken = 8 << 10

// skew is how far another machine's clock may be ahead. It does not extend the life of a token.
const skew = time.Minute

// errProvesNothing is the error for every bad token, except an expired one that is otherwise good: its holder learns that
// it has expired.
var errProvesNothing = curfew.Errorf(curfew.Unauthenticated, "the token proves nothing")

// expired is the error for a token that was good until then.
type expired struct{ at time.Time }

func (e expired) Error() string {
	return "the token expired at " + e.at.UTC().Format(time.RFC3339)
}

// Unwrap returns curfew.Unauthenticated, its kind.
func (e expired) Unwrap() error { return curfew.Unauthenticated }

// Token issues a token with the local key. The error's kind is Invalid for a role or an id that cannot be, and for a ttl
// under a second.
func (i *Identity) Token(a curfew.Actor, ttl time.Duration) (string, error) {
	return i.issue(accessType, a, ttl)
}

// LoginTicket issues a ticket that signs a browser in once, within two minutes.
func (i *Identity) LoginTicket(a curfew.Actor) (string, error) {
	return i.issue(ticketType, a, ticketTTL)
}

// LoginCookie issues the value of a signed-in browser's cookie. It is good for 12 hours.
func (i *Identity) LoginCookie(a curfew.Actor) (string, error) {
	return i.issue(cookieType, a, cookieTTL)
}

// Verify returns whose token it is. The token is of the local key or of another issuer.
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
		return "", curfew.Errorf(curfew.Invalid, "invalid token lifetime %s: it must be at least a second", ttl)
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

// verify checks a token of a type. Every failure is errProvesNothing, except for a token with which nothing is wrong but
// that it has expired.
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

// issuerOf returns who must have issued a token, going by its header alone. Each issuer has its own parser, with the
// algorithms it uses. Nil means that no issuer makes such tokens.
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

// foreignTypes are the types, in lower case, that other issuers give an access token (RFC 9068) or any token.
var foreignTypes = []string{"", "jwt", "at+jwt", "application/at+jwt"}

type header struct {
	Type      string          `json:"typ"`
	Algorithm string          `json:"alg"`
	Critical  json.RawMessage `json:"crit"`
}

// headerOf reads a token's header without verifying it. It is not ok if there is none, or if it has extensions that must be
// understood.
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

// issuer verifies the tokens of one issuer.
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
