package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// service is what serve runs.
type service struct {
	db            database
	clock         *testClock // nil: that of the database
	given         []api.Setting
	log           *slog.Logger
	notifications *notifications
	traces        tracing // zero: none
	audit         *audit.Log
	identity      *auth.Identity
	worker        *notify.Worker
	retention     privacy.Retention // zero: the sweeper is off
	keeper        *lifecycle.Keeper
	hub           *stream.Hub
	server        *httpapi.Server
	listeners     *listeners
	public        *http.Server
	unused        *unusedConns // of public
	url           string       // of the API and the pages
	onePort       bool         // operators' programs ask at public too
	stopping      atomic.Bool
	halt          chan struct{} // closed when long work is to stop between two steps
	drain         time.Duration
	drained       context.Context //nolint:containedctx // ends with the drain, not with a call; nil: there is none
}

// withService listens, opens the database, builds the service, and closes all of it after do. Calls
// that arrive before it serves wait.
func (s *settings) withService(ctx context.Context, log *slog.Logger, from *sources, clock *testClock, do func(*service) error) (err error) {
	policy, err := s.policy() // before anything is made
	if err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	traces, err := s.tracing(ctx, log)
	if err != nil {
		return err
	}
	defer traces.stop(context.WithoutCancel(ctx))
	listeners, err := s.listen(ctx, log, from)
	if err != nil {
		return err
	}
	defer listeners.close()
	db, err := s.openToServe(ctx, log, traces.store, clock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	svc := &service{
		db: db, clock: clock, notifications: &notifications{replicas: db.replicas(log)}, listeners: listeners,
		log: log, traces: traces, given: from.list(), halt: make(chan struct{}),
		url: s.publicURL(config.Address(listeners.public.Addr().String())),
	}
	svc.onePort = from.onePort()
	if err := svc.build(ctx, s, policy); err != nil {
		return err
	}
	return do(svc)
}

// openToServe opens the database and verifies its schema. A SQLite file belongs to this process,
// which creates and migrates it. PostgreSQL may be shared with replicas of another release, so
// operators decide when to migrate it.
func (s *settings) openToServe(ctx context.Context, log *slog.Logger, trace curfew.Trace, clock *testClock) (database, error) {
	return s.await(ctx, log, func(ctx context.Context) (database, error) {
		_, own := s.DatabaseURL.File()
		db, err := s.connectTraced(ctx, own, trace)
		if err != nil {
			return nil, err
		}
		if own {
			if _, err := db.MigrateWith(ctx, func(step string, _ int) { log.InfoContext(ctx, step) }); err != nil {
				return nil, errors.Join(err, db.Close())
			}
		}
		if db, err = verified(ctx, db); err != nil {
			return nil, err
		}
		if clock == nil {
			return refuseClock(ctx, db)
		}
		return clock.openToServe(ctx, s, db)
	})
}

// build wires the session keeper, the identity and the server.
func (svc *service) build(ctx context.Context, s *settings, policy curfew.Policy) (err error) {
	hooks, client, err := s.payments()
	if err != nil {
		return err
	}
	identity, err := s.identity(ctx, svc.log)
	if err != nil {
		return err
	}
	svc.identity = identity
	metrics := metrics.New()
	svc.audit = s.auditLog(svc.db, audit.Options{Logger: svc.log})
	o := lifecycle.Options{
		Policy: &policy, Logger: svc.log, Observer: metrics, Provider: client, Notifier: svc.notifications, Keys: identity.Keys, AuditLost: svc.audit.Lost,
		TestClock: svc.clock != nil, SweeperOff: !s.Sweeper.On(), Trace: svc.traces.step, Stop: svc.halt,
	}
	var adopted console.AdoptedTables
	if a := svc.db.adoption(); a != nil {
		a.Logger, o.Adopted, adopted = svc.log, a.Service, a.Service
	}
	if svc.keeper, err = lifecycle.New(svc.db, o); err != nil {
		return err
	}
	metrics.Watch(svc.keeper.Health)
	if svc.worker, err = s.worker(svc.db, identity, svc.url, notify.Options{
		Wake: svc.notifications.local.listen(), Logger: svc.log, Observer: metrics, Adopted: s.AdoptDeliveries.On(), Keep: time.Duration(s.Retention.Deliveries),
	}); err != nil {
		return err
	}
	if s.Sweeper.On() {
		svc.retention = s.retention(svc.db, svc.log)
	}
	svc.hub = stream.New(svc.db, stream.Options{Encode: sse.Encode, Wake: svc.notifications.local.listen(), Logger: svc.log})
	var clock httpapi.Clock
	if svc.clock != nil {
		svc.clock.svc, clock = svc, svc.clock
	}
	svc.server, err = httpapi.New(httpapi.Options{ //nolint:contextcheck // a handler gets the context of its request
		Keeper: svc.keeper, Timeline: timeline.New(svc.db, svc.keeper.Rules), Directory: directory.New(svc.db), Identity: identity, Once: svc.db, Keys: svc.db, Revocations: svc.db, Audit: svc.audit, AuditReader: svc.db, Approvals: svc.db, Jobs: svc.db, TwoPersons: s.twoPersons(), SignIns: s.signIns(svc.db), Privacy: privacy.Service{Store: svc.db}, Ready: svc.ready, OnePort: svc.onePort, BaseURL: svc.url, LoginHint: s.loginLine(svc.url), SigninURL: s.signinURL(), SessionURL: text(s.SessionURL), Instead: s.instead(), Forecasts: forecast.New(svc.db),
		Version: version(), Logger: svc.log, Metrics: metrics, Hooks: hooks, Trace: svc.traces.request, Settings: svc.given,
		Endpoints: s.endpoints(svc.db), Deliveries: notify.Deliveries{Store: svc.db}, Streams: streams{svc.hub},
		Links: mail.Unsubscriptions{Store: svc.db, Signer: identity}, Adopted: adopted,
		Clock:  clock,
		Limits: s.limits(svc.db, identity, metrics, svc.log), TrustedProxies: s.proxies(), AllowedOrigins: s.allowedOrigins(), TestPayments: s.Stripe.APIKey != "" && !stripe.LiveKey(s.Stripe.APIKey),
	})
	if err != nil {
		return err
	}
	svc.public, svc.unused = svc.server.HTTPServer(string(s.Listen)), newUnusedConns()
	svc.public.Handler, svc.public.ConnState = closeConnections(&svc.stopping, svc.public.Handler), svc.unused.track
	svc.public.ErrorLog = slog.NewLogLogger(svc.log.Handler(), slog.LevelWarn)
	svc.listeners.opsHandler.use(svc.server.Ops())
	return nil
}

// ready is what /readyz reports. A service that is stopping is not ready.
func (svc *service) ready(ctx context.Context) error {
	if svc.stopping.Load() {
		return curfew.Errorf(curfew.Unavailable, "the service is stopping")
	}
	return svc.keeper.Health.Ready(ctx)
}

// run serves and sweeps until the context ends and the drain is over. It returns after everything it started.
func (svc *service) run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	sweeping, stopSweeping := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return svc.keeper.Sweeper.Run(sweeping) })
	group.Go(func() error { return svc.worker.Run(working) })
	group.Go(func() error { return svc.retention.Run(sweeping) })
	if a := svc.db.adoption(); a != nil {
		group.Go(func() error { return a.Run(sweeping) })
	}
	group.Go(func() error { return svc.notifications.run(sweeping, svc.keeper) })
	group.Go(func() error { return svc.hub.Run(sweeping) })
	group.Go(func() error { return svc.server.Run(sweeping) })
	group.Go(func() error { return svc.audit.Run(sweeping) })
	group.Go(func() error { return svc.servePublic(ctx) })
	if svc.listeners.ops != nil {
		group.Go(func() error { return <-svc.listeners.opsEnded })
	}
	group.Go(func() error {
		<-running.Done()
		svc.awaitDrain(ctx, ctx.Err() == nil)
		stopWorking()
		defer stopSweeping()
		return svc.stop(context.WithoutCancel(ctx))
	})
	return group.Wait()
}

// servePublic serves the API and pages, once the startup server has stopped.
func (svc *service) servePublic(ctx context.Context) error {
	if svc.listeners.early != nil {
		if err := svc.listeners.early.handOver(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	return serveOn(svc.public, svc.listeners.public)
}

// awaitDrain reports not ready and keeps answering for the drain, so that callers can switch to
// another replica. A service that failed does not wait.
func (svc *service) awaitDrain(ctx context.Context, failed bool) {
	svc.stopping.Store(true)
	if failed || svc.drained == nil || svc.drained.Err() != nil {
		return
	}
	svc.log.InfoContext(ctx, "stopping: not ready, but calls are answered for another "+config.Duration(svc.drain).String()+" (drain); a second signal skips that")
	<-svc.drained.Done()
}

// stop lets calls in progress finish, then closes. The ops listener closes last, so that it reports
// not ready until then.
func (svc *service) stop(ctx context.Context) error {
	svc.log.InfoContext(ctx, "stopping: calls under way have "+finishTime.String()+"; a signal ends the process at once")
	ctx, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	defer time.AfterFunc(unusedConnTime, svc.unused.close).Stop()
	defer time.AfterFunc(finishTime-haltTime, func() { close(svc.halt) }).Stop()
	err := errors.Join(svc.public.Shutdown(ctx), svc.server.EndStreams(ctx), svc.server.EndTasks(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("calls that took over %s were cut off", finishTime), svc.public.Close())
	}
	return errors.Join(err, svc.listeners.opsServer.Close())
}

// streams adapts the hub to the server's interface.
type streams struct{ *stream.Hub }

func (s streams) Subscribe(ctx context.Context, topics []string, since time.Time) (sse.Subscription, error) {
	subscription, err := s.Hub.Subscribe(ctx, topics, since)
	if err != nil {
		return nil, err
	}
	return subscription, nil
}
