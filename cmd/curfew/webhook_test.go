package main

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

var webhookCustomers = flag.Int("told", 0, "customers whose every event a receiver is told of in the test of kills; by default 40, or 15 with -short")

func TestNoEventIsLostToAReceiverThatFailsAndKillsOnSQLite(t *testing.T) {
	t.Parallel()
	noEventIsLost(t, "sqlite:curfew.db")
}

func TestNoEventIsLostToAReceiverThatFailsAndKillsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url := stores.PostgresMigrated(t)
	migrated(t, url)
	noEventIsLost(t, url)
}

// flaky receives webhooks, and fails half of all calls.
type flaky struct {
	*testing.T
	*httptest.Server
	secret atomic.Pointer[standard.Webhook]
	calls  atomic.Int64

	mu       sync.Mutex
	chances  *seed.Chances
	bodies   map[string][sha256.Size]byte // of every attempt, by webhook-id
	received map[string]int               // answered 2xx, by the event's id
}

func newFlaky(t *testing.T, chosen uint64) *flaky {
	t.Helper()
	f := &flaky{
		T: t, chances: seed.NewChances(chosen), bodies: map[string][sha256.Size]byte{}, received: map[string]int{},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.calls.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed
	}
	if err := f.secret.Load().Verify(body, r.Header); err != nil {
		f.Errorf("a signature: %v", err)
	}
	var m struct {
		Type string
		Data struct {
			ID                string
			Number            int
			Session, Checkout struct{ CustomerID string }
		}
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Data.ID == "" {
		f.Errorf("a body: %v: %s", err, body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id, hash := r.Header.Get("webhook-id"), sha256.Sum256(body)
	if first, ok := f.bodies[id]; ok && first != hash {
		f.Errorf("%s is another body than before: %s", id, body)
	}
	f.bodies[id] = hash
	if f.chances.Of(fmt.Sprint(m.Type, m.Data.Number, m.Data.Session, m.Data.Checkout)) < .5 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	f.received[m.Data.ID]++
}

// got is how many events arrived, and how often one did that had before.
func (f *flaky) got() (events, repeats int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.received {
		repeats += n - 1
	}
	return len(f.received), repeats
}

// noEventIsLost gives customers sessions and ends them, while their events go
// to a receiver that fails half of all calls and the service is killed with -9
// again and again.
func noEventIsLost(t *testing.T, url string) {
	t.Helper()
	chosen := seed.New(t)
	f, dir, killing := newFlaky(t, chosen), t.TempDir(), seed.Dice(chosen, "kills")
	env := []string{"CURFEW_DATABASE_URL=" + url, "CURFEW_WEBHOOKS_ALLOW_PRIVATE=127.0.0.1"}
	p := serving(t, dir, env, "--auth-key-file=curfew.key")
	endpoint, err := p.client(t, dir, "admin", "me").AddEndpoint(t.Context(), api.NewEndpoint{URL: f.URL})
	if err != nil {
		t.Fatal(err)
	}
	key, err := standard.NewWebhook(endpoint.Secret)
	if err != nil {
		t.Fatal(err)
	}
	f.secret.Store(key)

	const kills = 3
	db := behindServe(t, dir, url)
	for n := range kills + 1 {
		visit(t, p.client(t, dir, "service", "shop"), n, effort.Of(*webhookCustomers, 15, 40)/(kills+1))
		if n == kills {
			break
		}
		after := f.calls.Load() + 1 + killing.Int64N(20)
		until(t.Context(), t, "it sends", func() bool { db.due(t); return f.calls.Load() >= after })
		p.kill() // -9
		db.expired(t)
		p = serving(t, dir, env, "--auth-key-file=curfew.key")
	}

	// Of a thousand, one fails ten times and is dead: its operator replays it.
	operator := p.client(t, dir, "admin", "me")
	hurry := func() {
		db.due(t)
		if _, err := operator.ReplayDead(t.Context(), endpoint.ID); err != nil {
			t.Fatal(err)
		}
	}
	want := db.count(t, "SELECT count(*) FROM events")
	until(t.Context(), t, "every event arrives", func() bool {
		hurry()
		events, _ := f.got()
		return events >= want
	})
	events, repeats := f.got()
	t.Logf("%d events, %d calls, %d repeats", events, f.calls.Load(), repeats)
	if events != want || db.count(t, "SELECT count(*) FROM events WHERE NOT told") != 0 {
		t.Errorf("%d events arrived of %d", events, want)
	}
	until(t.Context(), t, "nothing waits", func() bool {
		hurry()
		return db.count(t, "SELECT count(*) FROM deliveries WHERE state <> 'delivered'") == 0
	})
}

// visit gives customers sessions and cancels them.
func visit(t *testing.T, client *api.Client, round, customers int) {
	t.Helper()
	for i := range customers {
		name := fmt.Sprintf("c-%d-%d", round, i)
		f, err := client.FulfillCheckout(t.Context(), api.Purchase{PaymentRef: "ref-" + name, CustomerID: name, Plan: "chat10"})
		if err == nil {
			_, err = client.Cancel(t.Context(), f.SessionID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
