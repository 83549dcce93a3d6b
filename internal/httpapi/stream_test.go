package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// A stream has the shapes of the lists.
func TestStreamsSpeakAsTheListsDo(t *testing.T) {
	onBothStores(t, func(env *environment) {
		customer, admin := env.listen(curfew.Customer, "ada", ""), env.listen(curfew.Admin, "anna", "")
		max, money := env.listen(curfew.Mechanic, "max", ""), env.listen(curfew.Customer, "ada", "")
		paid := env.fulfilled("ada", "pay-1")

		var added api.RequestAdded
		max.next("request").read(env.T, &added)
		queue, err := env.as(curfew.Mechanic, "max").Queue(env.Context(), api.Page{})
		must(env.T, err)
		added.Request.WaitingSeconds = queue.Requests[0].WaitingSeconds
		same(env.T, "the request", added, api.RequestAdded{Change: "added", Request: queue.Requests[0]})

		_, err = env.as(curfew.Mechanic, "max").Accept(env.Context(), paid.RequestID)
		must(env.T, err)
		var removed api.RequestRemoved
		max.next("request").read(env.T, &removed)
		same(env.T, "the accepted request", removed, api.RequestRemoved{
			Change: "removed", Request: api.RequestRef{ID: paid.RequestID, SessionID: paid.SessionID},
		})

		_, err = env.as(curfew.Customer, "ada").Cancel(env.Context(), paid.SessionID)
		must(env.T, err)
		events := map[*streamReader]api.Events{}
		for l, client := range map[*streamReader]*api.Client{customer: env.as(curfew.Customer, "ada"), admin: env.as(curfew.Admin, "anna")} {
			events[l], err = client.Events(env.Context(), paid.SessionID)
			must(env.T, err)
		}
		session, err := env.as(curfew.Customer, "ada").Session(env.Context(), paid.SessionID)
		must(env.T, err)
		for _, l := range []*streamReader{customer, admin} {
			for _, e := range events[l].Events {
				got := l.nextOf(paid.SessionID)
				same(env.T, "an event", got.Event, e)
				if e.Number == int64(len(events[l].Events)) {
					same(env.T, "the session", got.Session, session)
				}
			}
		}
		checkouts, err := env.as(curfew.Customer, "ada").Checkouts(env.Context(), "ada")
		must(env.T, err)
		var credited api.CheckoutChange
		for credited.Outcome != "credited" {
			money.next("checkout").read(env.T, &credited)
		}
		same(env.T, "the payment", credited, api.CheckoutChange{
			CheckoutID: checkouts.Checkouts[0].ID, Outcome: "credited", SessionID: paid.SessionID, Number: 2, At: credited.At,
		})
	})
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Whoever may read a session gets its events, and nobody else does: the topics agree with the gate.
func TestTopicsAreTheGates(t *testing.T) {
	t.Parallel()
	ids := []string{"", "ada", "max", "customer:ada", "sessions", "queue"}
	for _, customer := range ids[1:] {
		for _, mechanic := range ids {
			s := curfew.Snapshot{Session: curfew.Session{ID: "s", CustomerID: customer, MechanicID: mechanic, Status: curfew.Waiting}}
			messages := sse.Encode(record.StreamEvent{Event: curfew.Event{Subject: "s"}, SessionID: "s"}, s)
			for _, role := range []curfew.Role{curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service, curfew.System, ""} {
				for _, id := range ids[1:] {
					who := curfew.Actor{Role: role, ID: id}
					got := 0
					for _, topic := range sse.Topics(who) {
						for _, message := range messages { // outside and inside: each gets one
							if slices.Contains(message.Topics, topic) {
								got++
							}
						}
					}
					if (got == 1) != auth.Reaches(who, s.Session) || got > 1 {
						t.Errorf("%s gets %d messages about the session of %q and %q", who, got, customer, mechanic)
					}
				}
			}
		}
	}
}

// Canary: what belongs to another never arrives.
func TestStreamsTellNobodyWhatIsAnothers(t *testing.T) {
	onBothStores(t, func(env *environment) {
		bob, eve := env.listen(curfew.Customer, "bob", ""), env.listen(curfew.Mechanic, "eve", "")
		shop, anna := env.listen(curfew.Service, "shop", ""), env.listen(curfew.Admin, "anna", "")
		theirs := env.fulfilled("canary", "pay-canary")
		_, err := env.as(curfew.Mechanic, "max").Accept(env.Context(), theirs.RequestID)
		must(env.T, err)
		_, err = env.as(curfew.Customer, "canary").Cancel(env.Context(), theirs.SessionID)
		must(env.T, err)
		last := env.fulfilled("bob", "pay-bob")
		_, err = env.as(curfew.Mechanic, "eve").Accept(env.Context(), last.RequestID)
		must(env.T, err)
		for _, l := range []*streamReader{bob, eve, shop, anna} {
			l.acceptanceOf(last.SessionID)
		}
		for who, test := range map[string]struct {
			by    *streamReader
			never []string
		}{
			"another customer": {bob, []string{"canary", theirs.SessionID, "event: request", "figures"}},
			"another mechanic": {eve, []string{`"customerId":"canary"`, "canary@mail", "checkoutId", "figures", "max"}},
			"a service":        {shop, []string{"canary@mail", "name of", "checkoutId", "figures"}},
			"an admin":         {anna, []string{"canary@mail"}},
		} {
			for _, marker := range test.never {
				if strings.Contains(test.by.all(), marker) {
					env.Errorf("%s was sent %q:\n%s", who, marker, test.by.all())
				}
			}
		}
	})
}

// A mechanic who put a session back gets no more of its events, not even earlier ones.
func TestAMechanicWhoLeftASessionHearsNoMoreOfIt(t *testing.T) {
	onBothStores(t, func(env *environment) {
		max := env.listen(curfew.Mechanic, "max", "")
		f := env.fulfilled("ada", "pay-1")
		asMax, asEve := env.as(curfew.Mechanic, "max"), env.as(curfew.Mechanic, "eve")
		_, err := asMax.Accept(env.Context(), f.RequestID)
		must(env.T, err)
		max.acceptanceOf(f.SessionID)
		before := max.lastID()
		_, err = asMax.Release(env.Context(), f.RequestID)
		must(env.T, err)
		_, err = asEve.Accept(env.Context(), f.RequestID)
		must(env.T, err)
		own := env.fulfilled("bob", "pay-2")
		_, err = asMax.Accept(env.Context(), own.RequestID)
		must(env.T, err)
		max.onlyOf(own.SessionID)
		again := env.listen(curfew.Mechanic, "max", before) // the hub has read of all that by now
		again.onlyOf(own.SessionID)
	})
}

// onlyOf fails where a session event comes that is not of that session.
func (l *streamReader) onlyOf(sessionID string) {
	l.Helper()
	for {
		c := l.next("session").session(l.T)
		if c.SessionID == sessionID {
			return
		}
		l.Errorf("sent %+v", c)
	}
}

func TestStreamsResumeWithoutAGap(t *testing.T) {
	onBothStores(t, func(env *environment) {
		l := env.listen(curfew.Customer, "ada", "")
		f := env.fulfilled("ada", "pay-1")
		l.nextOf(f.SessionID)
		l.leave()
		_, err := env.as(curfew.Mechanic, "max").Accept(env.Context(), f.RequestID)
		must(env.T, err)
		_, err = env.as(curfew.Customer, "ada").Join(env.Context(), f.SessionID)
		must(env.T, err)
		again := env.listen(curfew.Customer, "ada", l.lastID())
		for want := int64(1); want <= 3; want++ { // the slack repeats the first
			if got := again.nextOf(f.SessionID); got.Number != want {
				env.Errorf("event %d, want %d", got.Number, want)
			}
		}
	})
}

func TestWhoMissedTooMuchReadsTheListsAgain(t *testing.T) {
	onBothStores(t, func(env *environment) {
		for what, id := range map[string]string{
			"long ago":         time.Now().Add(-2 * time.Hour).Format(time.RFC3339Nano),
			"ahead of us":      time.Now().Add(time.Hour).Format(time.RFC3339Nano),
			"no time of day":   "42",
			"an id of another": "018f3b2e-7c1d-7aaa-8bbb-ffffffffffff",
		} {
			l := env.listen(curfew.Customer, "ada", id)
			l.next("reset")
			if last := l.lastID(); last == "" || last == id {
				env.Errorf("%s: resumes from %q", what, last)
			}
			l.leave()
		}
	})
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	onBothStores(t, func(env *environment) {
		l := env.listenWith(env.token(curfew.Admin, "anna", 2*time.Second), "")
		var bye api.Bye
		l.next("bye").read(env.T, &bye)
		l.ended()
		if bye.Reason != "expired" {
			env.Errorf("%+v", bye)
		}
	})
}

// S59: a caller may have five streams; the refusal says when to try again.
func TestS59_FiveStreamsASubject(t *testing.T) {
	onBothStores(t, func(env *environment) {
		var mine []*streamReader
		for range 5 {
			mine = append(mine, env.listen(curfew.Customer, "ada", ""))
		}
		token := env.token(curfew.Customer, "ada", time.Hour)
		refused := env.dial(token, "")
		if refused.answer.StatusCode != http.StatusTooManyRequests || refused.answer.Header.Get("Retry-After") == "" {
			env.Fatalf("the sixth: %d, %v", refused.answer.StatusCode, refused.answer.Header)
		}
		env.listen(curfew.Customer, "bob", "")
		mine[0].leave()
		for deadline := time.Now().Add(testTimeout); ; {
			if env.dial(token, "").answer.StatusCode == http.StatusOK {
				return
			}
			if time.Now().After(deadline) {
				env.Fatal("who left keeps the place")
			}
		}
	})
}

// A stop ends streams at once: Shutdown would wait for them for ever.
func TestAStopEndsStreams(t *testing.T) {
	onBothStores(t, func(env *environment) {
		l := env.listen(curfew.Mechanic, "max", "")
		ctx, cancel := context.WithTimeout(env.Context(), testTimeout)
		defer cancel()
		must(env.T, env.http.Shutdown(ctx))
		var bye api.Bye
		l.next("bye").read(env.T, &bye)
		if bye.Reason != "stopping" {
			env.Errorf("%+v", bye)
		}
		l.ended()
	})
}

// The server's limits on requests do not cut streams, and a quiet one moves on.
func TestStreamsOutliveTheServersTimeouts(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, stores.SQLite(t), func(s *httpapi.Server, h *http.Server) {
		h.ReadTimeout, h.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
		s.Quicken(100*time.Millisecond, testTimeout)
	})
	l := env.listen(curfew.Customer, "ada", "")
	first, moved := l.lastID(), false
	for !moved { // the hub looks once a second
		moved = l.next("heartbeat").id > first
	}
	f, err := env.keeper.Admission.FulfillCheckout(t.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
		lifecycle.Purchase{PaymentRef: "pay-1", CustomerID: "ada", Plan: "chat10"})
	must(t, err)
	l.nextOf(f.SessionID)
}

// shallow is a listener whose connections buffer little.
type shallow struct{ net.Listener }

func (l shallow) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 << 10)
	}
	return conn, err
}

func TestAReaderWhoDoesNotReadIsDropped(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{shallow: true, writing: 200 * time.Millisecond})
	dialer := net.Dialer{}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(h.URL, "http://"))
	must(t, err)
	defer func() { _ = conn.Close() }()
	if tcp, ok := conn.(*net.TCPConn); ok {
		must(t, tcp.SetReadBuffer(4<<10))
	}
	_, err = conn.Write([]byte("GET /api/stream HTTP/1.1\r\nHost: curfew\r\nAuthorization: Bearer " + h.token(curfew.Service, "slow") + "\r\n\r\n"))
	must(t, err)
	for deadline, n := time.Now().Add(testTimeout), 0; !strings.Contains(h.log.String(), `"msg":"a stream ended"`); n++ {
		if h.fulfilled("c" + time.Now().Format("150405.000000000")); time.Now().After(deadline) {
			t.Fatalf("after %d sessions it still has its stream", n)
		}
	}
}

// The figures come at once, and again after a change.
func TestAdminsAreToldTheFigures(t *testing.T) {
	onBothStores(t, func(env *environment) {
		l := env.listen(curfew.Admin, "anna", "")
		var h api.Health
		l.next("figures").read(env.T, &h)
		if h.Health != "healthy" && h.Health != "issues_detected" || *h.Sessions.Total != 0 {
			env.Errorf("%+v", h)
		}
		env.fulfilled("ada", "pay-1")
		for *h.Sessions.Total != 1 {
			l.next("figures").read(env.T, &h)
		}
	})
}

func TestHealthKnowsWhoIsConnected(t *testing.T) {
	onBothStores(t, func(env *environment) {
		l := env.listen(curfew.Mechanic, "max", "")
		env.listen(curfew.Mechanic, "max", "")
		env.listen(curfew.Customer, "ada", "")
		env.connected(1)
		second := env.listen(curfew.Mechanic, "eve", "")
		env.connected(2)
		second.leave()
		l.leave()
		env.connected(1) // max has another
	})
}

// connected waits until health reports this many mechanics.
func (env *environment) connected(want int) {
	env.Helper()
	for deadline := time.Now().Add(testTimeout); ; {
		h, err := env.as(curfew.Admin, "anna").Health(env.Context())
		must(env.T, err)
		if h.Mechanics.Connected != nil && *h.Mechanics.Connected == want {
			return
		}
		if time.Now().After(deadline) {
			env.Fatalf("%+v are connected, want %d", h.Mechanics, want)
		}
	}
}

// Push is a hint, the list is the truth: what was committed before hello stands
// in the list, what comes after is in the stream, even with every notification lost. Nothing is in neither.
func TestLesson18_WhatIsNotInTheListIsTold(t *testing.T) {
	onBothStores(t, func(env *environment) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 40 {
				env.fulfilled(fmt.Sprint("c", i), fmt.Sprint("pay-", i))
			}
		}()
		l := env.listen(curfew.Mechanic, "max", "")
		known := map[string]bool{}
		queue, err := env.as(curfew.Mechanic, "max").Queue(env.Context(), api.Page{Limit: 100})
		must(env.T, err)
		for _, r := range queue.Requests {
			known[r.ID] = true
		}
		for len(known) < 40 {
			var c api.RequestAdded
			l.next("request").read(env.T, &c)
			known[c.Request.ID] = true
		}
		<-done
	})
}

// Two processes share one PostgreSQL, without notifications between them.
func TestAStreamTellsWhatAnotherProcessDid(t *testing.T) {
	t.Parallel()
	store := stores.Postgres(t)
	here, there := newEnvironment(t, store, nil), newEnvironment(t, store, nil)
	l := here.listen(curfew.Customer, "ada", "")
	f := there.fulfilled("ada", "pay-1")
	if got := l.nextOf(f.SessionID); got.Session.Status != "waiting" {
		t.Errorf("%+v", got)
	}
	there.listen(curfew.Mechanic, "max", "")
	here.connected(1)
}

func TestAHeadHasNoStream(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	got := h.sendAs(curfew.Admin, "anna", http.MethodHead, "/api/stream", "")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%+v", got)
	}
}

// S30: no token in the query, for streams either.
func TestS30_NoTokenInTheQueryOfAStream(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for _, name := range []string{"token", "access_token", "ticket", "authorization"} {
		if got := h.send("GET", "/api/stream?"+name+"="+h.token(curfew.Admin, "anna"), ""); got.status != http.StatusUnauthorized {
			t.Errorf("%s in the query: %d", name, got.status)
		}
	}
}

// A browser's stream has its cookie, and no header of ours.
func TestAStreamTakesTheCookie(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	if got := h.send("GET", "/api/stream", "", h.signedIn(anna)); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// Every event is JSON on one line, whatever is in it.
func TestFramesAreOneLine(t *testing.T) {
	t.Parallel()
	nasty := "a\nb\r\ndata: c\u2028\x00"
	s := curfew.Snapshot{
		Session: curfew.Session{ID: "s", CustomerID: nasty, Status: curfew.Waiting, Plan: nasty},
		Request: curfew.Request{ID: "r", CustomerName: nasty, Status: curfew.Pending},
	}
	for _, f := range sse.Encode(record.StreamEvent{Event: curfew.Event{Subject: "s", To: "waiting", Reason: nasty, At: time.Now()}, SessionID: "s"}, s) {
		lines := strings.Split(string(f.Text), "\n")
		if len(lines) != 5 || !json.Valid([]byte(strings.TrimPrefix(lines[2], "data: "))) {
			t.Errorf("%q", f.Text)
		}
	}
}

// A brief stream says that something changed, and to customers and mechanics what became of their sessions.
func TestABriefStreamSaysThatSomethingChanged(t *testing.T) {
	onBothStores(t, func(env *environment) {
		brief := func(role curfew.Role, id string) *streamReader {
			l := env.dialAt("/api/stream?brief=true", env.token(role, id, time.Hour), "")
			go l.pump()
			l.next("hello")
			return l
		}
		admin, max := brief(curfew.Admin, "anna"), brief(curfew.Mechanic, "max")
		f := env.fulfilled("ada", "pi_ada")
		for name, l := range map[string]*streamReader{"an admin": admin, "a mechanic": max} {
			if e := l.next("changed", "session", "request", "checkout", "figures"); e.name != "changed" || e.data != "{}" || e.id == "" {
				t.Errorf("%s receives %+v", name, e)
			}
		}
		_, err := env.as(curfew.Mechanic, "max").Accept(env.Context(), f.RequestID)
		must(t, err)
		if c := max.next("session").session(t); c.SessionID != f.SessionID {
			t.Errorf("a mechanic receives %+v of their session", c)
		}
		if l := env.dialAt("/api/stream?brief=perhaps", env.token(curfew.Admin, "anna", time.Hour), ""); l.answer.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("brief=perhaps: %d", l.answer.StatusCode)
		}
	})
}
