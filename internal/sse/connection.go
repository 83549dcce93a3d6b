package sse

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/problem"
)

const (
	// heartbeatEvery is how often a quiet stream sends a heartbeat and checks that its token is still valid.
	heartbeatEvery = 15 * time.Second
	// writeTimeout limits how long a reader may take to accept one write.
	writeTimeout = 10 * time.Second
	// briefAtMost is how often a brief stream says that something has changed.
	briefAtMost = time.Second
)

// connection is one stream. It owns its network connection: a handler of net/http that stays would keep two buffers, and
// a stack that has grown, for each reader.
type connection struct {
	s       *Server
	request *problem.RequestInfo
	conn    net.Conn
	left    chan struct{} // closed once the reader has left
	events  Subscription
	proof   *http.Request
	until   time.Time       // when the token expires; zero: never
	since   time.Time       // everything up to this time has been sent; zero: nothing yet
	reset   bool            // the reader missed something
	brief   bool            // the reader wants to know that something changed, not what
	figures <-chan struct{} // signals newer ones to admins
	jobs    <-chan struct{} // signals their progress to admins
}

// hijack takes over the connection of a request. The server speaks only HTTP/1, so each request has one. What the client
// has sent beyond the request is dropped.
func hijack(w http.ResponseWriter) (net.Conn, error) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, curfew.Errorf(curfew.Unavailable, "there are no live streams over this connection: use HTTP/1.1")
	}
	return conn, nil
}

// begin sends the head of the response with the first events, and lets the stream go on in a goroutine of its own.
func (c *connection) begin(head http.Header) {
	text := responseHead(head)
	c.greet(text)
	if c.request.Actor.Role == curfew.Admin {
		c.jobs = c.s.progress.watch()
		if !c.brief {
			c.figures = c.s.figures.watch()
		}
	}
	go c.run(text.Bytes())
}

// responseHead returns the head of a response that ends with its connection (RFC 9112, section 6.3).
func responseHead(h http.Header) *bytes.Buffer {
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	text := bytes.NewBufferString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(text) // a buffer takes everything
	text.WriteString("\r\n")
	return text
}

// greet writes the first events. Their id says how far the reader has got; for one who resumes, that is where they were.
func (c *connection) greet(text *bytes.Buffer) {
	id := c.events.Now()
	if !c.reset && !c.since.IsZero() && c.since.Before(id) {
		id = c.since
	}
	retry := strconv.Itoa(1000 + rand.IntN(4000)) //nolint:gosec // G404: a jitter, no secret
	text.WriteString("retry: " + retry + "\n")
	text.Write(eventText(id, api.HelloEvent, api.Hello{At: c.events.Now().UTC(), Role: string(c.request.Actor.Role)}))
	if c.reset {
		text.Write(eventText(time.Time{}, api.ResetEvent, struct{}{}))
	}
}

// run serves the stream until somebody ends it.
func (c *connection) run(first []byte) {
	begun := time.Now()
	go c.watchReader()
	if c.send(first) == nil {
		c.serve()
	}
	_ = c.conn.Close()
	<-c.left
	c.s.log.Info("a stream ended", slog.String("request_id", c.request.ID),
		slog.Duration("took", time.Since(begun)), slog.String("actor", c.request.Actor.String()))
	c.leave() // last, because a stop waits for it
}

// leave releases what open acquired.
func (c *connection) leave() {
	c.events.Leave()
	if c.figures != nil {
		c.s.figures.leave()
	}
	if c.jobs != nil {
		c.s.progress.leave()
	}
	c.s.limiter.release(c.request.Actor)
}

// watchReader notices that the reader leaves. A stream goes one way: a little of what a reader sends is dropped, and a
// reader who goes on sending is disconnected.
func (c *connection) watchReader() {
	defer close(c.left)
	var said [64]byte
	for range 64 {
		if _, err := c.conn.Read(said[:]); err != nil {
			return
		}
	}
}

// serve sends what changes until the reader leaves, the subscription ends or the server stops.
func (c *connection) serve() {
	timer := time.NewTimer(c.quiet())
	defer timer.Stop()
	for {
		var err error
		select {
		case <-c.left:
			return
		case <-c.s.limiter.closing:
			_ = c.send(eventText(time.Time{}, api.ByeEvent, api.Bye{Reason: "stopping"}))
			return
		case <-c.figures:
			err = c.sendLatest(c.s.figures, &c.figures)
		case <-c.jobs:
			err = c.sendLatest(c.s.progress, &c.jobs)
		case <-c.events.Ready():
			if _, err = c.drain(); err == nil && c.brief {
				c.pause()
			}
		case <-timer.C:
			err = c.heartbeat()
			timer.Reset(c.quiet())
		}
		if err != nil {
			return
		}
	}
}

// quiet returns how long until the next heartbeat, or until the token expires.
func (c *connection) quiet() time.Duration {
	if c.until.IsZero() {
		return c.s.heartbeat
	}
	return min(c.s.heartbeat, time.Until(c.until))
}

// heartbeat ends the stream if its token no longer counts.
func (c *connection) heartbeat() error {
	if err := c.proven(); err != nil {
		_ = c.send(eventText(time.Time{}, api.ByeEvent, api.Bye{Reason: "expired"}))
		return err
	}
	mark, err := c.drain()
	if err != nil {
		return err
	}
	return c.send(heartbeatText(mark))
}

// proven checks the token in a goroutine of its own. Reading a token needs more stack than anything else that a stream does,
// and the stream would keep it.
func (c *connection) proven() error {
	result := make(chan error)
	go func() {
		result <- c.s.gate.Proven(c.proof)
	}()
	return <-result
}

// texts pools the buffers for what is being sent, so that a waiting stream holds none.
var texts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// drain sends everything there is, and returns the time up to which everything has been sent.
func (c *connection) drain() (time.Time, error) {
	text, _ := texts.Get().(*bytes.Buffer) // it holds nothing else
	defer texts.Put(text)
	for {
		text.Reset()
		mark, err := c.events.Next(text)
		if err != nil || text.Len() == 0 {
			return mark, err
		}
		events := text.Bytes()
		if c.brief {
			events = briefly(events, c.request.Actor.Role)
		}
		if err := c.send(events); err != nil {
			return mark, err
		}
	}
}

// pause lets some time pass before a brief stream says again that something has changed.
func (c *connection) pause() {
	select {
	case <-c.left:
	case <-c.s.limiter.closing:
	case <-time.After(briefAtMost):
	}
}

// sendLatest sends the newest text of a broadcaster, and waits for the next one.
func (c *connection) sendLatest(of *broadcaster, next *<-chan struct{}) error {
	var text []byte
	text, *next = of.latest()
	return c.send(text)
}

// send writes events with one system call, within the time that a reader may take.
func (c *connection) send(text []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.s.writeTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(text)
	return err
}
