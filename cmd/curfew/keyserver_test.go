package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/curfewhq/curfew/api"
)

// A key server that is down at the start: serve starts and says so, health tells
// it with a fix that shows why, and everything heals when it comes up. What the
// log says goes to serve's own.
func TestServe_ItsKeyServerIsDown(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close() // nobody listens there now
	dir, env := t.TempDir(), []string{"CURFEW_AUTH_JWKS_URL=http://" + at + "/keys"}
	p := serving(t, dir, env)
	if !strings.Contains(p.stderr(), "the key server cannot be reached") {
		t.Error("it does not say so")
	}
	admin := p.client(t, dir, "admin", "anna")
	f := keysFinding(t, admin)
	if f == nil || f.Severity != "critical" || f.Fix != "curfew preflight" {
		t.Fatalf("health: %+v", f)
	}
	if text := pasted(t, dir, env, f.Fix); !strings.Contains(text, "✗ key server") || !strings.Contains(text, "connection refused") {
		t.Errorf("%s says\n%s", f.Fix, text)
	}
	if text := pasted(t, dir, env, "curfew health"); !strings.Contains(text, "no key is known") {
		t.Errorf("curfew health says\n%s", text)
	}

	token := publishKey(t, at)
	until(t.Context(), t, "a token of the other issuer counts", func() bool {
		_, err := (&api.Client{BaseURL: p.url, Token: token}).Health(t.Context())
		return err == nil
	})
	until(t.Context(), t, "health is well again", func() bool { return keysFinding(t, admin) == nil })
	if text := pasted(t, dir, env, "curfew preflight"); !strings.Contains(text, "publishes 1 key") {
		t.Errorf("preflight says\n%s", text)
	}
	if !strings.Contains(p.stderr(), "the key server answers again") {
		t.Error("the log does not say that it answers again")
	}
}

func TestServe_KeysComeByTLSOnly(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "curfew", "serve", "--auth-jwks-url=http://id.example.org/keys")
	cmd.Dir, cmd.Env = t.TempDir(), withoutSettings(cmd.Environ())
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), "must begin with https://") {
		t.Errorf("%d: %s", cmd.ProcessState.ExitCode(), out)
	}
}

func keysFinding(t *testing.T, admin *api.Client) *api.HealthFinding {
	t.Helper()
	h, err := admin.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(h.Findings, func(f api.HealthFinding) bool { return f.Code == "keys_unreachable" })
	if i < 0 {
		return nil
	}
	return &h.Findings[i]
}

// pasted is what a line answers, whatever it thinks of what it found.
func pasted(t *testing.T, dir string, env []string, line string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = dir, append(withoutSettings(cmd.Environ()), env...)
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// publishKey publishes a key at an address, and returns an admin's token of it.
func publishKey(t *testing.T, at string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	set := fmt.Sprintf(`{"keys":[{"kty":"EC","kid":"k","crv":"P-256","x":%q,"y":%q}]}`, enc(point[1:33]), enc(point[33:]))
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{ReadHeaderTimeout: readyIn, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(set)) })}}
	s.Start()
	t.Cleanup(s.Close)
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "olga", "role": "admin", "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = "k"
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
