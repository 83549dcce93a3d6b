package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/job"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/wire"
)

// Limits of the listeners.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	idleTimeout       = 2 * time.Minute
	// writeTimeout is enough for the slowest route and for sending its answer.
	writeTimeout = cleanupTimeout + 15*time.Second
)

// Server answers HTTP. Its handlers are safe for concurrent use.
type Server struct {
	log     *slog.Logger
	tasks   *tasks
	jobs    *job.Runner
	keys    *auth.Keyring
	revoked *auth.Revocations
	signIns *auth.SignIns
	desk    approval.Desk
	audit   *audit.Log
	streams *sse.Server
	history *metrics.History
	handler http.Handler
	ops     http.Handler
}

// New returns a server. It returns Invalid if a required option is missing.
func New(o Options) (*Server, error) {
	o, err := o.completed()
	if err != nil {
		return nil, err
	}
	keys, revoked := auth.NewKeyring(o.Keys, o.Logger), auth.NewRevocations(o.Revocations, o.Logger)
	o.SignIns.Logger = o.Logger
	signIns := auth.NewSignIns(o.SignIns)
	gate := auth.NewGate(auth.GateOptions{
		Identity: o.Identity, Once: o.Once, Sessions: o.Keeper.Sessions, Keys: keys, Revoked: revoked, SignIns: signIns, Limits: o.Limits, BaseURL: o.BaseURL,
	})
	running := newTasks()
	runner := job.New(job.Options{Store: o.Jobs, Work: jobWork(o.Keeper), Logger: o.Logger, Begin: func(ctx context.Context) (context.Context, func()) {
		return running.begin(ctx, longTaskTimeout)
	}})
	site, err := newSite(o, gate)
	if err != nil {
		return nil, err
	}
	s := &Server{
		log: o.Logger, tasks: running, jobs: runner, keys: keys, revoked: revoked, signIns: signIns,
		history: metrics.NewHistory(o.Keeper.Health, o.Metrics, o.Logger),
		desk:    deskOf(o), audit: o.Audit,
		streams: sse.New(sse.Options{
			Hub: o.Streams, Jobs: runner, Health: o.Keeper.Health, Gate: gate, Logger: o.Logger, Version: o.Version, BaseURL: o.BaseURL,
		}),
	}
	h := s.handlers(o, gate, site)
	table := routes(h)
	if o.OnePort {
		table = append(table, onePortRoutes(opsHandlers{o.Ready}, o.Metrics)...)
	}
	public := newRouter(o.Version, o.RequestTimeout, gate, s.tasks, o.Logger)
	if err := mountAll(table, public); err != nil {
		return nil, err
	}
	h.docs.promise(Description{o.Version, o.BaseURL, o.Hooks.Stripe}.complete)
	ops := &router{mux: http.NewServeMux()}
	if err := mountAll(opsRoutes(opsHandlers{o.Ready}, o.Metrics), ops); err != nil {
		return nil, err
	}
	countFromZero(o.Metrics, o.Version, table)
	shared := origins(o.AllowedOrigins).share(public.problems, public)
	s.handler = observer{o.Logger, o.Metrics, o.Trace, public.pages, o.TrustedProxies, &atomic.Bool{}, newAuditor(o.Audit, table)}.wrap(shared)
	s.ops = ops.mux
	return s, nil
}

// Keys manages the API keys in a store, for the routes of this server.
func Keys(store auth.KeyStore) auth.Keys {
	return auth.Keys{Store: store, Routes: keyRoutes(append(apiRoutes(handlers{}), onePortRoutes(opsHandlers{}, metrics.New())...))}
}

// Operations returns the names of all operations, as in the audit log.
func Operations() []string {
	var all []string
	for _, rt := range slices.Concat(apiRoutes(handlers{}), credentialRoutes(handlers{})) {
		all = append(all, rt.name)
	}
	return all
}

func deskOf(o Options) approval.Desk {
	return approval.Desk{Store: o.Approvals, Keeper: o.Keeper, Privacy: o.Privacy, Rules: o.TwoPersons}
}

func testCheckoutOf(o Options) testCheckout { return testCheckout{o.Keeper, o.Adopted != nil} }

func newSite(o Options, gate *auth.Gate) (*console.Site, error) {
	return console.New(console.Options{
		Keeper: o.Keeper, Timeline: o.Timeline, Directory: o.Directory, Gate: gate, Endpoints: o.Endpoints, Deliveries: o.Deliveries, Jobs: o.Jobs, Keys: Keys(o.Keys), Approvals: deskOf(o), TwoPersons: o.TwoPersons.Two(), Audit: o.AuditReader, Links: o.Links, Adopted: o.Adopted,
		Settings: o.Settings, TestPayments: o.TestPayments, Version: o.Version, BaseURL: o.BaseURL, LoginHint: o.LoginHint, SigninURL: o.SigninURL, SessionURL: o.SessionURL, Instead: o.Instead, Forecasts: o.Forecasts, Timeout: o.RequestTimeout, Logger: o.Logger,
		TestPlan: testCheckoutOf(o).plan,
	})
}

func (s *Server) handlers(o Options, gate *auth.Gate, site *console.Site) handlers {
	problems := problem.Writer{Log: o.Logger}
	jobs := jobHandlers{s.jobs, o.AnswerWithin, o.Keeper.Rules.AsksProvider()}
	return handlers{
		sessions:   sessionHandlers{o.Keeper, s.desk},
		queue:      queueHandlers{o.Keeper},
		mechanics:  mechanicHandlers{o.Keeper},
		checkouts:  checkoutHandlers{o.Keeper, s.desk},
		first:      testCheckoutOf(o),
		books:      bookHandlers{o.Keeper, o.Logger},
		customers:  customerHandlers{o.Keeper, s.desk, o.Forecasts},
		cleanups:   cleanupHandlers{o.Keeper, jobs, problems},
		jobs:       jobs,
		explain:    explainHandlers{o.Timeline},
		health:     healthHandlers{o.Keeper, o.Version, o.BaseURL},
		history:    historyHandlers{s.history},
		settings:   settingsHandlers{o.Settings},
		endpoints:  endpointHandlers{o.Endpoints},
		deliveries: deliveryHandlers{o.Deliveries, o.Endpoints},
		keys:       keyHandlers{Keys(o.Keys)},
		privacy:    privacyHandlers{o.Privacy, s.desk},
		tokens:     tokenHandlers{o.Revocations, s.revoked},
		signIns:    signInHandlers{s.signIns},
		audit:      auditHandlers{o.AuditReader},
		approvals:  approvalHandlers{s.desk},
		directory:  directoryHandlers{o.Directory, bookHandlers{o.Keeper, o.Logger}},
		stripe:     s.door(o, "stripe", o.Hooks.Stripe, "stripe.webhook_secret", acknowledge),
		events:     s.door(o, "events", o.Hooks.Events, "payments.secret", eventAnswers{o.Keeper.Payments}.answer),
		docs: &docsHandlers{
			version: o.Version, example: "curl " + o.BaseURL + "/api/debug/session-health " + wire.Bearer(curfew.Admin),
			problems: problems,
		},
		clock:   clockHandlers{o.Clock},
		streams: s.streams,
		tickets: streamHandlers{gate},
		site:    site,
	}
}

func (s *Server) door(
	o Options, name string, hook Hook, setting string, answer func(context.Context, http.ResponseWriter, curfew.Notice) error,
) door {
	return door{
		name: name, hook: hook, setting: setting, payments: o.Keeper.Payments, limits: o.Limits, tasks: s.tasks, timeout: o.RequestTimeout,
		problems: problem.Writer{Log: o.Logger}, answer: answer,
	}
}

// countFromZero creates the metrics of routes with known statuses at 0, so that a first failure
// shows as an increase.
func countFromZero(m *metrics.Registry, version string, table []route) {
	m.Describe(version)
	for _, rt := range table {
		if len(rt.statuses) > 0 {
			m.AddRoute(rt.pattern(), append(rt.statuses[:len(rt.statuses):len(rt.statuses)], http.StatusInternalServerError, http.StatusServiceUnavailable)...)
		}
	}
}

// Run does the background work of live streams, charts and authentication until the context ends.
// It returns nil.
func (s *Server) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { s.streams.Run(ctx) })
	all.Go(func() { s.history.Run(ctx) })
	all.Go(func() { s.keys.Run(ctx) })
	all.Go(func() { s.revoked.Run(ctx) })
	all.Go(func() { s.signIns.Run(ctx) })
	all.Go(func() { s.jobs.Run(ctx) })
	all.Go(func() { s.desk.Run(ctx, s.log, func(a record.Approval) { s.noteResumed(ctx, a) }) })
	all.Wait()
	return nil
}

// noteResumed notes the end of an approval that a stopped process had left unfinished.
func (s *Server) noteResumed(ctx context.Context, a record.Approval) {
	s.audit.Note(record.AuditEntry{
		Actor: curfew.Actor{Role: curfew.System, ID: "approvals"}, Action: "approve", Via: audit.ViaSystem,
		About: record.AuditSubject{Customer: a.CustomerID, Object: a.ID, Detail: a.Action + " after an interruption: " + string(a.State)},
	})
	s.log.WarnContext(ctx, "an approval was interrupted, and has now ended", "approval", a.ID, "action", a.Action, "state", a.State)
}

// Handler returns the handler of the public listener: API, pages and documentation.
func (s *Server) Handler() http.Handler { return s.handler }

// Ops returns the handler of the operators' listener: /metrics, /livez, /readyz and pprof.
func (s *Server) Ops() http.Handler { return s.ops }

// HTTPServer returns the public listener, with limits that keep slow callers from holding it. Its
// Shutdown ends live streams but does not wait for them; EndStreams does.
func (s *Server) HTTPServer(addr string) *http.Server {
	h := listener(addr, s.handler, s.log)
	h.RegisterOnShutdown(s.streams.Close)
	return h
}

// EndStreams ends every stream with a bye, refuses new ones, and waits until all have ended. It
// returns the context's error.
func (s *Server) EndStreams(ctx context.Context) error { return s.streams.End(ctx) }

// EndTasks waits until all tasks that callers started have ended. When the context ends, it cancels
// those still running and returns the context's error.
func (s *Server) EndTasks(ctx context.Context) error { return s.tasks.end(ctx) }

// NewOpsServer returns the listener for operators. Its handler is usually Ops, or a substitute
// until there is a Server.
func NewOpsServer(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return listener(addr, ownHost(h), log)
}

// NewStartupServer returns a server with the same limits, for a handler that answers until there is
// a Server.
func NewStartupServer(h http.Handler, log *slog.Logger) *http.Server { return listener("", h, log) }

func listener(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h, MaxHeaderBytes: readHeader,
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
