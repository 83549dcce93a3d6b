package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/curfewhq/curfew/sqlite"
)

// killedFile names the file for the process that is killed.
const killedFile = "CURFEW_TEST_KILLED_FILE"

// Groups are written by a process of its own until it is killed with -9. Each customer whom it
// acknowledged has a session, with its request and its events, and the file is whole.
func TestGroup_WhatIsAcknowledgedOutlivesAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "curfew.db")
	if err := migrated(t, path, sqlite.Options{Create: true}).Close(); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestGroup_UntilItIsKilled$")
	child.Env = append(os.Environ(), killedFile+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "acknowledged "); ok {
			if acknowledged = append(acknowledged, name); len(acknowledged) == 200 {
				_ = child.Process.Kill() // -9; what it has written before is read to the end
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged) < 200 {
		t.Fatalf("it was not killed in the middle: %d acknowledged, %v", len(acknowledged), err)
	}
	s := opened(t, path, sqlite.Options{})
	for _, customer := range acknowledged {
		st, err := s.Open(t.Context(), customer)
		if err != nil || st.Request.ID == "" {
			t.Errorf("%s was acknowledged, and there is %+v (%v)", customer, st, err)
		}
	}
	whole(t, path)
}

// whole fails unless every session has all that an admission writes.
func whole(t *testing.T, path string) {
	t.Helper()
	if got := must(t, path, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
	sessions := must(t, path, "SELECT count(*) FROM sessions")
	for _, query := range []string{
		"SELECT count(*) FROM session_requests", "SELECT count(*) FROM checkouts", "SELECT count(*) / 2 FROM events",
		"SELECT count(DISTINCT subject_id) / 2 FROM events", "SELECT count(*) FROM payment_refs",
	} {
		if got := must(t, path, query); got != sessions {
			t.Errorf("%s: %s, but there are %s sessions", query, got, sessions)
		}
	}
	counted(t, path)
}

// It is not a test of its own: the one above runs and kills it.
func TestGroup_UntilItIsKilled(t *testing.T) {
	path := os.Getenv(killedFile)
	if path == "" {
		t.Skip("another test runs this one")
	}
	s := opened(t, path, sqlite.Options{})
	var n atomic.Int64
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for {
				customer := fmt.Sprint("customer-", n.Add(1))
				if _, err := s.Admit(t.Context(), admission(customer)); err != nil {
					continue // a slow machine
				}
				_, _ = fmt.Println("acknowledged " + customer) //nolint:forbidigo // to the test that reads it
			}
		})
	}
	callers.Wait()
}
