package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/sse"
	tail "github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/sqlite"
)

// house is a server over a real engine on a SQLite file of its own.
type house struct {
	*testing.T
	*httptest.Server
	ops      *httptest.Server
	server   *httpapi.Server
	store    *sqlite.Store
	engine   *lifecycle.Keeper
	timeline *timeline.Explainer
	identity *auth.Identity
	metrics  *metrics.Registry
	path     string
	log      *journal
	offset   atomic.Int64 // of the store's clock
	notReady atomic.Bool
}

// settings of a house; the zero value is the usual one.
type settings struct {
	auth    auth.Options
	policy  func(*curfew.Policy)
	store   func(lifecycle.Store) lifecycle.Store
	timeout time.Duration
	sweeps  bool
	hook    httpapi.Hook
	writing time.Duration // how long a stream's reader may take
	shallow bool          // connections hold little
	given   []api.Setting
	keys    lifecycle.Keys
}

func newHouse(t *testing.T) *house { return newHouseWith(t, settings{}) }

func newHouseWith(t *testing.T, o settings) *house {
	t.Helper()
	h := &house{T: t, path: filepath.Join(t.TempDir(), "curfew.db"), log: &journal{}, metrics: metrics.New()}
	h.openStore()
	h.openEngine(o)
	if o.auth.KeyFile == "" {
		o.auth.KeyFile, o.auth.CreateKey = filepath.Join(t.TempDir(), "curfew.key"), true
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var err error
	if h.identity, err = auth.NewIdentity(ctx, o.auth); err != nil {
		t.Fatal(err)
	}
	h.listen(o)
	return h
}

func (h *house) openStore() {
	h.Helper()
	var err error
	h.store, err = sqlite.Open(h.Context(), h.path, sqlite.Options{Create: true, Now: h.now})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = h.store.Close() })
	if _, err := h.store.Migrate(h.Context()); err != nil {
		h.Fatal(err)
	}
}

func (h *house) openEngine(o settings) {
	h.Helper()
	policy := curfew.DefaultPolicy()
	if o.policy != nil {
		o.policy(&policy)
	}
	var store lifecycle.Store = h.store
	if o.store != nil {
		store = o.store(store)
	}
	var err error
	h.engine, err = lifecycle.New(store, lifecycle.Options{
		Policy: &policy, SweeperOff: !o.sweeps, Logger: slog.New(slog.NewJSONHandler(h.log, nil)), Observer: h.metrics, Keys: o.keys,
	})
	if err != nil {
		h.Fatal(err)
	}
	h.timeline = timeline.New(store, h.engine.Rules)
	h.metrics.Watch(h.engine.Health)
}

func (h *house) listen(o settings) {
	h.Helper()
	hub := tail.New(h.store, tail.Options{Encode: sse.Encode})
	h.background(hub.Run)
	s, err := httpapi.New(httpapi.Options{
		Streams: streams{hub},
		Keeper:  h.engine, Timeline: h.timeline, Identity: h.identity, Once: h.store, Ready: h.ready, Version: "v-test",
		BaseURL: "http://127.0.0.1:3001", Metrics: h.metrics, RequestTimeout: o.timeout, Hook: o.hook, Settings: o.given,
		Endpoints: webhook.Endpoints{Store: h.store}, Deliveries: notify.Deliveries{Store: h.store},
		Links:  mail.Unsubscriptions{Store: h.store, Signer: h.identity},
		Logger: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		h.Fatal(err)
	}
	if o.writing > 0 {
		s.Quicken(patience, o.writing)
	}
	h.server = s
	h.Server = httptest.NewUnstartedServer(s.Handler())
	if o.shallow {
		h.Listener = shallow{h.Listener}
	}
	h.Config.MaxHeaderBytes = s.HTTPServer("").MaxHeaderBytes
	h.Start()
	h.ops = httptest.NewServer(s.Ops())
	h.Cleanup(h.Close)
	h.Cleanup(h.ops.Close)
}

// background runs something until the test has ended.
func (h *house) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	h.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.Error(err)
		}
	})
}

// streams is the hub as the server follows it.
type streams struct{ *tail.Hub }

func (s streams) Subscribe(ctx context.Context, topics []string, since time.Time) (sse.Subscription, error) {
	subscription, err := s.Hub.Subscribe(ctx, topics, since)
	if err != nil {
		return nil, err
	}
	return subscription, nil
}

func (h *house) ready(context.Context) error {
	if h.notReady.Load() {
		return curfew.Errorf(curfew.Unavailable, "the schema is behind")
	}
	return nil
}

// now is the store's clock.
func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.offset.Load())) }

// ago sets the store's clock so far into the past, to make what is old later.
func (h *house) ago(d time.Duration) { h.offset.Store(-int64(d)) }

// journal is a log that a test can read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// token is somebody's.
func (h *house) token(role curfew.Role, id string) string {
	h.Helper()
	token, err := h.identity.Token(curfew.Actor{Role: role, ID: id}, time.Hour)
	if err != nil {
		h.Fatal(err)
	}
	return token
}

// as is the API's client, for somebody.
func (h *house) as(role curfew.Role, id string) *api.Client {
	h.Helper()
	return &api.Client{BaseURL: h.URL, Token: h.token(role, id)}
}

func (h *house) shop() *api.Client  { return h.as(curfew.Service, "shop") }
func (h *house) admin() *api.Client { return h.as(curfew.Admin, "anna") }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) problem(t *testing.T) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("no problem in %d %q: %v", a.status, a.body, err)
	}
	return p
}

// send sends a request as it is. Headers are "Name: value"; a body is JSON
// unless a header says otherwise.
func (h *house) send(method, path, body string, headers ...string) answer {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), method, h.URL+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	return h.do(req)
}

// noRedirects shows redirects instead of following them.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (h *house) do(req *http.Request) answer {
	h.Helper()
	resp, err := noRedirects.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return answer{resp.StatusCode, resp.Header, ""} // it has no end
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// sendAs is send with somebody's token.
func (h *house) sendAs(role curfew.Role, id, method, path, body string, headers ...string) answer {
	h.Helper()
	return h.send(method, path, body, append(headers, "Authorization: Bearer "+h.token(role, id))...)
}

// fulfilled is a paid session of a customer.
func (h *house) fulfilled(customer string) api.Fulfillment {
	h.Helper()
	f, err := h.shop().FulfillCheckout(h.Context(), api.Purchase{
		PaymentRef: "pay-" + customer + "-" + h.now().Format("150405.000000000"), CustomerID: customer, Plan: "chat10", Name: "Ada",
	})
	if err != nil {
		h.Fatal(err)
	}
	return f
}

// accepted is a paid session that a mechanic has.
func (h *house) accepted(customer, mechanic string) api.Fulfillment {
	h.Helper()
	f := h.fulfilled(customer)
	if _, err := h.as(curfew.Mechanic, mechanic).Accept(h.Context(), f.RequestID); err != nil {
		h.Fatal(err)
	}
	return f
}
