package main

import (
	"context"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// elsewhere is a database's URL with another port, where nobody listens yet, and
// what makes the database answer there.
func elsewhere(t *testing.T, database string) (late string, come func()) {
	t.Helper()
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	behind := at.Host
	at.Host = net.JoinHostPort("127.0.0.1", freePort(t))
	return at.String(), func() {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at.Host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go forward(context.WithoutCancel(t.Context()), conn, behind)
			}
		}()
	}
}

func forward(ctx context.Context, from net.Conn, address string) {
	defer func() { _ = from.Close() }()
	to, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	go func() { _, _ = io.Copy(to, from); _ = to.Close() }()
	_, _ = io.Copy(from, to)
}

func TestADatabaseThatComesLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	_, database := stores.PostgresURL(t)
	late, come := elsewhere(t, database)
	ops := "127.0.0.1:" + freePort(t)
	cmd := exec.CommandContext(t.Context(), "curfew", "serve", "--listen=127.0.0.1:0", "--listen-ops="+ops)
	var said lines
	cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), append(withoutSettings(cmd.Environ()), "CURFEW_DATABASE_URL="+late), &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t.Context(), t, "it says that it waits", func() bool { return strings.Contains(said.String(), "the database does not answer yet") })
	if live, ready := get(t, "http://"+ops+"/livez"), get(t, "http://"+ops+"/readyz"); !strings.HasPrefix(live, "200") || !strings.HasPrefix(ready, "503") {
		t.Errorf("while it waits it is %q and %q", live, ready)
	}
	come()
	until(t.Context(), t, "it is ready", func() bool { return strings.HasPrefix(get(t, "http://"+ops+"/readyz"), "200") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, said.String())
	}
}

func TestOneThatWaitsForItsDatabaseCanBeStopped(t *testing.T) {
	t.Parallel()
	late := "postgres://nobody@127.0.0.1:" + freePort(t) + "/none"
	cmd := exec.CommandContext(t.Context(), "curfew", "serve", "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0", "--database-url="+late)
	var said lines
	cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), withoutSettings(cmd.Environ()), &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t.Context(), t, "it waits", func() bool { return strings.Contains(said.String(), "the database does not answer yet") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v: %s", err, said.String())
	}
}

// A server that never answers is given up, one that refuses is given up at once,
// and no password is shown.
func TestADatabaseIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	late := "postgres://nobody:secret@127.0.0.1:" + freePort(t) + "/none"
	for _, name := range []string{"serve", "migrate"} {
		begun := time.Now()
		out, err := command(t.TempDir(), nil, name, "--listen=127.0.0.1:0", "--listen-ops=127.0.0.1:0", "--database-url="+late, "--database-wait=1s")
		if err == nil || !strings.Contains(out, "the database did not answer for 1s (database_wait)") || strings.Contains(out, "secret") {
			t.Errorf("%s ended with %v and said %s", name, err, out)
		}
		if took := time.Since(begun); took < time.Second || took > readyIn/2 {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// lines returns what a process has printed so far.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
