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

// streaming makes a route that is documented as the others are, but answers for
// itself: huma's way to a handler would keep as much memory again for each
// stream.
func streaming(path string, a access, name, summary string, serve func(*Server, http.ResponseWriter, *http.Request, route)) route {
	rt := route{method: http.MethodGet, path: path, access: a, name: name, summary: summary, statuses: []int{http.StatusOK}}
	rt.register = func(s *Server, to huma.API, op huma.Operation) {
		op.Parameters = []*huma.Param{{
			Name: lastEventID, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "The id of the last frame that was read; resuming begins 30 s before it",
		}}
		op.Responses["200"] = &huma.Response{
			Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{eventStream: {}},
		}
		to.OpenAPI().AddOperation(&op)
		to.Adapter().Handle(&op, func(hc huma.Context) {
			r, w := humago.Unwrap(hc)
			serve(s, w, r, rt)
		})
	}
	return rt
}

const (
	lastEventID = "Last-Event-ID"
	eventStream = "text/event-stream"
)

// stream gives a caller what changes and is theirs to know.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, rt route) {
	p, err := s.open(w, r, rt)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer s.seats.leave(p.who)
	defer p.feed.Leave()
	p.run()
}

// open makes the caller's stream, with a seat and a feed.
func (s *Server) open(w http.ResponseWriter, r *http.Request, rt route) (*pipe, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	c, err := s.enter(w, r, rt)
	if err != nil {
		return nil, err
	}
	if s.streams == nil || s.isEnding() {
		return nil, curfew.Errorf(curfew.Unavailable, "there are no live streams now: read the lists")
	}
	if err := s.seats.take(c.actor); err != nil {
		return nil, err
	}
	p := &pipe{s: s, r: r, w: w, who: c.actor, until: c.until}
	last := r.Header.Get(lastEventID)
	p.since, err = time.Parse(time.RFC3339Nano, last)
	p.reset = err != nil && last != ""
	if p.feed, err = s.streams.Follow(ctx, topicsOf(c.actor), p.since); err != nil {
		s.seats.leave(c.actor)
		return nil, err
	}
	p.reset = p.reset || p.feed.Missed()
	return p, nil
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
	feed    Feed
	who     curfew.Actor
	until   time.Time       // the token's end
	since   time.Time       // what the reader has; zero: nothing
	reset   bool            // the reader missed something
	figures <-chan struct{} // admins': there are newer ones
}

// run pours until somebody ends it.
func (p *pipe) run() {
	_ = p.control().SetReadDeadline(time.Time{}) // the request has been read
	h := p.w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no") // nginx would hold frames back
	if p.r.Method == http.MethodHead {
		return
	}
	if p.who.Role == curfew.Admin {
		p.figures = p.s.board.watch()
		defer p.s.board.leave()
	}
	if p.send(p.greeting()...) == nil {
		p.pour()
	}
}

func (p *pipe) control() *http.ResponseController { return http.NewResponseController(p.w) }

// greeting is the first frames. Their id is of what is told already: nothing
// more, for who resumes.
func (p *pipe) greeting() [][]byte {
	id := p.feed.Now()
	if !p.reset && !p.since.IsZero() && p.since.Before(id) {
		id = p.since
	}
	retry := strconv.Itoa(1000 + rand.IntN(4000)) //nolint:gosec // G404: a jitter, no secret
	all := [][]byte{
		[]byte("retry: " + retry + "\n"),
		frameText(id, api.HelloFrame, api.Hello{At: p.feed.Now().UTC(), Role: string(p.who.Role)}),
	}
	if p.reset {
		all = append(all, frameText(time.Time{}, api.ResetFrame, struct{}{}))
	}
	return all
}

// pour tells what changes. An error says that the reader has left, or that the
// feed has ended.
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
func (p *pipe) quiet() time.Duration { return min(p.s.beat, time.Until(p.until)) }

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
	control := p.control()
	if err := control.SetWriteDeadline(time.Now().Add(p.s.writing)); err != nil {
		return err
	}
	for _, text := range frames {
		if _, err := p.w.Write(text); err != nil {
			return err
		}
	}
	return control.Flush()
}
