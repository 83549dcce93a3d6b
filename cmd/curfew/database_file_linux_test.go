package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/curfewhq/curfew/api"
)

// site is a service on a file in its own folder, with a backup from before any
// payment.
type site struct {
	dir, data, path, backup, away string
	env                           []string
	*process
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{dir: dir, data: filepath.Join(dir, "data"), backup: filepath.Join(dir, "backup.db"), away: filepath.Join(dir, "away.db")}
	s.path = filepath.Join(s.data, "curfew.db")
	s.env = []string{"CURFEW_DATABASE_URL=sqlite:" + s.path}
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	migrated(t, "sqlite:"+s.backup)
	s.process = s.serve(t)
	return s
}

func (s *site) serve(t *testing.T) *process {
	t.Helper()
	return serving(t, s.dir, s.env, "--auth-key-file=curfew.key")
}

// pay fulfills payments by some callers at once. After so many that were
// acknowledged something happens, and it goes on until each caller was refused.
// It returns the references that were acknowledged, and a refusal.
func (s *site) pay(t *testing.T, after int, happens func() error) (acknowledged []string, refusal error) {
	t.Helper()
	client := s.client(t, s.dir, "service", "shop")
	var mu sync.Mutex
	var wait sync.WaitGroup
	for caller := range 4 {
		wait.Go(func() {
			for i := range 500 {
				ref := fmt.Sprintf("pay-%d-%d", caller, i)
				_, err := client.FulfillCheckout(context.Background(), api.Purchase{PaymentRef: ref, CustomerID: ref, Plan: "chat10"})
				mu.Lock()
				if err == nil {
					acknowledged = append(acknowledged, ref)
				} else {
					refusal = err
				}
				if err == nil && len(acknowledged) == after {
					err = happens()
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wait.Wait()
	if len(acknowledged) < after || refusal == nil {
		t.Fatalf("%d payments were acknowledged, and the refusal is %v", len(acknowledged), refusal)
	}
	return acknowledged, refusal
}

// ready returns the status and the text of /readyz.
func (p *process) ready(t *testing.T) (status int, text string) {
	t.Helper()
	answer, err := http.Get(p.ops + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// refs returns the payments of a file, which must be whole.
func refs(t *testing.T, path string) (all []string) {
	t.Helper()
	if got := integrity(t, path); got != "ok" {
		t.Errorf("%s: %s", path, got)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only read
	rows, err := db.QueryContext(t.Context(), "SELECT ref FROM payment_refs")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var ref string
		if err := rows.Scan(&ref); err != nil {
			t.Fatal(err)
		}
		all = append(all, ref)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// holds fails unless a file has every acknowledged payment.
func holds(t *testing.T, path string, acknowledged []string) {
	t.Helper()
	there := refs(t, path)
	for _, ref := range acknowledged {
		if !slices.Contains(there, ref) {
			t.Errorf("%s was acknowledged, and is not in %s", ref, path)
		}
	}
}

// rescue copies a file that a process has open and nobody else can reach.
func (p *process) rescue(t *testing.T, path, to string) {
	t.Helper()
	open := fmt.Sprintf("/proc/%d/fd/", p.cmd.Process.Pid)
	all, err := os.ReadDir(open)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if is, _ := os.Readlink(open + d.Name()); is == path+" (deleted)" {
			out, err := exec.Command("cp", open+d.Name(), to).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return
		}
	}
	t.Fatal("nothing to rescue")
}

// loss is something that happens to the file of a running service, and how an
// operator recovers it.
type loss struct {
	happens func(s *site) error
	says    string
	// left is where all that was acknowledged is; nil: where the process has it
	// open, and nowhere else.
	left func(s *site) string
	// refuses is why a restart is refused before mends has put things in order;
	// empty: it is not.
	refuses string
	mends   func(s *site, left string) error
}

var losses = map[string]loss{
	"deleted": {
		func(s *site) error { return os.Remove(s.path) }, "was deleted or moved", nil, "is missing, but its log",
		func(s *site, left string) error {
			return errors.Join(os.Rename(left, s.path), os.Rename(s.path+"-wal", s.path+"-wal.old"))
		},
	},
	"moved": {
		func(s *site) error { return os.Rename(s.path, s.away) }, "was deleted or moved", func(s *site) string { return s.away },
		"is missing, but its log", func(s *site, left string) error { return os.Rename(left, s.path) },
	},
	"a backup over it": {
		func(s *site) error { return os.Rename(s.backup, s.path) }, "another file has taken the place", nil, "", nil,
	},
	"a backup in its place": {
		func(s *site) error { return errors.Join(os.Rename(s.path, s.away), os.Rename(s.backup, s.path)) },
		"while it was open", func(s *site) string { return s.away }, "", nil,
	},
	"its log deleted": {
		func(s *site) error { return os.Remove(s.path + "-wal") }, "-wal was deleted", func(s *site) string { return s.path }, "", nil,
	},
	"its log and index deleted": {
		func(s *site) error { return errors.Join(os.Remove(s.path+"-wal"), os.Remove(s.path+"-shm")) },
		"was deleted while", func(s *site) string { return s.path }, "", nil,
	},
	"its folder moved": {
		func(s *site) error { return os.Rename(s.data, s.data+"2") },
		"was deleted or moved", func(s *site) string { return filepath.Join(s.data+"2", "curfew.db") }, "cannot be made",
		func(s *site, _ string) error { return os.Rename(s.data+"2", s.data) },
	},
}

func TestServe_NothingIsAcknowledgedOnceItsFileIsNotTheOne(t *testing.T) {
	t.Parallel()
	for sentence, c := range losses {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			acknowledged, refusal := s.pay(t, 40, func() error { return c.happens(s) })
			if !strings.Contains(refusal.Error(), "database file") || strings.Contains(refusal.Error(), s.dir) {
				t.Errorf("a payment is refused with %v", refusal)
			}
			s.isDown(t, c.says)
			left := filepath.Join(s.dir, "rescued.db")
			if c.left == nil {
				s.rescue(t, s.path, left)
			} else {
				left = c.left(s)
			}
			if err := s.end(syscall.SIGTERM); err != nil {
				t.Errorf("it ends with %v", err)
			}
			holds(t, left, acknowledged)
			if c.mends != nil {
				if code, out := s.curfew(t, "serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0"); code == 0 || !strings.Contains(out, c.refuses) {
					t.Errorf("a restart: %d\n%s", code, out)
				}
				if err := c.mends(s, left); err != nil {
					t.Fatal(err)
				}
			}
			s.servesAgain(t)
			if c.mends != nil || left == s.path {
				holds(t, s.path, acknowledged)
			}
		})
	}
}

// isDown fails unless the service reports that it cannot work, and why.
func (s *site) isDown(t *testing.T, why string) {
	t.Helper()
	until(t.Context(), t, "the log says why", func() bool { return strings.Contains(s.stderr(), why) })
	until(t.Context(), t, "it is not ready", func() bool {
		status, _ := s.ready(t)
		return status == http.StatusServiceUnavailable
	})
	if health, err := s.client(t, s.dir, "admin", "me").Health(t.Context()); err == nil && health.Health == "healthy" {
		t.Error("health is healthy")
	}
}

// servesAgain fails unless the service, once restarted, accepts payments into
// the file now in place.
func (s *site) servesAgain(t *testing.T) {
	t.Helper()
	p := s.serve(t)
	paid := api.Purchase{PaymentRef: "again", CustomerID: "again", Plan: "chat10"}
	if _, err := p.client(t, s.dir, "service", "shop").FulfillCheckout(t.Context(), paid); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Errorf("it ends with %v", err)
	}
	holds(t, s.path, []string{"again"})
}

// A killed process leaves its log in place. Beside another file that log would
// corrupt it.
func TestServe_AKilledServicesLogRuinsNoBackup(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	acknowledged, _ := s.pay(t, 40, func() error {
		return errors.Join(os.Rename(s.path, s.away), os.Rename(s.backup, s.path), s.cmd.Process.Kill())
	})
	_ = s.wait() // it was killed
	for _, command := range [][]string{{"serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0"}, {"cleanup"}, {"health"}} {
		if code, out := s.curfew(t, command...); code == 0 || !strings.Contains(out, "is still the log of the file that was there before") {
			t.Errorf("%s beside the log of another file: %d\n%s", command, code, out)
		}
	}
	// With the file put back beside its own log, it is whole.
	if err := errors.Join(os.Rename(s.path, s.backup), os.Rename(s.away, s.path)); err != nil {
		t.Fatal(err)
	}
	s.servesAgain(t)
	holds(t, s.path, acknowledged)
}

// curfew runs a command to its end.
func (s *site) curfew(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.Command("curfew", args...)
	cmd.Dir, cmd.Env = s.dir, append(withoutSettings(os.Environ()), s.env...)
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

func TestServe_OneFileHasOneServiceUnderAllItsNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for kind, link := range map[string]func(name string) error{
		"a symbolic link": func(name string) error { return os.Symlink(s.path, name) },
		"a folder's link": func(name string) error { return os.Symlink(s.data, filepath.Dir(name)) },
		"a hard link":     func(name string) error { return os.Link(s.path, name) },
		"a bind mount": func(name string) error {
			return errors.Join(os.Mkdir(filepath.Dir(name), 0o700), syscall.Mount(s.data, filepath.Dir(name), "", syscall.MS_BIND, ""))
		},
	} {
		name := filepath.Join(s.dir, "other.db")
		if kind == "a folder's link" || kind == "a bind mount" {
			name = filepath.Join(s.dir, strings.ReplaceAll(kind, " ", "-"), "curfew.db")
		}
		if err := link(name); errors.Is(err, syscall.EPERM) {
			t.Logf("%s: not permitted here", kind)
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		second := site{dir: s.dir, env: []string{"CURFEW_DATABASE_URL=sqlite:" + name}}
		code, out := second.curfew(t, "serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0")
		if code == 0 || !strings.Contains(out, "is held by another") && !strings.Contains(out, "has 2 names") {
			t.Errorf("a second service by %s: %d\n%s", kind, code, out)
		}
		if kind == "a bind mount" {
			if err := syscall.Unmount(filepath.Dir(name), 0); err != nil {
				t.Error(err)
			}
			continue
		}
		if err := os.Remove(strings.TrimSuffix(name, "/curfew.db")); err != nil {
			t.Error(err)
		}
	}
	s.stillPays(t, "first")
}

// stillPays fails unless the service accepts a payment, whatever health and
// other commands do beside it.
func (s *site) stillPays(t *testing.T, ref string) {
	t.Helper()
	_, err := s.client(t, s.dir, "service", "shop").FulfillCheckout(t.Context(), api.Purchase{PaymentRef: ref, CustomerID: ref, Plan: "chat10"})
	if err != nil {
		t.Errorf("%s: %v", ref, err)
	}
}

func TestServe_OtherCommandsBesideItBreakNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want := []string{}
	for i, command := range [][]string{
		{"health"},
		{"check", "kim"},
		{"cleanup"},
		{"migrate", "--status"},
		{"preflight", "--backup=saved"},
		{"explain", "pay-0"},
		{"list"},
	} {
		ref := fmt.Sprint("pay-", i)
		s.stillPays(t, ref)
		want = append(want, ref)
		if _, out := s.curfew(t, command...); strings.Contains(out, "database file") {
			t.Errorf("%v: %s", command, out)
		}
	}
	s.stillPays(t, "last")
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Errorf("it ends with %v", err)
	}
	holds(t, s.path, append(want, "last"))
}

// volume creates a file system of this many bytes.
func volume(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprint("size=", bytes))
	if errors.Is(err, syscall.EPERM) {
		t.Skip("mounting a file system is not permitted here: run as root to test a full disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestServe_AFullDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	s := &site{data: volume(t, 8<<20), dir: t.TempDir()}
	s.path = filepath.Join(s.data, "curfew.db")
	s.env = []string{"CURFEW_DATABASE_URL=sqlite:" + s.path}
	s.process = s.serve(t)
	ballast := filepath.Join(s.data, "ballast")
	acknowledged, refusal := s.pay(t, 40, func() error { return fill(ballast) })
	if !strings.Contains(refusal.Error(), "full") && !strings.Contains(refusal.Error(), "cannot answer") {
		t.Errorf("a full disk: %v", refusal)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	client := s.client(t, s.dir, "service", "shop")
	until(t.Context(), t, "payments are taken again", func() bool {
		_, err := client.FulfillCheckout(t.Context(), api.Purchase{PaymentRef: "after", CustomerID: "after", Plan: "chat10"})
		return err == nil
	})
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Errorf("it ends with %v", err)
	}
	holds(t, s.path, append(acknowledged, "after"))
}

// fill writes a file until the disk is full.
func fill(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	for chunk := make([]byte, 4096); err == nil; {
		_, err = f.Write(chunk)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return f.Close()
}

func TestServe_AFolderThatTakesNoWritesIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	s := &site{data: volume(t, 8<<20), dir: t.TempDir()}
	s.path = filepath.Join(s.data, "curfew.db")
	s.env = []string{"CURFEW_DATABASE_URL=sqlite:" + s.path}
	s.servesAgain(t)
	if err := syscall.Mount("", s.data, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	code, out := s.curfew(t, "serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0", "--auth-key-file=curfew.key")
	if code == 0 || !strings.Contains(out, "cannot be locked") || !strings.Contains(out, "read-only file system") {
		t.Errorf("serve in a folder that takes no writes: %d\n%s", code, out)
	}
	if err := syscall.Mount("", s.data, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	holds(t, s.path, []string{"again"})
}
