package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// Streams is what changes, as it changes: the hub.
type Streams interface {
	// Follow gives the frames of the topics from now on; with since, a time of the
	// database, from curfew.ResumeSlack before it.
	Follow(ctx context.Context, topics []string, since time.Time) (Feed, error)
	// Published receives a value after something has been published.
	Published() <-chan struct{}
}

// Feed is what one follower gets.
type Feed interface {
	// Now is the database's time when the feed began.
	Now() time.Time
	// Missed reports whether something since then is not told any more.
	Missed() bool
	// Ready rings when there is something to read: once, until all of it was read.
	Ready() <-chan struct{}
	// Next writes the next frames, some of them; none: that is all, and what was
	// committed before mark is told. An error ends the feed.
	Next(to *bytes.Buffer) (mark time.Time, err error)
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

// stream gives a caller what changes and is theirs to know. It returns once the
// stream has begun: the visit's line in the log and its trace end with that,
// and the stream's own end is a line of its own.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, rt route) {
	p, err := s.open(w, r, rt)
	if err != nil {
		s.problems.Answer(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no") // nginx would hold frames back
	if r.Method == http.MethodHead {
		p.leave()
		return
	}
	if p.conn, err = hijack(w); err != nil {
		p.leave()
		s.problems.Answer(w, r, err)
		return
	}
	p.begin(h)
}

// open makes the caller's stream, with a seat and a feed.
func (s *Server) open(w http.ResponseWriter, r *http.Request, rt route) (*pipe, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	c, err := s.enter(w, r, rt)
	if err != nil {
		return nil, err
	}
	if s.streams == nil {
		return nil, errNoStreams
	}
	if err := s.seats.take(c.actor); err != nil {
		return nil, err
	}
	p := &pipe{s: s, visit: problem.RequestOf(r.Context()), proof: proofOf(r), until: c.until, left: make(chan struct{})}
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

var errNoStreams = curfew.Errorf(curfew.Unavailable, "there are no live streams now: read the lists")

// proofOf is what of a request says who calls: the rest of it is not kept for as
// long as a stream lives.
func proofOf(r *http.Request) *http.Request {
	kept := &http.Request{Method: r.Method, Header: http.Header{}}
	for _, name := range []string{"Authorization", "Cookie"} {
		if given, ok := r.Header[name]; ok {
			kept.Header[name] = given
		}
	}
	return kept
}

// EndStreams ends every stream with a bye, refuses new ones, and waits until all
// have ended. The error is the context's.
func (s *Server) EndStreams(ctx context.Context) error {
	s.seats.close()
	select {
	case <-s.seats.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
