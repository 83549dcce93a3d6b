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
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	tail "github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// station is a process with live streams on a store of its own, served as
// `curfew serve` does it.
type station struct {
	*testing.T
	storetest.Harness
	engine   *lifecycle.Keeper
	identity *auth.Identity
	http     *http.Server
	url      string
}

// stations runs a test on both stores.
func stations(t *testing.T, test func(*station)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newStation(t, open(t), nil))
		})
	}
}

// newStation starts a process on a store; adjust changes it before it serves.
func newStation(t *testing.T, store storetest.Harness, adjust func(*httpapi.Server, *http.Server)) *station {
	t.Helper()
	return newStationOver(t, store, store.Store, adjust)
}

// newStationOver is a station whose engine works on what stands before the store.
func newStationOver(t *testing.T, store storetest.Harness, before lifecycle.Store, adjust func(*httpapi.Server, *http.Server)) *station {
	t.Helper()
	st := &station{T: t, Harness: store}
	var err error
	st.engine, err = lifecycle.New(before, lifecycle.Options{})
	must(t, err)
	key := auth.Options{KeyFile: filepath.Join(t.TempDir(), "curfew.key"), CreateKey: true}
	st.identity, err = auth.NewIdentity(t.Context(), key)
	must(t, err)
	hub := tail.New(store.Store.(tail.Store), tail.Options{Encode: sse.Encode}) //nolint:errcheck,forcetypeassert // both are
	s, err := httpapi.New(httpapi.Options{
		Keeper: st.engine, Timeline: timeline.New(before, st.engine.Rules), Identity: st.identity, Once: store.Store, Streams: streams{hub},
		Endpoints: webhook.Endpoints{Store: store.Store.(webhook.Store)}, Deliveries: notify.Deliveries{Store: store.Store.(notify.Admin)}, //nolint:errcheck,forcetypeassert // both are
		Ready: func(context.Context) error { return nil },
	})
	must(t, err)
	st.http = s.HTTPServer("")
	if adjust != nil {
		adjust(s, st.http)
	}
	st.serve(hub.Run, s.Run)
	return st
}

func (st *station) serve(background ...func(context.Context) error) {
	st.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(st.Context(), "tcp", "127.0.0.1:0")
	must(st.T, err)
	st.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(st.Context()))
	var all sync.WaitGroup
	for _, run := range background {
		all.Go(func() { _ = run(ctx) })
	}
	all.Go(func() { _ = st.http.Serve(l) })
	st.Cleanup(func() {
		_ = st.http.Close()
		cancel()
		all.Wait()
	})
}

func (st *station) token(role curfew.Role, id string, ttl time.Duration) string {
	st.Helper()
	token, err := st.identity.Token(curfew.Actor{Role: role, ID: id}, ttl)
	must(st.T, err)
	return token
}

func (st *station) as(role curfew.Role, id string) *api.Client {
	st.Helper()
	return &api.Client{BaseURL: st.url, Token: st.token(role, id, time.Hour)}
}

// fulfilled is a paid session of a customer.
func (st *station) fulfilled(customer, ref string) api.Fulfillment {
	st.Helper()
	f, err := st.as(curfew.Service, "shop").FulfillCheckout(st.Context(), api.Purchase{
		PaymentRef: ref, CustomerID: customer, Plan: "chat10", Name: "name of " + customer, Email: customer + "@mail.example",
	})
	must(st.T, err)
	return f
}

// frame is one server-sent event.
type frame struct{ id, name, data string }

func (f frame) read(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(f.data), into); err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
}

func (f frame) session(t *testing.T) (c api.SessionChange) {
	t.Helper()
	f.read(t, &c)
	return c
}

// listener reads one stream.
type listener struct {
	*testing.T
	answer *http.Response
	frames chan frame // closed at the end of the stream
	heard  []frame    // by next
	leave  context.CancelFunc
}

// dial asks for a stream as it is.
func (st *station) dial(token, lastID string) *listener {
	st.Helper()
	ctx, leave := context.WithCancel(context.WithoutCancel(st.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, st.url+"/api/stream", nil)
	must(st.T, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := streamClient.Do(req)
	must(st.T, err)
	st.Cleanup(leave)
	st.Cleanup(func() { _ = resp.Body.Close() })
	return &listener{T: st.T, answer: resp, frames: make(chan frame, 100_000), leave: leave}
}

// streamClient has a connection for each stream, and keeps none.
var streamClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// listen opens a stream and reads its hello.
func (st *station) listen(role curfew.Role, id, lastID string) *listener {
	st.Helper()
	return st.listenWith(st.token(role, id, time.Hour), lastID)
}

func (st *station) listenWith(token, lastID string) *listener {
	st.Helper()
	l := st.dial(token, lastID)
	if l.answer.StatusCode != http.StatusOK {
		st.Fatalf("no stream: %d", l.answer.StatusCode)
	}
	go l.pump()
	if first := l.next("hello"); len(l.heard) != 1 {
		st.Fatalf("hello is not the first: %+v, %+v", l.heard, first)
	}
	return l
}

// pump reads frames until the stream ends. What has only an id is a heartbeat.
func (l *listener) pump() {
	defer close(l.frames)
	lines := bufio.NewScanner(l.answer.Body)
	lines.Buffer(nil, 1<<20)
	var f frame
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
			l.frames <- f
			f = frame{}
		}
	}
}

// next is the next frame of a name; others go by.
func (l *listener) next(names ...string) frame {
	l.Helper()
	for {
		select {
		case f, ok := <-l.frames:
			if !ok {
				l.Fatalf("the stream ended before a frame %v; heard %+v", names, l.heard)
			}
			l.heard = append(l.heard, f)
			if slices.Contains(names, f.name) {
				return f
			}
		case <-time.After(patience):
			l.Fatalf("no frame %v; heard %+v", names, l.heard)
		}
	}
}

// nextOf is the next session frame of a session.
func (l *listener) nextOf(sessionID string) api.SessionChange {
	l.Helper()
	for {
		if c := l.next("session").session(l.T); c.SessionID == sessionID {
			return c
		}
	}
}

// acceptanceOf goes on until a session's acceptance was told.
func (l *listener) acceptanceOf(sessionID string) {
	l.Helper()
	for told := false; !told; {
		told = l.nextOf(sessionID).Reason == "accepted"
	}
}

// ended waits for the end of the stream.
func (l *listener) ended() {
	l.Helper()
	deadline := time.After(patience)
	for {
		select {
		case f, ok := <-l.frames:
			if !ok {
				return
			}
			l.heard = append(l.heard, f)
		case <-deadline:
			l.Fatal("the stream has no end")
		}
	}
}

// lastID is the id of the newest frame heard.
func (l *listener) lastID() string {
	for _, f := range slices.Backward(l.heard) {
		if f.id != "" {
			return f.id
		}
	}
	return ""
}

// all is everything heard, as text.
func (l *listener) all() string {
	var text strings.Builder
	for _, f := range l.heard {
		text.WriteString(f.name + " " + f.data + "\n")
	}
	return text.String()
}
