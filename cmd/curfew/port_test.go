package main

import (
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/curfewhq/curfew/api"
)

// Everything is on the platform's port, and a stop says so there first.
func TestThePlatformsPortHasEverything(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	env := []string{"PORT=" + port}
	p, err := startAlone("curfew", dir, append(env, "CURFEW_DRAIN=30s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if want := "http://127.0.0.1:" + port; p.url != want || p.ops != want {
		t.Errorf("it says that it is at %s and %s", p.url, p.ops)
	}
	if out, err := command(dir, env, "ready"); err != nil || out != "ready\n" {
		t.Errorf("ready: %s (%v)", out, err)
	}
	if _, err := command(dir, env, "ready", "--listen-ops=127.0.0.1:1"); err == nil {
		t.Error("nothing listens at listen_ops, but it reports ready")
	}
	if got := get(t, p.url+"/metrics"); !strings.Contains(got, "401") {
		t.Errorf("strangers read the metrics: %s", got)
	}
	key, err := command(dir, nil, "keys", "create", "prometheus", "--routes=metrics", "--forever")
	if err != nil {
		t.Fatalf("%v: %s", err, key)
	}
	lines := strings.Split(strings.TrimSpace(key), "\n")
	scraper := &api.Client{BaseURL: p.url, Token: lines[len(lines)-1]}
	if status := statusFor(t, scraper, "/metrics"); status != http.StatusOK {
		t.Errorf("the key for the metrics gets %d", status)
	}
	if status := statusFor(t, scraper, "/api/debug/session-health"); status != http.StatusForbidden {
		t.Errorf("the key for the metrics gets %d for health", status)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t.Context(), t, "the platform learns that it stops", func() bool { return strings.Contains(get(t, p.url+"/readyz"), "503") })
	if got := get(t, p.url+"/livez"); !strings.Contains(got, "200") {
		t.Errorf("alive: %s", got)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

func statusFor(t *testing.T, c *api.Client, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.BaseURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // nothing of it is read
	return res.StatusCode
}

// The platform sees from the start that the program lives, while its database does not answer yet.
func TestThePlatformsPortAnswersFromTheStart(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	at := "http://127.0.0.1:" + port
	cmd := exec.Command("curfew", "serve", "--database-wait=5m")
	cmd.Dir = t.TempDir()
	cmd.Env = append(withoutSettings(cmd.Environ()), "PORT="+port, "CURFEW_DATABASE_URL=postgres://nobody@127.0.0.1:"+freePort(t)+"/none")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended
	until(t.Context(), t, "it lives", func() bool { return strings.Contains(get(t, at+"/livez"), "200") })
	for _, path := range []string{"/readyz", "/api/debug/session-health", "/metrics"} {
		if got := get(t, at+path); !strings.Contains(got, "503") {
			t.Errorf("%s: %s", path, got)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// Who says where to listen is asked first, and PORT otherwise.
func TestThePlatformsPortIsADefault(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		env  []string
		want string
	}{
		"nothing is said":           {nil, ""},
		"the platform gives a port": {[]string{"PORT=8080"}, ":8080"},
		"an empty PORT is none":     {[]string{"PORT="}, ""},
		"listen is said too":        {[]string{"CURFEW_LISTEN=127.0.0.1:9", "PORT=8080"}, "127.0.0.1:9"},
		"listen is said afterwards": {[]string{"PORT=8080", "CURFEW_LISTEN=127.0.0.1:9"}, "127.0.0.1:9"},
	} {
		s := &sources{flags: settingsFlags(t)}
		if err := s.readEnvironment(c.env); err != nil || s.env["listen"].text != c.want {
			t.Errorf("%s: %q (%v), want %q", what, s.env["listen"].text, err, c.want)
		}
	}
	for _, wrong := range []string{"web", "80a", "70000", "1:2", "-1"} {
		s := &sources{flags: settingsFlags(t)}
		if err := s.readEnvironment([]string{"PORT=" + wrong}); err == nil || err.Error() != `PORT: "`+wrong+`" is no port` {
			t.Errorf("PORT=%s: %v", wrong, err)
		}
	}
}
