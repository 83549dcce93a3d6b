package auth_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

// The tokens of three providers as their documentation shows them: what all have, and what a role adds.
var (
	supabaseToken = map[string]any{
		"iss": "https://abcdefgh.supabase.co/auth/v1", "aud": "authenticated", "role": "authenticated", "aal": "aal1", "is_anonymous": false,
		"sub": "123e4567-e89b-12d3-a456-426614174000", "session_id": "f81d4fae-7dec-41d0-a765-00a0c91e6bf6", "email": "", "phone": "",
		"amr":          []any{map[string]any{"method": "password", "timestamp": 1640991600}},
		"app_metadata": map[string]any{"provider": "email", "providers": []string{"email"}}, "user_metadata": map[string]any{"role": "admin"},
	}
	clerkToken = map[string]any{
		"iss": "https://clean-mayfly-62.clerk.accounts.dev", "azp": "https://shop.example", "sub": "user_2abc", "sid": "sess_2abc", "jti": "a1",
		"fva": []int{0, -1}, "v": 2, "metadata": map[string]any{"role": "mechanic"},
	}
	auth0Token = map[string]any{
		"iss": "https://shop.eu.auth0.com/", "sub": "auth0|6789", "azp": "client", "scope": "openid profile",
		"aud": []string{"https://curfew.shop.example", "https://shop.eu.auth0.com/userinfo"}, "https://shop.example/roles": []string{"expert", "beta"},
	}
)

// of returns an issuer's token with other claims. A claim that is nil is left out.
func of(issuer, changes map[string]any) map[string]any {
	claims := maps.Clone(issuer)
	claims["iat"], claims["exp"] = time.Now().Unix(), time.Now().Add(time.Hour).Unix()
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// signer is a key that an issuer publishes.
type signer struct {
	method jwt.SigningMethod
	key    crypto.Signer
	url    string
}

func newSigner(t *testing.T, method jwt.SigningMethod, key crypto.Signer, err error) signer {
	t.Helper()
	must(t, err)
	public, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: "k"}})
	must(t, err)
	text, err := json.Marshal(map[string]any{"keys": []any{public.Marshal()}})
	must(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) }))
	t.Cleanup(server.Close)
	return signer{method, key, server.URL}
}

func (s signer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	return forge(t, s.method, s.key, map[string]any{"kid": "k"}, claims)
}

func TestTokensOfTheUsualProviders(t *testing.T) {
	t.Parallel()
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	supabase := newSigner(t, jwt.SigningMethodES256, ecKey, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	clerk := newSigner(t, jwt.SigningMethodRS256, rsaKey, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	auth0 := newSigner(t, jwt.SigningMethodEdDSA, edKey, err)
	old := map[string]any{"iss": "https://old.supabase.co/auth/v1"}

	var log logBuffer
	identity, err := auth.NewIdentity(t.Context(), auth.Options{
		KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true, JWTSecret: sharedSecret, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Issuers: []auth.Issuer{
			{
				Name: "https://abcdefgh.supabase.co/auth/v1", Audience: "authenticated", JWKSURL: supabase.url, Role: []string{"app_metadata.role", "role"},
				Roles: map[string]curfew.Role{"authenticated": curfew.Customer, "mechanic": curfew.Mechanic},
			},
			{Name: "https://old.supabase.co/auth/v1", Secret: strings.Repeat("s", 40), Roles: map[string]curfew.Role{"authenticated": curfew.Customer}},
			{Name: "https://clean-mayfly-62.clerk.accounts.dev", JWKSURL: clerk.url, Role: []string{"metadata.role"}},
			{
				Name: "https://shop.eu.auth0.com/", Audience: "https://curfew.shop.example", JWKSURL: auth0.url, Role: []string{"https://shop.example/roles"},
				Roles: map[string]curfew.Role{"expert": curfew.Mechanic, "boss": curfew.Admin},
			},
		},
	})
	must(t, err)

	good := map[string]struct {
		token string
		want  curfew.Actor
	}{
		"Supabase: everybody is a customer": {supabase.token(t, of(supabaseToken, nil)), curfew.Actor{Role: curfew.Customer, ID: "123e4567-e89b-12d3-a456-426614174000"}},
		"Supabase: unless the app says otherwise": {
			supabase.token(t, of(supabaseToken, map[string]any{"app_metadata": map[string]any{"role": "mechanic"}})),
			curfew.Actor{Role: curfew.Mechanic, ID: "123e4567-e89b-12d3-a456-426614174000"},
		},
		"Supabase: with a shared secret": {
			forge(t, jwt.SigningMethodHS256, []byte(strings.Repeat("s", 40)), nil, of(supabaseToken, old)),
			curfew.Actor{Role: curfew.Customer, ID: "123e4567-e89b-12d3-a456-426614174000"},
		},
		"Clerk":                 {clerk.token(t, of(clerkToken, nil)), curfew.Actor{Role: curfew.Mechanic, ID: "user_2abc"}},
		"Auth0":                 {auth0.token(t, of(auth0Token, nil)), curfew.Actor{Role: curfew.Mechanic, ID: "auth0|6789"}},
		"an issuer without one": {forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, claimed(nil)), curfew.Actor{Role: curfew.Admin, ID: "anna"}},
	}
	for sentence, test := range good {
		if who, err := identity.Verify(test.token); err != nil || who != test.want {
			t.Errorf("%s: %+v, %v\n%s", sentence, who, err, &log)
		}
	}

	bad := map[string]string{
		"the anonymous key of Supabase":       supabase.token(t, map[string]any{"iss": "supabase", "ref": "abcdefgh", "role": "anon", "exp": time.Now().Add(time.Hour).Unix()}),
		"its service key":                     supabase.token(t, of(supabaseToken, map[string]any{"role": "service_role", "sub": nil})),
		"a role that nobody mapped":           supabase.token(t, of(supabaseToken, map[string]any{"app_metadata": map[string]any{"role": "editor"}})),
		"a role of ours that nobody mapped":   supabase.token(t, of(supabaseToken, map[string]any{"role": "admin"})),
		"another audience":                    supabase.token(t, of(supabaseToken, map[string]any{"aud": "shop"})),
		"no audience":                         supabase.token(t, of(supabaseToken, map[string]any{"aud": nil})),
		"the id in another's namespace":       clerk.token(t, of(supabaseToken, nil)),
		"another's key for one's own tokens":  supabase.token(t, of(clerkToken, nil)),
		"a public key's text as the secret":   forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, of(clerkToken, nil)),
		"the secret of no issuer for a named": forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, of(supabaseToken, old)),
		"no role":                             clerk.token(t, of(clerkToken, map[string]any{"metadata": map[string]any{}})),
		"a role that is null":                 clerk.token(t, of(clerkToken, map[string]any{"metadata": map[string]any{"role": nil}})),
		"a list where roles are not mapped":   clerk.token(t, of(clerkToken, map[string]any{"metadata": map[string]any{"role": []string{"mechanic"}}})),
		"another spelling":                    clerk.token(t, of(clerkToken, map[string]any{"metadata": map[string]any{"role": "Mechanic"}})),
		"no role of ours in the list":         auth0.token(t, of(auth0Token, map[string]any{"https://shop.example/roles": []string{"beta"}})),
		"two roles of ours in the list":       auth0.token(t, of(auth0Token, map[string]any{"https://shop.example/roles": []string{"expert", "boss"}})),
		"an issuer nobody knows":              auth0.token(t, of(auth0Token, map[string]any{"iss": "https://evil.example/"})),
		"an issuer that is a list":            auth0.token(t, of(auth0Token, map[string]any{"iss": []string{"https://shop.eu.auth0.com/"}})),
	}
	for sentence, token := range bad {
		if who, err := identity.Verify(token); err == nil || err.Error() != "the token proves nothing" {
			t.Errorf("%s: %+v, %v", sentence, who, err)
		}
	}
}

// Whoever runs Curfew learns why, and whoever sent the token does not.
func TestTheLogSaysWhyATokenIsRefused(t *testing.T) {
	t.Parallel()
	var log logBuffer
	identity, err := auth.NewIdentity(t.Context(), auth.Options{
		KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true, JWTSecret: sharedSecret, Issuer: "https://issuer",
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	must(t, err)
	token := forge(t, jwt.SigningMethodHS256, []byte(sharedSecret), nil, claimed(map[string]any{"iss": "https://other"}))
	for range 1000 {
		if _, err := identity.Verify(token); err == nil {
			t.Fatal("accepted")
		}
	}
	said := log.String()
	if !strings.Contains(said, "a token was refused") || !strings.Contains(said, "invalid issuer") || !strings.Contains(said, "issuer=https://other") {
		t.Errorf("it says %q", said[:min(len(said), 500)])
	}
	if lines := strings.Count(said, "\n"); lines > 20 || strings.Contains(said, token) || bytes.Contains([]byte(said), []byte("anna")) {
		t.Errorf("%d lines: %q", lines, said[:min(len(said), 500)])
	}
}

func TestAnIssuerThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for want, issuer := range map[string]auth.Issuer{
		"needs an issuer":                  {JWKSURL: "https://id.example"},
		"needs either jwksUrl":             {Name: "i"},
		"or a secret":                      {Name: "i", JWKSURL: "https://id.example", Secret: sharedSecret},
		"at least 32 bytes":                {Name: "i", Secret: "short"},
		"must begin with https://":         {Name: "i", JWKSURL: "http://id.example"},
		`no role "boss" for its superuser`: {Name: "i", Secret: sharedSecret, Roles: map[string]curfew.Role{"superuser": "boss"}},
	} {
		if err := issuer.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", issuer, err)
		}
	}
}

// Servers that swallow everything are waited for together.
func TestSilentKeyServersAreWaitedForTogether(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(silent) })
	o := auth.Options{KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true}
	for i := range 20 {
		o.Issuers = append(o.Issuers, auth.Issuer{Name: string(rune('a' + i)), JWKSURL: server.URL})
	}
	times := auth.UsualKeyTimes()
	times.Wait = time.Second
	begun := time.Now()
	_, err := auth.NewIdentityTimed(t.Context(), o, times, nil)
	must(t, err)
	if took := time.Since(begun); took < times.Wait || took > 10*times.Wait {
		t.Errorf("it took %s", took)
	}
}
