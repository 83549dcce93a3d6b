package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// integrator receives webhooks: its first answer to each webhook is 500.
type integrator struct {
	*httptest.Server
	mu    sync.Mutex
	key   *standard.Webhook
	seen  map[string]bool
	types []string // of each attempt, in order
}

func newIntegrator(t *testing.T) *integrator {
	t.Helper()
	r := &integrator{seen: map[string]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		body, _ := io.ReadAll(q.Body)
		if err := r.key.Verify(body, q.Header); err != nil { // signed at the real time
			t.Errorf("a signature: %v", err)
		}
		var m struct{ Type string }
		_ = json.Unmarshal(body, &m)
		r.types = append(r.types, m.Type)
		if id := q.Header.Get("webhook-id"); !r.seen[id] {
			r.seen[id] = true
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// attempts is how often a type was sent.
func (r *integrator) attempts(kind string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.types {
		if k == kind {
			n++
		}
	}
	return n
}

// advance moves the test clock, and fails the test if that is refused.
func advance(t *testing.T, c *api.Client, by string) (now time.Time) {
	t.Helper()
	status, body := tryAdvance(t, c, by)
	var answer struct{ Now time.Time }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s (%v)", status, body, err)
	}
	return answer.Now
}

func tryAdvance(t *testing.T, c *api.Client, by string) (status int, body string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.BaseURL+"/api/test/clock/advance", strings.NewReader(fmt.Sprintf(`{"by":%q}`, by)))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+c.Token)
	q.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestADayOfAnIntegratorOnSQLite(t *testing.T) {
	t.Parallel()
	aDayOfAnIntegrator(t, "sqlite:curfew.db")
}

func TestADayOfAnIntegratorOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url := stores.PostgresMigrated(t)
	migrated(t, url)
	aDayOfAnIntegrator(t, url)
}

// aDayOfAnIntegrator pays twice, lets a day pass, and finds all that a day brings: each moment in its order, and each webhook tried again.
func aDayOfAnIntegrator(t *testing.T, url string) {
	t.Helper()
	r, dir := newIntegrator(t), t.TempDir()
	env := []string{"CURFEW_DATABASE_URL=" + url, "CURFEW_WEBHOOKS_ALLOW_PRIVATE=127.0.0.1", "CURFEW_SETTLE=expired=refund"}
	args := []string{"--auth-key-file=curfew.key", "--test-clock"}
	p := serving(t, dir, env, args...)
	admin, shop := p.client(t, dir, "admin", "me"), p.client(t, dir, "service", "shop")
	endpoint, err := admin.AddEndpoint(t.Context(), api.NewEndpoint{URL: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	if r.key, err = standard.NewWebhook(endpoint.Secret); err != nil {
		t.Fatal(err)
	}
	first := pays(t, shop, "kim", "cs-1")
	if second := pays(t, shop, "kim", "cs-2"); second.Outcome != "deferred" {
		t.Fatalf("the second payment is %+v", second)
	}

	begun := time.Now()
	now := advance(t, shop, "24h")
	if took := time.Since(begun); took > 15*time.Second { // under a second where nothing else runs
		t.Errorf("a day took %s", took)
	}
	if off := now.Sub(begun) - 24*time.Hour; off.Abs() > time.Minute {
		t.Errorf("after a day it is %s", now)
	}

	one := read(t, shop, first.SessionID)
	if lived := one.EndedAt.Sub(one.CreatedAt); one.EndReason != "expired" || lived < 15*time.Minute || lived > 15*time.Minute+2*time.Second {
		t.Errorf("the first session is %+v", one)
	}
	var outcomes []string
	page, err := shop.Checkouts(t.Context(), "kim")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range page.Checkouts {
		outcomes = append(outcomes, c.Outcome)
	}
	if !slices.Equal(outcomes, []string{"refund_due", "refund_due"}) { // the second had its own session meanwhile
		t.Errorf("the payments are %q", outcomes)
	}
	for kind, want := range map[string]int{"session.waiting": 4, "session.unaccepted": 4, "session.cancelled": 4, "checkout.refund_due": 4} {
		if got := r.attempts(kind); got != want {
			t.Errorf("%s was sent %d times, want %d: %q", kind, got, want, r.types)
		}
	}
	health, err := admin.Health(t.Context())
	if err != nil || health.Sweeper.Alive == nil || !*health.Sweeper.Alive {
		t.Errorf("health is %+v (%v)", health, err)
	}
	for _, f := range health.Findings { // nothing gives the money back here
		if f.Code != "money_unsettled" && f.Code != "refunds_overdue" {
			t.Errorf("a finding: %+v", f)
		}
	}

	// It is still a day later after a restart, and only with the flag.
	if err := p.end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := startBy("curfew", dir, env, args[0]); err == nil || !strings.Contains(err.Error(), "this database has a test clock") {
		t.Errorf("without its clock: %v", err)
	}
	p = serving(t, dir, env, args...)
	shop = p.client(t, dir, "service", "shop")
	third := pays(t, shop, "kim", "cs-3")
	if at := read(t, shop, third.SessionID).CreatedAt; at.Before(now) {
		t.Errorf("after a restart it is %s, was %s", at, now)
	}
	for by, want := range map[string]int{"-1h": 422, "soon": 422, "9000h": 422} {
		if status, body := tryAdvance(t, shop, by); status != want {
			t.Errorf("by %s: %d %s", by, status, body)
		}
	}
}

func pays(t *testing.T, shop *api.Client, customer, ref string) api.Fulfillment {
	t.Helper()
	got, err := shop.FulfillCheckout(t.Context(), api.Purchase{PaymentRef: ref, CustomerID: customer, Plan: "chat10", Amount: new(int64(2900)), Currency: "eur"})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func read(t *testing.T, shop *api.Client, id string) api.Session {
	t.Helper()
	s, err := shop.Session(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A test clock is refused where it could do harm.
func TestWhereATestClockIsRefused(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		serve serveCommand
		args  []string
		want  string
	}{
		"beside a live key":             {serveCommand{TestClock: true}, []string{"--stripe-api-key=sk_live_1"}, "would give real money back"},
		"beside a restricted live key":  {serveCommand{TestClock: true}, []string{"--stripe-api-key=rk_live_1"}, "would give real money back"},
		"beside live messages":          {serveCommand{TestClock: true}, []string{"--stripe-live=on"}, "would give real money back"},
		"where others can reach it":     {serveCommand{TestClock: true}, []string{"--listen=:3001"}, "or say --test-clock-public"},
		"said for nothing":              {serveCommand{TestClockPublic: true}, nil, "--test-clock-public is for --test-clock"},
		"a test key, on this machine":   {serveCommand{TestClock: true}, []string{"--stripe-api-key=sk_test_1"}, ""},
		"where others can reach it, so": {serveCommand{TestClock: true, TestClockPublic: true}, []string{"--listen=:3001"}, ""},
	} {
		s, err := parse(t, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		clock, err := c.serve.clock(s)
		switch {
		case c.want == "" && (err != nil || clock == nil):
			t.Errorf("%s: %v", sentence, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

// A database that has lived without one gets none.
func TestADatabaseThatHasLivedGetsNoTestClock(t *testing.T) {
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			db, ok := h.Store.(clockKeeper)
			if !ok {
				t.Fatalf("%T has no clock", h.Store)
			}
			keeper, err := lifecycle.New(h.Store, lifecycle.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := keeper.Admission.FulfillCheckout(t.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
				lifecycle.Purchase{PaymentRef: "cs-1", CustomerID: "ada", Plan: "chat10"}); err != nil {
				t.Fatal(err)
			}
			if err := db.InstallClock(t.Context()); !errors.Is(err, curfew.Conflict) {
				t.Errorf("got %v", err)
			}
			if has, err := db.HasClock(t.Context()); has || err != nil {
				t.Errorf("it has one (%v)", err)
			}
		})
	}
}
