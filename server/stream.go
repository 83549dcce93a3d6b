package server

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

const (
	// streamTimeout ends a stream whose token lives for longer: it is opened anew.
	streamTimeout = 24 * time.Hour
	// beat is how often a quiet stream says that it lives, and whether its token
	// still counts.
	beat = 15 * time.Second
	// writeWithin is how long a reader may take for what is sent at once.
	writeWithin = 10 * time.Second
)

// Streams is what changes, as it changes: the hub.
type Streams interface {
	// Follow gives the frames of the topics from now on; with since, a time of the
	// database, from curfew.ResumeSlack before it.
	Follow(ctx context.Context, topics []string, since time.Time) (Feed, error)
	// Told rings after something was told.
	Told() <-chan struct{}
}

// Feed is what one follower gets.
type Feed interface {
	// Now is the database's time when the feed began.
	Now() time.Time
	// Missed reports whether something since then is not told any more.
	Missed() bool
	// Ready rings when there is something to read.
	Ready() <-chan struct{}
	// Next is the next frames, some of them; none: that is all, and what was
	// committed before mark is told. An error ends the feed.
	Next() (frames [][]byte, mark time.Time, err error)
	Leave()
}

type streamed struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"The id of the last frame that was read; resuming begins 30 s before it"`
}

// stream gives a caller what changes and is theirs to know.
func (s *Server) stream(ctx context.Context, c call, in *streamed) (*huma.StreamResponse, error) {
	if s.streams == nil || s.isEnding() {
		return nil, curfew.Errorf(curfew.Unavailable, "there are no live streams now: read the lists")
	}
	if err := s.seats.take(c.actor); err != nil {
		return nil, err
	}
	since, err := time.Parse(time.RFC3339Nano, in.LastEventID)
	lost := err != nil && in.LastEventID != ""
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	feed, err := s.streams.Follow(ctx, topicsOf(c.actor), since)
	if err != nil {
		s.seats.leave(c.actor)
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer s.seats.leave(c.actor)
		defer feed.Leave()
		r, w := humago.Unwrap(hc)
		p := &pipe{s: s, r: r, w: w, control: http.NewResponseController(w), feed: feed, call: c}
		p.run(since, lost || feed.Missed())
	}}, nil
}

func (s *Server) isEnding() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}

// endStreams ends every stream at once: a stop must not wait for readers who
// never leave.
func (s *Server) endStreams() { s.endOnce.Do(func() { close(s.ending) }) }

// pipe is one stream.
type pipe struct {
	s       *Server
	r       *http.Request
	w       http.ResponseWriter
	control *http.ResponseController
	feed    Feed
	call    call
	figures <-chan struct{} // admins': there are newer ones
}

// run pours until somebody ends it. Its errors say that the reader has left.
func (p *pipe) run(since time.Time, reset bool) {
	_ = p.control.SetReadDeadline(time.Time{}) // the request has been read
	h := p.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold frames back
	if p.r.Method == http.MethodHead {
		return
	}
	if p.call.actor.Role == curfew.Admin {
		p.figures = p.s.board.watch()
		defer p.s.board.leave()
	}
	if p.send(p.greeting(since, reset)...) == nil {
		p.pour()
	}
}

// greeting is the first frames. The id is of what is told already: nothing, for
// who resumes.
func (p *pipe) greeting(since time.Time, reset bool) [][]byte {
	id := p.feed.Now()
	if !reset && !since.IsZero() && since.Before(id) {
		id = since
	}
	retry := strconv.Itoa(1000 + rand.IntN(4000)) //nolint:gosec // G404: a jitter, no secret
	all := [][]byte{
		[]byte("retry: " + retry + "\n"),
		frameText(id, api.HelloFrame, api.Hello{At: p.feed.Now().UTC(), Role: string(p.call.actor.Role)}),
	}
	if reset {
		all = append(all, frameText(time.Time{}, api.ResetFrame, struct{}{}))
	}
	return all
}

func (p *pipe) pour() {
	timer := time.NewTimer(p.quiet())
	defer timer.Stop()
	for {
		var err error
		select {
		case <-p.r.Context().Done():
			return
		case <-p.s.ending:
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
func (p *pipe) quiet() time.Duration { return min(p.s.beat, time.Until(p.call.until)) }

// beat ends the stream of a token that does not count any more.
func (p *pipe) beat() error {
	if _, err := p.s.caller(p.r); err != nil {
		_ = p.send(frameText(time.Time{}, api.ByeFrame, api.Bye{Reason: "expired"}))
		return err
	}
	mark, err := p.drain()
	if err != nil {
		return err
	}
	return p.send(heartbeat(mark))
}

// drain sends all there is, and returns up to when that is everything.
func (p *pipe) drain() (time.Time, error) {
	for {
		frames, mark, err := p.feed.Next()
		if err != nil || len(frames) == 0 {
			return mark, err
		}
		if err := p.send(frames...); err != nil {
			return mark, err
		}
	}
}

func (p *pipe) sendFigures() error {
	text, next := p.s.board.latest()
	p.figures = next
	return p.send(text)
}

// send writes frames within the time a reader may take.
func (p *pipe) send(frames ...[]byte) error {
	if err := p.control.SetWriteDeadline(time.Now().Add(p.s.writing)); err != nil {
		return err
	}
	for _, text := range frames {
		if _, err := p.w.Write(text); err != nil {
			return err
		}
	}
	return p.control.Flush()
}
