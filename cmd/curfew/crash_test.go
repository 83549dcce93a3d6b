package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/pgtest"
)

const callers = 16

// fulfilments is how many checkouts are fulfilled around a kill.
func fulfilments() int { return effort.Of(0, 200, 1000) }

func TestKillInTheMiddleOnSQLite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killInTheMiddle(t, dir, "sqlite:curfew.db")
	if got := integrity(t, filepath.Join(dir, "curfew.db")); got != "ok" {
		t.Errorf("integrity_check says %s", got)
	}
}

func TestKillInTheMiddleOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url := pgtest.Database(t)
	migrated(t, url)
	killInTheMiddle(t, t.TempDir(), url)
}

// killInTheMiddle kills a service with -9 while callers fulfill checkouts, and
// starts it again. What was acknowledged is stored, once, and repeating every
// reference gives everybody one session.
func killInTheMiddle(t *testing.T, dir, url string) {
	t.Helper()
	env := []string{"CURFEW_DATABASE_URL=" + url}
	p := serving(t, dir, env, "--auth-key-file=curfew.key")
	var answered atomic.Int64
	acknowledged := fulfilAll(t.Context(), p.client(t, dir, "service", "shop"), func() {
		if int(answered.Add(1)) == fulfilments()/2 {
			_ = p.cmd.Process.Kill() // -9
		}
	})
	if err := p.wait(); err == nil || len(acknowledged) < fulfilments()/2 || len(acknowledged) == fulfilments() {
		t.Fatalf("not in the middle: %d acknowledged (%v)", len(acknowledged), err)
	}
	t.Logf("%d of %d were acknowledged before the kill", len(acknowledged), fulfilments())

	p = serving(t, dir, env, "--auth-key-file=curfew.key")
	client := p.client(t, dir, "service", "shop")
	for ref, before := range acknowledged {
		checkOnce(t, client, ref, before.SessionID)
	}
	first := fulfilAll(t.Context(), client, func() {})
	second := fulfilAll(t.Context(), client, func() {})
	for ref, before := range acknowledged {
		if got := first[ref]; got.SessionID != before.SessionID || got.RequestID != before.RequestID {
			t.Errorf("%s was acknowledged with session %s, and is %s now", ref, before.SessionID, got.SessionID)
		}
	}
	if len(first) != fulfilments() || !maps.EqualFunc(first, second, sameSession) {
		t.Errorf("repeating the references gives others: %d and %d", len(first), len(second))
	}
	checkTotal(t, p.client(t, dir, "admin", "me"))
}

func sameSession(a, b api.Fulfillment) bool {
	return a.SessionID == b.SessionID && a.RequestID == b.RequestID && a.Outcome == b.Outcome
}

// fulfilAll fulfills every checkout through several concurrent callers, and
// returns what was acknowledged, by reference. Each customer pays once.
func fulfilAll(ctx context.Context, client *api.Client, acknowledged func()) map[string]api.Fulfillment {
	refs := make(chan int)
	var mu sync.Mutex
	all := map[string]api.Fulfillment{}
	var working sync.WaitGroup
	for range callers {
		working.Go(func() {
			for n := range refs {
				ref := fmt.Sprintf("ref-%d", n)
				done, err := client.FulfillCheckout(ctx, api.Purchase{PaymentRef: ref, CustomerID: fmt.Sprintf("c-%d", n), Plan: "chat10"})
				if err != nil {
					continue
				}
				mu.Lock()
				all[ref] = done
				mu.Unlock()
				acknowledged()
			}
		})
	}
	for n := range fulfilments() {
		refs <- n
	}
	close(refs)
	working.Wait()
	return all
}

// checkOnce looks for an acknowledged checkout without fulfilling it again.
func checkOnce(t *testing.T, client *api.Client, ref, sessionID string) {
	t.Helper()
	customer := "c" + ref[len("ref"):]
	paid, err := client.Checkouts(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	if len(paid.Checkouts) != 1 || paid.Checkouts[0].PaymentRef != ref || paid.Checkouts[0].SessionID != sessionID ||
		paid.Checkouts[0].Outcome != "fulfilled" {
		t.Errorf("%s was acknowledged with session %s; there is %+v", ref, sessionID, paid.Checkouts)
	}
	status, err := client.SessionStatus(t.Context(), customer)
	if err != nil || status.Session == nil || status.Session.ID != sessionID {
		t.Errorf("%s: session %s is not open: %+v (%v)", ref, sessionID, status.Session, err)
	}
}

func checkTotal(t *testing.T, client *api.Client) {
	t.Helper()
	health, err := client.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if health.Sessions.ByStatus["waiting"] != fulfilments() || health.Requests.ByStatus["pending"] != fulfilments() ||
		health.Checkouts.ByOutcome["fulfilled"] != fulfilments() {
		t.Errorf("there are %v sessions, %v requests, %v checkouts", health.Sessions.ByStatus, health.Requests.ByStatus, health.Checkouts.ByOutcome)
	}
}

// integrity returns SQLite's own judgement of the file.
func integrity(t *testing.T, path string) (verdict string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only read
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil {
		t.Fatal(err)
	}
	return verdict
}

// migrated migrates a database's schema, as an operator would.
func migrated(t *testing.T, url string) {
	t.Helper()
	var line commandLine
	line.DatabaseURL = config.DatabaseURL(url)
	db, err := line.connect(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Migrate(t.Context())
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
