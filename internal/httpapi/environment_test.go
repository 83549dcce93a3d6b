package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/job"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// environment is a process with live streams on a store of its own, served as `curfew serve` serves it.
type environment struct {
	*testing.T
	storetest.Harness
	keeper   *lifecycle.Keeper
	identity *auth.Identity
	http     *http.Server
	url      string
}

// onBothStores runs a test on both stores.
func onBothStores(t *testing.T, test func(*environment)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newEnvironment(t, open(t), nil))
		})
	}
}

// newEnvironment starts a process on a store; adjust changes it before it serves.
func newEnvironment(t *testing.T, store storetest.Harness, adjust func(*httpapi.Server, *http.Server)) *environment {
	t.Helper()
	return newEnvironmentOver(t, store, store.Store, adjust)
}

// directoryStore is what a directory needs of a store.
type directoryStore interface {
	directory.Store
	directory.FindStore
	directory.ListStore
}

// newEnvironmentOver is newEnvironment with a keeper that works on a store in front of the store.
func newEnvironmentOver(t *testing.T, store storetest.Harness, before lifecycle.Store, adjust func(*httpapi.Server, *http.Server)) *environment {
	t.Helper()
	env := &environment{T: t, Harness: store}
	var err error
	env.keeper, err = lifecycle.New(before, lifecycle.Options{})
	must(t, err)
	key := auth.Options{KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true}
	env.identity, err = auth.NewIdentity(t.Context(), key)
	must(t, err)
	hub := stream.New(store.Store.(stream.Store), stream.Options{Encode: sse.Encode}) //nolint:errcheck,forcetypeassert // both are
	s, err := httpapi.New(httpapi.Options{
		Keeper: env.keeper, Timeline: timeline.New(before, env.keeper.Rules), Directory: directory.New(store.Store.(directoryStore)), Identity: env.identity, Once: store.Store, Streams: streams{hub}, Forecasts: forecast.New(store.Store.(forecast.Store)), //nolint:errcheck,forcetypeassert // both are
		Endpoints: webhook.Endpoints{Store: store.Store.(webhook.Store)}, Deliveries: notify.Deliveries{Store: store.Store.(notify.Admin)}, //nolint:errcheck,forcetypeassert // both are
		Keys: store.Store.(auth.KeyStore), Revocations: store.Store.(auth.RevocationStore), Audit: audit.New(audit.Options{Store: store.Store.(audit.Store)}), AuditReader: store.Store.(audit.Store), Approvals: store.Store.(approval.Store), Jobs: store.Store.(job.Store), SignIns: auth.SignInOptions{Store: store.Store.(auth.SignInStore)}, Privacy: privacy.Service{Store: store.Store.(privacy.Store)}, Ready: func(context.Context) error { return nil }, //nolint:errcheck,forcetypeassert // both are
	})
	must(t, err)
	env.http = s.HTTPServer("")
	if adjust != nil {
		adjust(s, env.http)
	}
	env.serve(hub.Run, s.Run)
	return env
}

func (env *environment) serve(background ...func(context.Context) error) {
	env.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(env.Context(), "tcp", "127.0.0.1:0")
	must(env.T, err)
	env.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(env.Context()))
	var all sync.WaitGroup
	for _, run := range background {
		all.Go(func() { _ = run(ctx) })
	}
	all.Go(func() { _ = env.http.Serve(l) })
	env.Cleanup(func() {
		_ = env.http.Close()
		cancel()
		all.Wait()
	})
}

func (env *environment) token(role curfew.Role, id string, ttl time.Duration) string {
	env.Helper()
	token, err := env.identity.Token(curfew.Actor{Role: role, ID: id}, ttl)
	must(env.T, err)
	return token
}

func (env *environment) as(role curfew.Role, id string) *api.Client {
	env.Helper()
	return &api.Client{BaseURL: env.url, Token: env.token(role, id, time.Hour), HTTP: described(env.T)}
}

// fulfilled makes a paid session of a customer.
func (env *environment) fulfilled(customer, ref string) api.Fulfillment {
	env.Helper()
	f, err := env.as(curfew.Service, "shop").FulfillCheckout(env.Context(), api.Purchase{
		PaymentRef: ref, CustomerID: customer, Plan: "chat10", Name: "name of " + customer, Email: customer + "@mail.example",
	})
	must(env.T, err)
	return f
}

// sseEvent is one server-sent event.
type sseEvent struct{ id, name, data string }

func (f sseEvent) read(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(f.data), into); err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
}

func (f sseEvent) session(t *testing.T) (c api.SessionChange) {
	t.Helper()
	f.read(t, &c)
	return c
}

// streamReader reads one stream.
type streamReader struct {
	*testing.T
	answer   *http.Response
	events   chan sseEvent // closed at the end of the stream
	received []sseEvent    // by next
	leave    context.CancelFunc
}

// dial asks for a stream, and returns it whatever the response.
func (env *environment) dial(token, lastID string) *streamReader {
	env.Helper()
	return env.dialAt("/api/stream", token, lastID)
}

func (env *environment) dialAt(path, token, lastID string) *streamReader {
	env.Helper()
	ctx, leave := context.WithCancel(context.WithoutCancel(env.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, env.url+path, nil)
	must(env.T, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := streamClient.Do(req)
	must(env.T, err)
	env.Cleanup(leave)
	env.Cleanup(func() { _ = resp.Body.Close() })
	return &streamReader{T: env.T, answer: resp, events: make(chan sseEvent, 100_000), leave: leave}
}

// streamClient opens a connection for each stream, and reuses none.
var streamClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// listen opens a stream and reads its hello.
func (env *environment) listen(role curfew.Role, id, lastID string) *streamReader {
	env.Helper()
	return env.listenWith(env.token(role, id, time.Hour), lastID)
}

func (env *environment) listenWith(token, lastID string) *streamReader {
	env.Helper()
	l := env.dial(token, lastID)
	if l.answer.StatusCode != http.StatusOK {
		env.Fatalf("no stream: %d", l.answer.StatusCode)
	}
	go l.pump()
	if first := l.next("hello"); len(l.received) != 1 {
		env.Fatalf("hello is not the first: %+v, %+v", l.received, first)
	}
	return l
}

// pump reads events until the stream ends. An event that has only an id is a heartbeat.
func (l *streamReader) pump() {
	defer close(l.events)
	lines := bufio.NewScanner(l.answer.Body)
	lines.Buffer(nil, 1<<20)
	var f sseEvent
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			f.id = value
		case "event":
			f.name = value
		case "data":
			f.data = value
		case "":
			if lines.Text() != "" {
				f.name = "heartbeat"
				continue
			}
			l.conforms(f)
			l.events <- f
			f = sseEvent{}
		}
	}
}

// next returns the next event with one of the names, and skips others.
func (l *streamReader) next(names ...string) sseEvent {
	l.Helper()
	for {
		select {
		case f, ok := <-l.events:
			if !ok {
				l.Fatalf("the stream ended before an event %v; received %+v", names, l.received)
			}
			l.received = append(l.received, f)
			if slices.Contains(names, f.name) {
				return f
			}
		case <-time.After(testTimeout):
			l.Fatalf("no event %v; received %+v", names, l.received)
		}
	}
}

// nextOf returns the next session event of a session.
func (l *streamReader) nextOf(sessionID string) api.SessionChange {
	l.Helper()
	for {
		if c := l.next("session").session(l.T); c.SessionID == sessionID {
			return c
		}
	}
}

// acceptanceOf goes on until a session's acceptance arrives.
func (l *streamReader) acceptanceOf(sessionID string) {
	l.Helper()
	for accepted := false; !accepted; {
		accepted = l.nextOf(sessionID).Reason == "accepted"
	}
}

// ended waits for the end of the stream.
func (l *streamReader) ended() {
	l.Helper()
	deadline := time.After(testTimeout)
	for {
		select {
		case f, ok := <-l.events:
			if !ok {
				return
			}
			l.received = append(l.received, f)
		case <-deadline:
			l.Fatal("the stream has no end")
		}
	}
}

// lastID returns the id of the newest event received.
func (l *streamReader) lastID() string {
	for _, f := range slices.Backward(l.received) {
		if f.id != "" {
			return f.id
		}
	}
	return ""
}

// all returns everything received, as text.
func (l *streamReader) all() string {
	var text strings.Builder
	for _, f := range l.received {
		text.WriteString(f.name + " " + f.data + "\n")
	}
	return text.String()
}
