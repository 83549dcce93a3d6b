package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A line that Curfew prints can be pasted as it stands, from the raw text of an
// answer in JSON, too.
func TestLinesAreGoodAsTheyStandInJSON(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serving(t, dir, nil)
	for _, path := range []string{"/api/debug/session-health", "/api/debug/cleanup-runs", "/api/debug/settings", "/api/deliveries"} {
		line := lineOf(t, raw(t, p.url+path, ""))
		if out := typed(t, dir, line); !strings.Contains(out, "{") || strings.Contains(out, `"status":401`) {
			t.Errorf("%s answers\n%s", line, out)
		}
	}
	// A token of another server, and one that has expired, lead to a line as well.
	line := lineOf(t, raw(t, p.url+"/api/debug/session-health", "x.y.z"))
	if out := typed(t, dir, line); !strings.Contains(out, `"health"`) {
		t.Errorf("%s answers\n%s", line, out)
	}
	for _, line := range regexp.MustCompile(`(?m)^  (curl .*)$`).FindAllStringSubmatch(p.stderr(), -1) {
		if text, err := json.Marshal(line[1]); err != nil || string(text) != `"`+line[1]+`"` {
			t.Errorf("%s is %s in JSON", line[1], text)
		}
		if out := typed(t, dir, line[1]); !strings.Contains(out, `"health"`) {
			t.Errorf("%s answers\n%s", line[1], out)
		}
	}
}

// raw is an answer's bytes.
func raw(t *testing.T, url, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lineOf is the line to paste in an answer, exactly as it stands there.
func lineOf(t *testing.T, answer string) string {
	t.Helper()
	m := regexp.MustCompile(`curl .*?\)`).FindString(answer)
	if m == "" {
		t.Fatalf("no line in %s", answer)
	}
	return m
}

// typed is what a line answers in the service's folder.
func typed(t *testing.T, dir, line string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", line)
	cmd.Dir, cmd.Env = dir, withoutSettings(os.Environ())
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return string(out)
}

// A first start in a folder under git leaves nothing that could be committed.
func TestAFirstStartLeavesNothingToCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ignored, err := os.ReadFile("../../.gitignore")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), ignored, 0o600); err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git("init", "-q")
	serving(t, dir, nil)
	if left, want := git("status", "--porcelain", "--untracked-files=all"), "?? .gitignore\n"; left != want {
		t.Errorf("left behind:\n%s", left)
	}
}

// Every key can be written flat and below its groups, but not both.
func TestEveryGroupNests(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"auth.jwks_url": "https://id.example.org/keys", "auth.key": strings.Repeat("k", 43) + "=", "auth.issuers": oneIssuer, "stripe.webhook_secret": "whsec_x", "stripe.api_base": "https://api.example.org",
		"stripe.live": "both", "stripe.accounts": "acct_1", "webhooks.allow_private": "10.0.0.0/8", "webhooks.key": secrets["webhooks.key"], "smtp.url": "smtp://u@mail.example.org", "smtp.tls": "tls",
		"smtp.from": "Example <help@example.org>", "smtp.templates": ".", "approvals.refunds_over": "eur=100",
	}
	var line commandLine
	parser, err := newParser(&line, terminal{io.Discard, io.Discard, false})
	if err != nil {
		t.Fatal(err)
	}
	want, flat, groups := map[string]string{}, "", map[string]string{}
	for _, f := range parser.Model.Flags {
		group, name, ok := strings.Cut(key(f), ".")
		if !ok {
			continue
		}
		value := cmp.Or(good[key(f)], f.Default, "text")
		want[key(f)] = value
		flat += fmt.Sprintf("%s: %q\n", key(f), value)
		if groups[group] == "" {
			groups[group] = group + ":\n"
			both := write(t, fmt.Sprintf("%s: %q\n%s:\n  %s: %q\n", key(f), value, group, name, value))
			if _, err := parse(t, "--config", both); err == nil || !strings.Contains(err.Error(), key(f)+" is set twice, first in line 1") {
				t.Errorf("%s, flat and nested: %v", key(f), err)
			}
		}
		groups[group] += fmt.Sprintf("  %s: %q\n", name, value)
	}
	if len(want) < 10 {
		t.Errorf("only %d keys have a group", len(want))
	}
	for how, text := range map[string]string{"flat": flat, "nested": strings.Join(slices.Collect(maps.Values(groups)), "")} {
		from := fileOf(t, write(t, text))
		for k, value := range want {
			if from[k].text != value {
				t.Errorf("%s, %s: %+v", k, how, from[k])
			}
		}
	}
}

// fileOf is what a settings file holds.
func fileOf(t *testing.T, path string) map[string]source {
	t.Helper()
	var line commandLine
	parser, err := newParser(&line, terminal{io.Discard, io.Discard, false})
	if err != nil {
		t.Fatal(err)
	}
	s := sources{}
	for _, f := range parser.Model.Flags {
		if key(f) != "" {
			s.flags = append(s.flags, f)
		}
	}
	if err := s.readFile(path); err != nil {
		t.Fatal(err)
	}
	return s.file
}
