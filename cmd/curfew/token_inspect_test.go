package main

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

func TestATokenIsInspected(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	identity, err := auth.NewIdentity(t.Context(), auth.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	own, err := identity.Token(curfew.Actor{Role: curfew.Mechanic, ID: "mia"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Repeat("s", 40)
	theirs := func(audience string) string {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"iss": "https://id.example", "sub": "ada", "aud": audience, "exp": time.Now().Add(2 * time.Hour).Unix(), "app": map[string]any{"role": "buyer"},
		}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	file := write(t, "auth:\n  issuers:\n    shop:\n      issuer: https://id.example\n      audience: curfew\n      secret: "+secret+"\n"+
		"      role: app.role\n      roles: {buyer: customer}\n")
	for sentence, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"one of our own":      {[]string{own, "--auth-key=" + key}, 0, "accepted: mechanic mia\n"},
		"one of the issuer":   {[]string{theirs("curfew"), "--auth-key=" + key}, 0, "accepted: customer ada\n  issuer     \"https://id.example\"\n  algorithm  \"HS256\"\n"},
		"for somebody else":   {[]string{theirs("shop"), "--auth-key=" + key}, 1, "invalid audience"},
		"with another key":    {[]string{own, "--auth-key=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 32)))}, 1, "refused: token signature is invalid"},
		"where no key is":     {[]string{own, "--auth-key-file=" + t.TempDir() + "/none"}, 1, "There is no local key here"},
		"an API key":          {[]string{"curfew_key_x", "--auth-key=" + key}, 1, "refused: it is an API key, not a token: curfew keys list"},
		"no token":            {[]string{"x", "--auth-key=" + key}, 1, "refused: it is not a token"},
		"a key that is none":  {[]string{own, "--auth-key=short"}, exitUsage, "auth.key does not contain a key: it should be 32 bytes in base64"},
		"an issuer without a": {[]string{own, `--auth-issuers={"a": {"issuer": "x"}}`}, exitUsage, "either jwksUrl, where its keys are published, or a secret"},
	} {
		out, said, code := commanded(t, append([]string{"token", "inspect", "--config", file}, test.args...)...)
		if code != test.code || !strings.Contains(out+said, test.want) || strings.Contains(out+said, secret) {
			t.Errorf("%s: exit code %d, %s%s", sentence, code, out, said)
		}
	}
}
