package httpapi

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
	// beat is how often a quiet stream says that it lives, and whether its token
	// still counts.
	beat = 15 * time.Second
	// writeWithin is how long a reader may take for what is sent at once.
	writeWithin = 10 * time.Second
)

// pipe is one stream. Its connection is its own: a handler of net/http that
// stays would keep two buffers, and a stack that has grown, for each reader.
type pipe struct {
	s       *Server
	visit   *problem.RequestInfo
	conn    net.Conn
	left    chan struct{} // closed once the reader has left
	feed    Feed
	proof   *http.Request
	until   time.Time       // the token's end
	since   time.Time       // what the reader has; zero: nothing
	reset   bool            // the reader missed something
	figures <-chan struct{} // admins': there are newer ones
}

// hijack takes the connection of a request. The server speaks HTTP/1 alone, so
// each has one. What its client has sent beyond the request is dropped.
func hijack(w http.ResponseWriter) (net.Conn, error) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, curfew.Errorf(curfew.Unavailable, "there are no live streams over this connection: use HTTP/1.1")
	}
	return conn, nil
}

// begin sends the answer's head with the first frames, and lets the stream go on
// by itself.
func (p *pipe) begin(head http.Header) {
	text := answerHead(head)
	p.greet(text)
	if p.visit.Actor.Role == curfew.Admin {
		p.figures = p.s.board.watch()
	}
	go p.run(text.Bytes())
}

// answerHead is the head of an answer that ends with its connection (RFC 9112,
// section 6.3).
func answerHead(h http.Header) *bytes.Buffer {
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	text := bytes.NewBufferString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(text) // a buffer takes everything
	text.WriteString("\r\n")
	return text
}

// greet writes the first frames. Their id is of what is told already: nothing
// more, for who resumes.
func (p *pipe) greet(text *bytes.Buffer) {
	id := p.feed.Now()
	if !p.reset && !p.since.IsZero() && p.since.Before(id) {
		id = p.since
	}
	retry := strconv.Itoa(1000 + rand.IntN(4000)) //nolint:gosec // G404: a jitter, no secret
	text.WriteString("retry: " + retry + "\n")
	text.Write(frameText(id, api.HelloFrame, api.Hello{At: p.feed.Now().UTC(), Role: string(p.visit.Actor.Role)}))
	if p.reset {
		text.Write(frameText(time.Time{}, api.ResetFrame, struct{}{}))
	}
}

// run pours until somebody ends it.
func (p *pipe) run(first []byte) {
	begun := time.Now()
	go p.hear()
	if p.send(first) == nil {
		p.pour()
	}
	_ = p.conn.Close()
	<-p.left
	p.s.log.Info("a stream ended", slog.String("request_id", p.visit.ID),
		slog.Duration("took", time.Since(begun)), slog.String("actor", p.visit.Actor.String()))
	p.leave() // at last: a stop waits for it
}

// leave gives back what open took.
func (p *pipe) leave() {
	p.feed.Leave()
	if p.figures != nil {
		p.s.board.leave()
	}
	p.s.seats.leave(p.visit.Actor)
}

// hear notices that the reader leaves. A stream goes one way: a little of what is
// said into it is dropped, who goes on is a reader no more.
func (p *pipe) hear() {
	defer close(p.left)
	var said [64]byte
	for range 64 {
		if _, err := p.conn.Read(said[:]); err != nil {
			return
		}
	}
}

// pour tells what changes. An error says that the reader has left, or that the
// feed has ended.
func (p *pipe) pour() {
	timer := time.NewTimer(p.quiet())
	defer timer.Stop()
	for {
		var err error
		select {
		case <-p.left:
			return
		case <-p.s.seats.closing:
			_ = p.send(frameText(time.Time{}, api.ByeFrame, api.Bye{Reason: "stopping"}))
			return
		case <-p.figures:
			err = p.sendFigures()
		case <-p.feed.Ready():
			_, err = p.drain()
		case <-timer.C:
			err = p.beat()
			timer.Reset(p.quiet())
		}
		if err != nil {
			return
		}
	}
}

// quiet is how long until the next heartbeat, or until the token expires.
func (p *pipe) quiet() time.Duration { return min(p.s.beat, time.Until(p.until)) }

// beat ends the stream of a token that does not count any more.
func (p *pipe) beat() error {
	if err := p.proven(); err != nil {
		_ = p.send(frameText(time.Time{}, api.ByeFrame, api.Bye{Reason: "expired"}))
		return err
	}
	mark, err := p.drain()
	if err != nil {
		return err
	}
	return p.send(heartbeat(mark))
}

// proven asks in a goroutine of its own: reading a token takes more of a stack
// than all else that a stream does, and the stream would keep it.
func (p *pipe) proven() error {
	answer := make(chan error)
	go func() {
		_, err := p.s.caller(p.proof)
		answer <- err
	}()
	return <-answer
}

// texts are buffers for what is on its way, so that nobody who waits has one.
var texts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// drain sends all there is, and returns up to when that is everything.
func (p *pipe) drain() (time.Time, error) {
	text, _ := texts.Get().(*bytes.Buffer) // it holds nothing else
	defer texts.Put(text)
	for {
		text.Reset()
		mark, err := p.feed.Next(text)
		if err != nil || text.Len() == 0 {
			return mark, err
		}
		if err := p.send(text.Bytes()); err != nil {
			return mark, err
		}
	}
}

func (p *pipe) sendFigures() error {
	text, next := p.s.board.latest()
	p.figures = next
	return p.send(text)
}

// send writes frames, by one system call, within the time a reader may take.
func (p *pipe) send(text []byte) error {
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.s.writing)); err != nil {
		return err
	}
	_, err := p.conn.Write(text)
	return err
}
