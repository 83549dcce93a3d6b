package httpapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// Limits of the listeners.
const (
	maxHeader         = 16 << 10
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	idleTimeout       = 2 * time.Minute
	// writeTimeout lets the longest request end, and its answer go out.
	writeTimeout = cleanupTimeout + 15*time.Second
	// requestTimeout is for everything but cleanups.
	requestTimeout = 10 * time.Second
	cleanupTimeout = time.Minute
)

// Options of a server. Engine, Timeline, Identity, Once, Ready, Endpoints and Deliveries
// are needed.
type Options struct {
	Engine   *lifecycle.Keeper
	Timeline *timeline.Explainer
	Identity *auth.Identity
	Once     auth.OneTimes
	// Ready says whether the database answers with the schema this process
	// needs; nil: it does.
	Ready func(context.Context) error
	// BaseURL is where callers reach the server, for texts that can be pasted:
	// http://127.0.0.1:3001.
	BaseURL string
	// LoginHint is the whole line that prints a link which signs a browser in;
	// empty: curfew login.
	LoginHint string
	Version   string
	Logger    *slog.Logger      // nil: nothing is logged
	Metrics   *metrics.Registry // nil: /metrics has only Go's figures and the process's
	// RequestTimeout bounds a request, but for cleanups, which get a minute;
	// 0: 10 s.
	RequestTimeout time.Duration
	Trace          Trace // is shown every request; nil: nobody looks
	Hook           Hook  // of the payments' provider; nil: its webhook is not there
	Endpoints      Endpoints
	Deliveries     Deliveries
	Streams        sse.Hub                 // what changes; nil: /api/stream is Unavailable
	Links          console.Unsubscriptions // of mails; nil: they lead nowhere
	// Settings is what the process was started with, for admins; no secrets.
	Settings []api.Setting
}

// Trace is told that a request begins, and under which id, and returns the
// context of its work and what ends it, with the route's pattern (empty: there is
// none such) and the answer's status. Nothing else of a request is shown to it by
// the server: paths and headers tell who calls.
type Trace func(r *http.Request, requestID string) (context.Context, func(route string, status int))

func untraced(r *http.Request, _ string) (context.Context, func(string, int)) {
	return r.Context(), func(string, int) {}
}

// Server answers HTTP. Its handlers are safe for concurrent use.
type Server struct {
	engine     *lifecycle.Keeper
	timeline   *timeline.Explainer
	gate       *auth.Gate
	ready      func(context.Context) error
	baseURL    string
	version    string
	log        *slog.Logger
	metrics    *metrics.Registry
	problems   problem.Writer
	timeout    time.Duration
	trace      Trace
	hook       Hook
	endpoints  Endpoints
	deliveries Deliveries
	streams    *sse.Server
	works      *works
	site       *console.Site
	settings   []api.Setting
	history    *metrics.History
	handler    http.Handler
	ops        http.Handler
}

// New makes a server. The error's kind is Invalid where an option is missing.
func New(o Options) (*Server, error) {
	if o.Engine == nil || o.Timeline == nil || o.Identity == nil || o.Once == nil || o.Ready == nil || o.Endpoints == nil || o.Deliveries == nil {
		return nil, curfew.Errorf(curfew.Invalid, "a server needs Engine, Timeline, Identity, Once, Ready, Endpoints and Deliveries")
	}
	s := &Server{
		engine: o.Engine, timeline: o.Timeline, ready: o.Ready, log: o.Logger, metrics: o.Metrics,
		baseURL: strings.TrimSuffix(o.BaseURL, "/"), version: o.Version, timeout: o.RequestTimeout, trace: o.Trace, hook: o.Hook,
		endpoints: o.Endpoints, deliveries: o.Deliveries, settings: o.Settings,
		works: newWorks(),
	}
	s.gate = auth.NewGate(o.Identity, o.Once, o.Engine.Sessions, s.baseURL)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.problems = problem.Writer{Log: s.log}
	if s.trace == nil {
		s.trace = untraced
	}
	if s.metrics == nil {
		s.metrics = metrics.New()
	}
	if s.timeout == 0 {
		s.timeout = requestTimeout
	}
	s.metrics.Describe(s.version)
	for _, rt := range s.routes() {
		s.metrics.AddRoute(rt.method+" "+rt.path, append(rt.statuses[:len(rt.statuses):len(rt.statuses)], http.StatusInternalServerError, http.StatusServiceUnavailable)...)
	}
	s.history = metrics.NewHistory(s.engine.Health, s.metrics, s.log)
	s.streams = sse.New(sse.Options{
		Hub: o.Streams, Engine: s.engine.Health, Gate: s.gate, Logger: s.log, Version: s.version, BaseURL: s.baseURL,
	})
	var err error
	s.site, err = console.New(console.Options{
		Engine: s.engine, Timeline: s.timeline, Gate: s.gate, Endpoints: s.endpoints, Deliveries: s.deliveries, Links: o.Links,
		Settings: s.settings, Version: s.version, BaseURL: s.baseURL, LoginHint: cmp.Or(o.LoginHint, "curfew login"),
		Timeout: s.timeout, Logger: s.log,
	})
	if err != nil {
		return nil, err
	}
	handler, err := s.public()
	if err != nil {
		return nil, err
	}
	s.handler, s.ops = s.observed(handler), s.operators()
	return s, nil
}

// Run does what live streams and charts need in the background, until the context ends.
func (s *Server) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { s.streams.Run(ctx) })
	all.Go(func() { s.history.Run(ctx) })
	all.Wait()
	return nil
}

// Handler is the public listener: API, pages and documentation.
func (s *Server) Handler() http.Handler { return s.handler }

// Ops is the listener for operators: /metrics, /livez, /readyz and pprof.
func (s *Server) Ops() http.Handler { return s.ops }

// HTTPServer listens for everybody, with limits that keep slow callers from
// holding it. Its Shutdown ends the live streams, but waits for none: EndStreams
// does.
func (s *Server) HTTPServer(addr string) *http.Server {
	h := listener(addr, s.handler, s.log)
	h.RegisterOnShutdown(s.streams.Close)
	return h
}

// OpsServer is HTTPServer for operators.
func (s *Server) OpsServer(addr string) *http.Server {
	return NewOpsServer(addr, s.ops, s.log)
}

// NewOpsServer is OpsServer for another handler: it can listen before there is
// a Server.
func NewOpsServer(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return listener(addr, h, log)
}

func listener(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// public puts routes, pages and documentation behind one mux.
func (s *Server) public() (http.Handler, error) {
	if err := everyRouteHasAccess(s.routes()); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	doc, err := s.register(mux)
	if err != nil {
		return nil, err
	}
	if err := s.document(mux, doc); err != nil {
		return nil, err
	}
	mux.HandleFunc("POST "+webhookPath, s.webhook)
	for _, page := range s.site.Routes() {
		mux.HandleFunc(page.Pattern, page.Serve)
	}
	return s.routed(mux), nil
}
