package sse

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/lifecycle"
)

// Hub publishes what changes.
type Hub interface {
	// Subscribe returns the events of the topics from now on. With since, a time of the database, they begin
	// curfew.ResumeSlack before it.
	Subscribe(ctx context.Context, topics []string, since time.Time) (Subscription, error)
	// Published signals that something was published.
	Published() <-chan struct{}
}

// Subscription is what one stream gets from the hub.
type Subscription interface {
	// Now returns the database's time when the subscription began.
	Now() time.Time
	// Missed reports whether something since then is no longer available.
	Missed() bool
	// Ready signals that there is something to read: once, until all of it was read.
	Ready() <-chan struct{}
	// Next writes some of the next events, or nothing if there are none now. What was committed before mark has been
	// written. An error ends the subscription.
	Next(to *bytes.Buffer) (mark time.Time, err error)
	Leave()
}

// Health is lifecycle's health as the streams need it: the report for admins, and who of the mechanics is connected.
type Health interface {
	Report(ctx context.Context) lifecycle.Report
	Connected(ctx context.Context, mechanicIDs []string) error
}

// Gate says whether the token of an open stream still counts: an auth.Gate.
type Gate interface {
	Proven(r *http.Request) error
}

// Options of a Server. Health, Gate and Logger are required.
type Options struct {
	Hub     Hub // nil: there are no streams, and Open is Unavailable
	Health  Health
	Jobs    Jobs // nil: nobody is told of jobs
	Gate    Gate
	Logger  *slog.Logger
	Version string // in health
	BaseURL string // of the fixes in health
}

// Server serves live streams. Its methods are safe for concurrent use.
type Server struct {
	hub              Hub
	health           Health
	jobs             Jobs
	gate             Gate
	log              *slog.Logger
	version, baseURL string

	limiter      *limiter
	figures      *broadcaster
	progress     *broadcaster  // of jobs
	heartbeat    time.Duration // of quiet streams
	writeTimeout time.Duration // how long a reader may take
}

// New returns a server without streams.
func New(o Options) *Server {
	return &Server{
		hub: o.Hub, health: o.Health, jobs: o.Jobs, gate: o.Gate, log: o.Logger, version: o.Version, baseURL: o.BaseURL,
		limiter: newLimiter(), figures: newBroadcaster(), progress: newBroadcaster(), heartbeat: heartbeatEvery, writeTimeout: writeTimeout,
	}
}

// Pace changes how often quiet streams get a heartbeat, and how long a reader may take. Call it before Serve; tests do.
func (s *Server) Pace(heartbeat, writeTimeout time.Duration) {
	s.heartbeat, s.writeTimeout = heartbeat, writeTimeout
}

// Headers of a stream.
const (
	LastEventID = "Last-Event-ID"
	// LastEventParam is the same in the query, for an EventSource that is opened anew.
	LastEventParam = "lastEventId"
	// BriefParam is true for a stream that says that something changed, not what, and once a second at most.
	BriefParam  = "brief"
	ContentType = "text/event-stream"
)

// Serve answers a request with the changes that the caller may see. It returns once the stream has begun, so the
// request's log line and trace cover only the beginning; the end of the stream is logged separately. The context
// limits the beginning. If an error is returned, nothing has been sent.
func (s *Server) Serve(ctx context.Context, w http.ResponseWriter, r *http.Request, caller auth.Request) error {
	c, err := s.open(ctx, r, caller)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if r.Method == http.MethodHead {
		c.leave()
		return nil
	}
	if c.conn, err = hijack(w); err != nil {
		c.leave()
		return err
	}
	c.begin(h)
	return nil
}

// open counts the caller's stream and subscribes to its topics.
func (s *Server) open(ctx context.Context, r *http.Request, caller auth.Request) (*connection, error) {
	if s.hub == nil {
		return nil, errNoStreams
	}
	brief := problem.QueryValue(r, BriefParam)
	if brief != "" && brief != "true" && brief != "false" {
		return nil, curfew.Errorf(curfew.Invalid, "%s must be true or false", BriefParam)
	}
	if err := s.limiter.acquire(caller.Actor); err != nil {
		return nil, err
	}
	c := &connection{s: s, request: problem.RequestOf(r.Context()), proof: proofOf(r), until: caller.Until, left: make(chan struct{}), brief: brief == "true"}
	last := cmp.Or(r.Header.Get(LastEventID), problem.QueryValue(r, LastEventParam))
	var err error
	c.since, err = time.Parse(time.RFC3339Nano, last)
	c.reset = err != nil && last != ""
	if c.events, err = s.hub.Subscribe(ctx, Topics(caller.Actor), c.since); err != nil {
		s.limiter.release(caller.Actor)
		return nil, err
	}
	c.reset = c.reset || c.events.Missed()
	return c, nil
}

// proofOf returns the part of a request that identifies the caller. The rest is not kept for as long as a stream
// lives.
func proofOf(r *http.Request) *http.Request {
	kept := &http.Request{Method: r.Method, Header: http.Header{}}
	for _, name := range []string{"Authorization", "Cookie"} {
		if given, ok := r.Header[name]; ok {
			kept.Header[name] = given
		}
	}
	return kept
}

// Close ends every stream and refuses new ones, without waiting. It may be called twice.
func (s *Server) Close() { s.limiter.close() }

// End ends every stream with a bye, refuses new ones, and waits until all have ended. The error is the context's.
func (s *Server) End(ctx context.Context) error {
	s.limiter.close()
	select {
	case <-s.limiter.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
