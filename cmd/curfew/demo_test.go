package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/internal/demo"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/httpapi"
)

var shown = flag.Duration("shown", 0, "how long the demo runs, at 60 times the speed, in its test; by default 10s, or 5s with -short")

// The demo runs even where Curfew is configured for a real marketplace.
func TestTheDemosFiguresAgreeWithItsDatabase(t *testing.T) {
	t.Parallel()
	var line commandLine
	parser, err := newParser(&line, terminal{out: t.Output(), err: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse([]string{"demo", "--listen=127.0.0.1:0", "--customers=24", "--mechanics=8", "--for=" + effort.Of(*shown, 5*time.Second, 10*time.Second).String()})
	if err != nil {
		t.Fatal(err)
	}
	var from *sources
	if _, err := parsed.Call(func(bound *sources) error { from = bound; return nil }); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	term := terminal{out: t.Output(), err: t.Output()}
	got, err := line.Demo.in(t.Context(), dir, &line.settings, from, term)
	if err != nil {
		t.Fatal(err)
	}
	printDemo(term, line.Demo.Speed, line.Demo.Seed, got)
	if diff := cmp.Diff(inDatabase(t, dir), inReport(got)); diff != "" {
		t.Errorf("the database (-) and the report (+) differ:\n%s", diff)
	}
	if got.Overdue != 0 || got.WithoutOutcome != 0 || got.Contradicted != 0 {
		t.Errorf("%d blocked by an overdue session, %d payments without an outcome, %d contradictions",
			got.Overdue, got.WithoutOutcome, got.Contradicted)
	}
	if got.Accepted == 0 || got.Ended["expired"] == 0 || got.Repeats == 0 || got.Without.Stuck == 0 {
		t.Errorf("too little happened: %+v", got)
	}
}

// inReport returns the counts of a report that can also be read from the
// database.
func inReport(r demo.Report) map[string]int {
	all := map[string]int{
		"payments": r.Payments, "recorded": r.Recorded, "cents": int(r.Amount),
		"sessions": r.Sessions, "accepted": r.Accepted, "open": r.Open,
	}
	for reason, n := range r.Ended {
		all["ended "+reason] = n
	}
	return all
}

func inDatabase(t *testing.T, dir string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "demo.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test's own
	rows, err := db.QueryContext(t.Context(), `
		SELECT 'payments', count(*) FROM checkouts WHERE ref <> ''
		UNION ALL SELECT 'recorded', count(*) FROM checkouts
		UNION ALL SELECT 'cents', sum(amount) FROM checkouts
		UNION ALL SELECT 'sessions', count(*) FROM sessions
		UNION ALL SELECT 'accepted', count(mechanic_id) FROM sessions
		UNION ALL SELECT 'open', count(*) FROM sessions WHERE ended_at IS NULL
		UNION ALL SELECT 'ended ' || end_reason, count(*) FROM sessions WHERE ended_at IS NOT NULL GROUP BY end_reason`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	all := map[string]int{}
	for rows.Next() {
		var what string
		var n int
		if err := rows.Scan(&what, &n); err != nil {
			t.Fatal(err)
		}
		all[what] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Whoever has Curfew set up for a real marketplace can look at the demo.
func TestAnInterruptedDemoSaysWhatItSawAndLeavesNothing(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	path, opened := fakeBrowser(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*readyIn)
	defer cancel()
	cmd := exec.CommandContext(ctx, "curfew", "demo", "--speed=1800", "--listen=127.0.0.1:0", "--open")
	cmd.Dir = temp
	cmd.Env = append(withoutSettings(os.Environ()), "TMPDIR="+temp, "PATH="+path, "CURFEW_DATABASE_URL=postgres://nobody@127.0.0.1:1/nothing")
	var out, said bytes.Buffer
	seen := make(chan struct{})
	cmd.Stdout, cmd.Stderr = &out, &signalling{to: &said, text: "waiting", seen: seen}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-seen:
	case <-ctx.Done():
	}
	signsIn(ctx, t, opened)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	for _, want := range []string{"    0  customers or mechanics blocked by an overdue session", "    0  payments without an outcome", "Without Curfew"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// fakeBrowser returns a PATH with a browser that records what it is asked to
// open.
func fakeBrowser(t *testing.T) (path, opened string) {
	t.Helper()
	dir := t.TempDir()
	opened = filepath.Join(dir, "opened")
	line := browserLine(runtime.GOOS, "")
	script := fmt.Sprintf("#!/bin/sh\nfor it; do :; done\necho \"$it\" > %s.new && mv %s.new %s\n", opened, opened, opened)
	if err := os.WriteFile(filepath.Join(dir, line[0]), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir + string(os.PathListSeparator) + os.Getenv("PATH"), opened
}

// signsIn follows the URL that the browser was asked to open: it leads to the
// console.
func signsIn(ctx context.Context, t *testing.T, opened string) {
	t.Helper()
	var address []byte
	until(ctx, t, "the browser is asked", func() (asked bool) {
		var err error
		address, err = os.ReadFile(opened)
		return err == nil
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	request, err := redeeming(ctx, string(address))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Jar: jar}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(page), "Overview") || !strings.Contains(string(page), "Sign out") {
		t.Errorf("%s leads to %d (%v):\n%s", address, answer.StatusCode, err, page)
	}
}

func TestEverySystemOpensABrowserItsWay(t *testing.T) {
	t.Parallel()
	for system, want := range map[string]string{
		"linux": "xdg-open ADDRESS", "freebsd": "xdg-open ADDRESS", "darwin": "open ADDRESS",
		"windows": "rundll32 url.dll,FileProtocolHandler ADDRESS",
	} {
		if got := strings.Join(browserLine(system, "ADDRESS"), " "); got != want {
			t.Errorf("%s: %s, want %s", system, got, want)
		}
	}
}

// signalling is a writer that signals when a text was written to it.
type signalling struct {
	to   *bytes.Buffer
	text string
	seen chan struct{}
	done bool
}

func (s *signalling) Write(text []byte) (int, error) {
	n, err := s.to.Write(text)
	if !s.done && strings.Contains(s.to.String(), s.text) {
		s.done = true
		close(s.seen)
	}
	return n, err
}

func TestTheDemosSettingsReachNothingOutside(t *testing.T) {
	t.Parallel()
	var line commandLine
	parser, err := newParser(&line, terminal{out: t.Output(), err: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse([]string{
		"demo", "--database-url=postgres://db/shop", "--stripe-api-key=sk_live_1", "--stripe-webhook-secret=whsec_1",
		"--trace-endpoint=http://127.0.0.1:4318", "--base-url=https://curfew.example.org", "--waiting-ttl=10m",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := line.settings.sandboxed("dir", nowhere).faster(60)
	hooks, client, err := got.payments()
	if hooks != (httpapi.Hooks{}) || client != nil || err != nil || got.TraceEndpoint != nil || got.BaseURL != nil {
		t.Errorf("the demo reaches outside: %+v", got)
	}
	if path, ok := got.DatabaseURL.File(); !ok || path != filepath.Join("dir", "demo.db") {
		t.Errorf("its database is %s", got.DatabaseURL)
	}
	policy, err := got.policy()
	if err != nil || policy.WaitingTTL != 10*time.Second || policy.MinimumLive != time.Second || policy.Plans["chat10"].Duration != 30*time.Second {
		t.Errorf("at 60 times the speed: %+v (%v)", policy, err)
	}
}
