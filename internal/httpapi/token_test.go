package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

const sharedSecret = "a-shared-secret-of-more-than-32-bytes!"

// issuers are the keys of other issuers, and where they publish them.
type issuers struct {
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	url     string
	fetched atomic.Int64
}

func newIssuers(t *testing.T) *issuers {
	t.Helper()
	var i issuers
	var err error
	i.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	i.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	point, err := i.ec.PublicKey.Bytes()
	must(t, err)
	enc := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []any{
		map[string]any{"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "e": "AQAB", "n": enc(i.rsa.N.Bytes())},
		map[string]any{"kty": "EC", "kid": "e", "alg": "ES256", "use": "sig", "crv": "P-256", "x": enc(point[1:33]), "y": enc(point[33:])},
	}})
	must(t, err)
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.fetched.Add(1)
		_, _ = w.Write(set)
	}))
	t.Cleanup(published.Close)
	i.url = published.URL
	return &i
}

// forge signs claims with a header of one's own.
func forge(t *testing.T, method jwt.SigningMethod, key any, header, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	maps.Copy(token.Header, header)
	text, err := token.SignedString(key)
	must(t, err)
	return text
}

// raw signs exactly these texts with HS256.
func raw(t *testing.T, key []byte, header, claims string) string {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(header)) + "." + enc([]byte(claims))
	signature, err := jwt.SigningMethodHS256.Sign(text, key)
	must(t, err)
	return text + "." + enc(signature)
}

// claimed returns good claims with changes.
func claimed(changes map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"sub": "anna", "role": "admin", "iss": "https://issuer", "aud": "curfew",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func manyIssuers(t *testing.T) (*fixture, *issuers, []byte) {
	t.Helper()
	others := newIssuers(t)
	keyFile := filepath.Join(t.TempDir(), "curfew.key")
	h := newFixtureWith(t, settings{auth: auth.Options{
		KeyFile: keyFile, CreateKey: true, JWTSecret: sharedSecret, JWKSURL: others.url, Issuer: "https://issuer", Audience: "curfew",
	}})
	text, err := os.ReadFile(keyFile)
	must(t, err)
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	must(t, err)
	return h, others, key
}

func TestTokensOfEveryIssuer(t *testing.T) {
	t.Parallel()
	h, others, _ := manyIssuers(t)
	hs, rs, es := jwt.SigningMethodHS256, jwt.SigningMethodRS256, jwt.SigningMethodES256
	for sentence, token := range map[string]string{
		"the local key's":           h.token(curfew.Admin, "anna"),
		"a shared secret's":         forge(t, hs, []byte(sharedSecret), nil, claimed(nil)),
		"RS256":                     forge(t, rs, others.rsa, map[string]any{"kid": "r"}, claimed(nil)),
		"ES256":                     forge(t, es, others.ec, map[string]any{"kid": "e"}, claimed(nil)),
		"with many audiences":       forge(t, hs, []byte(sharedSecret), nil, claimed(map[string]any{"aud": []string{"x", "curfew"}})),
		"an access token by name":   forge(t, hs, []byte(sharedSecret), map[string]any{"typ": "at+jwt"}, claimed(nil)),
		"a clock half a minute off": forge(t, hs, []byte(sharedSecret), nil, claimed(map[string]any{"iat": time.Now().Add(30 * time.Second).Unix()})),
	} {
		who, err := h.identity.Verify(token)
		if err != nil || who != (curfew.Actor{Role: curfew.Admin, ID: "anna"}) {
			t.Errorf("%s: %v %v", sentence, who, err)
		}
	}
}

// S19–S27, S30: each is 401, and all have the same body.
func TestS19_S30_ForgedTokens(t *testing.T) {
	t.Parallel()
	h, others, key := manyIssuers(t)
	hs, rs, es := jwt.SigningMethodHS256, jwt.SigningMethodRS256, jwt.SigningMethodES256
	public, err := x509.MarshalPKIXPublicKey(&others.rsa.PublicKey)
	must(t, err)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	shared := func(header, changes map[string]any) string {
		return forge(t, hs, []byte(sharedSecret), header, claimed(changes))
	}
	local := func(claims string) string { return raw(t, key, `{"alg":"HS256","typ":"curfew+jwt"}`, claims) }
	header := func(name string) string {
		return raw(t, []byte(sharedSecret), name, `{"sub":"anna","role":"admin","iss":"https://issuer","aud":"curfew","exp":4102444800}`)
	}
	ticket, err := h.identity.LoginTicket(curfew.Actor{Role: curfew.Admin, ID: "anna"})
	must(t, err)
	cookie := strings.TrimPrefix(h.signedIn(anna), "Cookie: __Host-curfew=")
	whole := h.token(curfew.Admin, "anna")
	second := time.Now().Add(-time.Second).Unix()

	forged := map[string]string{
		"S19: alg none":                   forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, claimed(nil)),
		"S19: alg None":                   strings.TrimRight(header(`{"alg":"None"}`), "."),
		"S19: alg nOnE, unsigned":         header(`{"alg":"nOnE"}`)[:strings.LastIndex(header(`{"alg":"nOnE"}`), ".")+1],
		"S19: none as ours":               forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"typ": "curfew+jwt"}, claimed(nil)),
		"S20: HS256 with the public key":  forge(t, hs, publicPEM, map[string]any{"kid": "r"}, claimed(nil)),
		"S20: HS512 with the secret":      forge(t, jwt.SigningMethodHS512, []byte(sharedSecret), nil, claimed(nil)),
		"S20: RS512 with the key":         forge(t, jwt.SigningMethodRS512, others.rsa, map[string]any{"kid": "r"}, claimed(nil)),
		"S20: the secret's as ours":       shared(map[string]any{"typ": "curfew+jwt"}, nil),
		"S21: a path as kid":              forge(t, rs, others.rsa, map[string]any{"kid": "../../dev/null"}, claimed(nil)),
		"S21: SQL as kid":                 forge(t, rs, others.rsa, map[string]any{"kid": "r' OR '1'='1"}, claimed(nil)),
		"S21: a URL as kid":               forge(t, rs, others.rsa, map[string]any{"kid": others.url}, claimed(nil)),
		"S21: 10 kB as kid":               forge(t, rs, others.rsa, map[string]any{"kid": strings.Repeat("k", 10_000)}, claimed(nil)),
		"S21: the other kind's kid":       forge(t, es, others.ec, map[string]any{"kid": "r"}, claimed(nil)),
		"S21: no kid":                     forge(t, rs, newIssuers(t).rsa, nil, claimed(nil)),
		"S22: a key of its own":           forge(t, rs, newIssuers(t).rsa, map[string]any{"kid": "r", "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/"}, claimed(nil)),
		"S22: an unknown crit":            shared(map[string]any{"crit": []string{"exp"}}, nil),
		"S23: no aud":                     shared(nil, map[string]any{"aud": nil}),
		"S23: another aud":                shared(nil, map[string]any{"aud": "elsewhere"}),
		"S23: no iss":                     shared(nil, map[string]any{"iss": nil}),
		"S23: another iss":                shared(nil, map[string]any{"iss": "https://issuer/"}),
		"S23: no exp":                     shared(nil, map[string]any{"exp": nil}),
		"S23: nbf in the future":          shared(nil, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"S23: iat in the future":          shared(nil, map[string]any{"iat": time.Now().Add(time.Hour).Unix()}),
		"S23: exp as text":                shared(nil, map[string]any{"exp": "4102444800"}),
		"S23: exp as 1e400":               local(`{"sub":"anna","role":"admin","exp":1e400}`),
		"S23: exp null":                   local(`{"sub":"anna","role":"admin","exp":null}`),
		"S23: no expiry at all":           local(`{"sub":"anna","role":"admin"}`),
		"S26: expired, of another aud":    shared(nil, map[string]any{"exp": second, "aud": "elsewhere"}),
		"S26: expired, and no role":       shared(nil, map[string]any{"exp": second, "role": nil}),
		"S26: expired, signed by another": forge(t, hs, []byte(sharedSecret+"x"), nil, claimed(map[string]any{"exp": second})),
		"S26: expired, of another key":    forge(t, rs, newIssuers(t).rsa, map[string]any{"kid": "r"}, claimed(map[string]any{"exp": second})),
		"S24: a login ticket":             ticket,
		"S24: a browser's cookie":         cookie,
		"S24: a refresh token":            shared(nil, map[string]any{"typ": "Refresh"}),
		"S24: an id token":                shared(nil, map[string]any{"typ": "ID"}),
		"S24: a webhook's":                shared(map[string]any{"typ": "webhook+jwt"}, nil),
		"S25: no role":                    shared(nil, map[string]any{"role": nil}),
		"S25: a list of roles":            shared(nil, map[string]any{"role": []string{"admin"}}),
		"S25: Admin":                      shared(nil, map[string]any{"role": "Admin"}),
		"S25: admin and a space":          shared(nil, map[string]any{"role": "admin "}),
		"S25: Curfew itself":              shared(nil, map[string]any{"role": "system"}),
		"S25: two role claims":            local(`{"sub":"anna","role":"customer","role":"admin","exp":4102444800}`),
		"S25: nobody":                     shared(nil, map[string]any{"sub": ""}),
		"S25: a subject with a line feed": shared(nil, map[string]any{"sub": "anna\nb"}),
		"S27: truncated":                  whole[:len(whole)-1],
		"S27: without its signature":      whole[:strings.LastIndex(whole, ".")+1],
		"S27: with a dot more":            whole + ".",
		"S27: another signature":          whole[:len(whole)-4] + "AAAA",
		"S27: padded":                     whole + "=",
		"S27: nothing":                    "",
		"S27: no token":                   "x",
		"S27: long":                       whole + strings.Repeat("A", 9<<10),
		"S27: a header of many keys":      header(`{"alg":"HS256","alg":"none"}`),
	}
	var body string
	for sentence, token := range forged {
		got := h.send("GET", "/api/debug/session-health", "", "Authorization: Bearer "+token)
		if body == "" {
			body = got.body
		}
		if got.status != http.StatusUnauthorized || got.body != body || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	for sentence, got := range map[string]answer{
		"S30: in the query":     h.send("GET", "/api/debug/session-health?token="+whole+"&access_token="+whole, ""),
		"another scheme":        h.send("GET", "/api/debug/session-health", "", "Authorization: Basic "+whole),
		"a cookie's as a token": h.send("GET", "/api/debug/session-health", "", "Cookie: __Host-curfew="+whole),
	} {
		if got.status != http.StatusUnauthorized || got.body != body {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	want := `curl http://127.0.0.1:3001/api/debug/session-health --oauth2-bearer $(curfew token --role admin --subject me)`
	if !strings.Contains(body, want) {
		t.Errorf("the line to paste is missing: %s", body)
	}
	for _, secret := range []string{whole, ticket, cookie} {
		if strings.Contains(h.log.String(), secret) {
			t.Error("S62: a token is in the log")
		}
	}
}

// S26: who holds a token that was good learns that it has expired, and nobody
// else does.
func TestS26_TheHolderOfAnExpiredTokenIsTold(t *testing.T) {
	t.Parallel()
	h, others, key := manyIssuers(t)
	second := time.Now().Add(-time.Second)
	old := claimed(map[string]any{"exp": second.Unix()})
	for sentence, token := range map[string]string{
		"ours":            forge(t, jwt.SigningMethodHS256, key, map[string]any{"typ": "curfew+jwt"}, old),
		"a secret's":      forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, old),
		"RS256":           forge(t, jwt.SigningMethodRS256, others.rsa, map[string]any{"kid": "r"}, old),
		"with a fraction": forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, claimed(map[string]any{"exp": float64(second.Unix()) + .25})),
	} {
		got := h.send("GET", "/api/debug/session-health", "", "Authorization: Bearer "+token)
		if got.status != http.StatusUnauthorized || !strings.Contains(got.problem(t).Detail, "the token expired at "+second.UTC().Format(time.RFC3339)) ||
			!strings.Contains(got.header.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
		if _, err := h.identity.Verify(token); !errors.Is(err, curfew.Unauthenticated) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

// Seconds may have a fraction, and numbers that have no meaning here may be any (RFC 7519, section 2).
func TestTimesWithAFraction(t *testing.T) {
	t.Parallel()
	h, _, _ := manyIssuers(t)
	now := time.Now()
	for _, claims := range []string{
		`"exp":4102444800.5`, `"exp":4.1024448e9`, `"exp":4102444800,"iat":1.5`, `"exp":4102444800,"nbf":1e3`,
		fmt.Sprintf(`"exp":%d.999,"iat":%d.001,"nbf":%d.5`, now.Add(time.Hour).Unix(), now.Unix(), now.Unix()),
		`"exp":4102444800,"serial":9007199254740993123`,
	} {
		token := raw(t, []byte(sharedSecret), `{"alg":"HS256"}`, `{"sub":"anna","role":"admin","iss":"https://issuer","aud":"curfew",`+claims+`}`)
		if _, err := h.identity.Verify(token); err != nil {
			t.Errorf("%s: %v", claims, err)
		}
	}
	for _, claims := range []string{`"exp":"4102444800.5"`, `"exp":1e400`, `"exp":1e300`, `"exp":true`, `"exp":{}`, `"exp":-1e300`} {
		token := raw(t, []byte(sharedSecret), `{"alg":"HS256"}`, `{"sub":"anna","role":"admin","iss":"https://issuer","aud":"curfew",`+claims+`}`)
		if _, err := h.identity.Verify(token); err == nil {
			t.Errorf("%s is accepted", claims)
		}
	}
}

// S28: an unknown key causes a fetch, but not at every call.
func TestS28_UnknownKeysFetchRarely(t *testing.T) {
	t.Parallel()
	h, others, _ := manyIssuers(t)
	for range 50 {
		_, err := h.identity.Verify(forge(t, jwt.SigningMethodRS256, others.rsa, map[string]any{"kid": rand.Text()}, claimed(nil)))
		if err == nil {
			t.Fatal("accepted")
		}
	}
	if n := others.fetched.Load(); n > 2 {
		t.Errorf("fetched %d times", n)
	}
}

func TestIssuingRefuses(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for sentence, test := range map[string]struct {
		who curfew.Actor
		ttl time.Duration
	}{
		"a role that is none": {curfew.Actor{Role: "root", ID: "x"}, time.Hour},
		"Curfew's own role":   {curfew.Sweeper, time.Hour},
		"nobody":              {curfew.Actor{Role: curfew.Admin}, time.Hour},
		"no time":             {curfew.Actor{Role: curfew.Admin, ID: "x"}, 0},
		"time that is over":   {curfew.Actor{Role: curfew.Admin, ID: "x"}, -time.Hour},
	} {
		if _, err := h.identity.Token(test.who, test.ttl); !errors.Is(err, curfew.Invalid) {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}
