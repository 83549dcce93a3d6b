package httpapi_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// The server writes the head of a stream itself, so it must have the headers of every response.
func TestAStreamsHeadIsAnAnswersHead(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, stores.SQLite(t), nil)
	token := env.token(curfew.Customer, "ada", time.Hour)
	stream := env.dial(token, "").answer
	defer func() { _ = stream.Body.Close() }()
	for name, values := range env.headOf("/api/nothing") {
		if name != "Content-Length" && stream.Header.Get(name) == "" {
			t.Errorf("it lacks %s, which is %q elsewhere", name, values)
		}
	}
	if _, err := http.ParseTime(stream.Header.Get("Date")); err != nil {
		t.Error(err)
	}
	if !stream.Close || stream.ContentLength != -1 || stream.TransferEncoding != nil || stream.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%+v", stream)
	}
}

func (env *environment) headOf(path string) http.Header {
	env.Helper()
	req, err := http.NewRequestWithContext(env.Context(), http.MethodGet, env.url+path, nil)
	must(env.T, err)
	resp, err := streamClient.Do(req)
	must(env.T, err)
	must(env.T, resp.Body.Close())
	return resp.Header
}

// A stream goes one way: a little of what a reader sends is dropped, and more of it ends the stream.
func TestWhoTalksIntoAStreamIsNotHeard(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.URL, "http://"))
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(testTimeout)))
	say := func(text string) error {
		_, err := io.WriteString(conn, text)
		return err
	}
	must(t, say("GET /api/stream HTTP/1.1\r\nHost: curfew\r\nAuthorization: Bearer "+h.token(curfew.Service, "shop")+"\r\n\r\nand more"))
	lines := bufio.NewReader(conn)
	readTo(t, lines, "event: hello")
	must(t, say("GET / HTTP/1.1\r\nHost: curfew\r\n\r\n"))
	h.fulfilled("ada")
	readTo(t, lines, "event: session")
	for err == nil {
		err = say(strings.Repeat("x", 1<<10)) // fails once the other end is closed
	}
	for deadline := time.Now().Add(testTimeout); !strings.Contains(h.log.String(), `"msg":"a stream ended"`); {
		if time.Now().After(deadline) {
			t.Fatal("it goes on")
		}
	}
}

func readTo(t *testing.T, lines *bufio.Reader, want string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		must(t, err)
		if strings.TrimSpace(line) == want {
			return
		}
	}
}

func TestWhatHasNoConnectionHasNoStream(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for range 10 { // nobody keeps a place
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/stream", nil)
		r.Header.Set("Authorization", "Bearer "+h.token(curfew.Customer, "ada"))
		w := httptest.NewRecorder()
		h.server.Handler().ServeHTTP(w, r)
		got := answer{w.Code, w.Header(), w.Body.String()}
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.problem(t).Detail, "use HTTP/1.1") {
			t.Fatalf("%+v", got)
		}
	}
}

// Shutdown does not wait for streams, because their connections are no longer the server's.
func TestAStopWaitsForStreams(t *testing.T) {
	t.Parallel()
	var s *httpapi.Server
	env := newEnvironment(t, stores.SQLite(t), func(its *httpapi.Server, _ *http.Server) { s = its })
	mine := []*streamReader{env.listen(curfew.Customer, "ada", ""), env.listen(curfew.Admin, "anna", "")}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	must(t, s.EndStreams(ctx))
	must(t, s.EndStreams(ctx)) // again
	for _, l := range mine {
		var bye api.Bye
		l.next("bye").read(t, &bye)
		l.ended()
		if bye.Reason != "stopping" {
			t.Errorf("%+v", bye)
		}
	}
	if late := env.dial(env.token(curfew.Customer, "ada", time.Hour), "").answer; late.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("who comes later: %d", late.StatusCode)
	}
}
