package httpapi_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/sqlite"
)

// fixture is a server over a real keeper on a SQLite file of its own.
type fixture struct {
	audit *audit.Log
	*testing.T
	*httptest.Server
	ops      *httptest.Server
	server   *httpapi.Server
	store    *sqlite.Store
	keeper   *lifecycle.Keeper
	timeline *timeline.Explainer
	identity *auth.Identity
	metrics  *metrics.Registry
	path     string
	log      *logBuffer
	offset   atomic.Int64 // of the store's clock
	notReady atomic.Bool
	hangs    atomic.Bool // connections stand, and nothing answers
}

// hanging is a handler that answers nothing new while the server hangs.
func (h *fixture) hanging(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for h.hangs.Load() {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		next.ServeHTTP(w, r)
	})
}

// settings of a fixture. The zero value is the default.
type settings struct {
	auth    auth.Options
	policy  func(*curfew.Policy)
	store   func(lifecycle.Store) lifecycle.Store
	timeout time.Duration
	answer  time.Duration // how long a call waits for a job's end
	sweeps  bool
	hooks   httpapi.Hooks
	writing time.Duration // how long a stream's reader may take
	shallow bool          // connections hold little
	given   []api.Setting
	baseURL string // empty: this machine's
	hint    string // the command that prints a sign-in link
	signin  string // where customers and mechanics sign in
	two     approval.Rules
	onePort bool // operators' programs ask at the public listener
	keys    lifecycle.Keys
	proxies []netip.Prefix // whose word about a request counts
	origins []string       // of other sites whose pages may call
	limits  map[limit.Class]limit.Rate
	replace func([]string, slog.Attr) slog.Attr // in the log
	trace   httpapi.Trace
}

// ours are the proxies of a test: the test itself.
var ours = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func newFixture(t *testing.T) *fixture { return newFixtureWith(t, settings{}) }

func newFixtureWith(t *testing.T, o settings) *fixture {
	t.Helper()
	h := &fixture{T: t, path: stores.SQLiteMigrated(t), log: &logBuffer{}, metrics: metrics.New()}
	h.openStore()
	h.openKeeper(o)
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

func (h *fixture) openStore() {
	h.Helper()
	var err error
	h.store, err = sqlite.Open(h.Context(), h.path, sqlite.Options{Now: h.now})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = h.store.Close() })
}

func (h *fixture) openKeeper(o settings) {
	h.Helper()
	policy := curfew.DefaultPolicy()
	policy.HoldForeign = true
	if o.policy != nil {
		o.policy(&policy)
	}
	var store lifecycle.Store = h.store
	if o.store != nil {
		store = o.store(store)
	}
	var err error
	h.keeper, err = lifecycle.New(store, lifecycle.Options{
		Policy: &policy, SweeperOff: !o.sweeps, Logger: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{ReplaceAttr: o.replace})), Observer: h.metrics, Keys: o.keys,
	})
	if err != nil {
		h.Fatal(err)
	}
	h.timeline = timeline.New(store, h.keeper.Rules)
	h.metrics.Watch(h.keeper.Health)
}

func (h *fixture) listen(o settings) {
	h.Helper()
	h.audit = audit.New(audit.Options{Store: h.store})
	hub := stream.New(h.store, stream.Options{Encode: sse.Encode})
	h.background(hub.Run)
	s, err := httpapi.New(httpapi.Options{
		Streams: streams{hub},
		Keeper:  h.keeper, Timeline: h.timeline, Directory: directory.New(h.store), Identity: h.identity, Once: h.store, Keys: h.store, Revocations: h.store, Audit: h.audit, AuditReader: h.store, Approvals: h.store, Jobs: h.store, TwoPersons: o.two, SignIns: auth.SignInOptions{Store: h.store}, Privacy: privacy.Service{Store: h.store}, Ready: h.ready, OnePort: o.onePort, Version: "v-test",
		BaseURL: cmp.Or(o.baseURL, "http://127.0.0.1:3001"), LoginHint: o.hint, SigninURL: o.signin, SessionURL: "https://app.example.org/chat/{id}", Instead: console.Instead{After: 3 * time.Minute, CallbackURL: "https://app.example.org/call/{id}"}, Forecasts: forecast.New(h.store), Metrics: h.metrics, RequestTimeout: o.timeout, AnswerWithin: cmp.Or(o.answer, testTimeout), Hooks: o.hooks, Settings: o.given,
		Endpoints: webhook.Endpoints{Store: h.store}, Deliveries: notify.Deliveries{Store: h.store},
		TrustedProxies: o.proxies, AllowedOrigins: o.origins, Limits: limit.New(limit.Options{Rates: o.limits, Store: h.store, Limited: h.metrics.Limited}),
		Links:  mail.Unsubscriptions{Store: h.store, Signer: h.identity},
		Logger: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: o.replace})), Trace: o.trace,
	})
	if err != nil {
		h.Fatal(err)
	}
	if o.writing > 0 {
		s.Quicken(testTimeout, o.writing)
	}
	h.server = s
	h.Server = httptest.NewUnstartedServer(h.hanging(s.Handler()))
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
func (h *fixture) background(run func(context.Context) error) {
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

// streams adapts the hub to the server.
type streams struct{ *stream.Hub }

func (s streams) Subscribe(ctx context.Context, topics []string, since time.Time) (sse.Subscription, error) {
	subscription, err := s.Hub.Subscribe(ctx, topics, since)
	if err != nil {
		return nil, err
	}
	return subscription, nil
}

func (h *fixture) ready(context.Context) error {
	if h.notReady.Load() {
		return curfew.Errorf(curfew.Unavailable, "the schema is behind")
	}
	return nil
}

// now is the store's clock.
func (h *fixture) now() time.Time { return time.Now().Add(time.Duration(h.offset.Load())) }

// ago sets the store's clock back, to make something that will be old.
func (h *fixture) ago(d time.Duration) { h.offset.Store(-int64(d)) }

// logBuffer is a log that a test can read.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *logBuffer) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *logBuffer) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// token returns a token of somebody.
func (h *fixture) token(role curfew.Role, id string) string {
	h.Helper()
	token, err := h.identity.Token(curfew.Actor{Role: role, ID: id}, time.Hour)
	if err != nil {
		h.Fatal(err)
	}
	return token
}

// as returns a client of the API for somebody.
func (h *fixture) as(role curfew.Role, id string) *api.Client {
	h.Helper()
	return &api.Client{BaseURL: h.URL, Token: h.token(role, id), HTTP: described(h.T)}
}

func (h *fixture) shop() *api.Client  { return h.as(curfew.Service, "shop") }
func (h *fixture) admin() *api.Client { return h.as(curfew.Admin, "anna") }

// answer is a response.
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
func (h *fixture) send(method, path, body string, headers ...string) answer {
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

func (h *fixture) do(req *http.Request) answer {
	h.Helper()
	resp, err := described(h.T).Do(req)
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

// sendAs is send with a token of somebody.
func (h *fixture) sendAs(role curfew.Role, id, method, path, body string, headers ...string) answer {
	h.Helper()
	return h.send(method, path, body, append(headers, "Authorization: Bearer "+h.token(role, id))...)
}

// fulfilled makes a paid session of a customer.
func (h *fixture) fulfilled(customer string) api.Fulfillment {
	h.Helper()
	f, err := h.shop().FulfillCheckout(h.Context(), api.Purchase{
		PaymentRef: "pay-" + customer + "-" + h.now().Format("150405.000000000"), CustomerID: customer, Plan: "chat10", Name: "Ada",
	})
	if err != nil {
		h.Fatal(err)
	}
	return f
}

// accepted makes a paid session that a mechanic has accepted.
func (h *fixture) accepted(customer, mechanic string) api.Fulfillment {
	h.Helper()
	f := h.fulfilled(customer)
	if _, err := h.as(curfew.Mechanic, mechanic).Accept(h.Context(), f.RequestID); err != nil {
		h.Fatal(err)
	}
	return f
}
