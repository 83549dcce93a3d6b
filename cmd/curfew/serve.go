package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

type serveCommand struct{}

// Run serves until SIGTERM, SIGINT or SIGHUP, and then for the drain. A second
// signal skips what is left of that; after it, a signal ends the process at once.
func (c *serveCommand) Run(ctx context.Context, s *settings, from *sources, term terminal) error {
	told, drained, stop := untilSignal(ctx, s.drain())
	defer stop()
	defer endWhateverHangs(drained, term)()
	err := s.withService(told, s.logger(term.err, slog.LevelDebug), from, func(svc *service) error {
		svc.drain, svc.drained = s.drain(), drained
		announce(term, s, svc)
		return svc.run(told)
	})
	if told.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was stopped before it served
	}
	return err
}

// endWhateverHangs ends the process if it still runs some time after the drain.
func endWhateverHangs(drained context.Context, term terminal) (stop func() bool) {
	return context.AfterFunc(drained, func() {
		time.AfterFunc(endTime, func() {
			os.Exit(report(term, fmt.Errorf("the end took over %s: what still hung was cut off", endTime)))
		})
	})
}

// withService listens, opens the database and makes all that serves it, and
// takes it down again after. Who calls before it answers waits.
func (s *settings) withService(ctx context.Context, log *slog.Logger, from *sources, do func(*service) error) (err error) {
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
	svc := &service{halt: make(chan struct{}), log: log, traces: traces, given: from.list()}
	if err := svc.listen(ctx, s); err != nil {
		return err
	}
	defer svc.close()
	db, err := s.openToServe(ctx, log, traces.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	svc.db, svc.notifications = db, &notifications{replicas: db.replicas(log)}
	if err := svc.build(ctx, s, policy); err != nil {
		return err
	}
	return do(svc)
}

// openToServe opens the database with its schema in order. A SQLite file is
// this process's own: it is made and migrated. PostgreSQL may be shared with
// replicas of another release, so when it moves is the operator's decision.
func (s *settings) openToServe(ctx context.Context, log *slog.Logger, trace curfew.Trace) (database, error) {
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
		return verified(ctx, db)
	})
}

// service is what serve runs.
type service struct {
	db            database
	given         []api.Setting
	log           *slog.Logger
	notifications *notifications
	traces        tracing // zero: none
	worker        *notify.Worker
	engine        *lifecycle.Keeper
	hub           *stream.Hub
	server        *httpapi.Server
	public, ops   *http.Server
	front         *front     // what ops answers
	opsEnd        chan error // how ops ended
	publicAt      net.Listener
	opsAt         net.Listener
	url           string // of API and pages
	stopping      atomic.Bool
	halt          chan struct{} // closed when long work is to stop between two steps
	drain         time.Duration
	drained       context.Context //nolint:containedctx // ends with the drain, not with a call; nil: there is none
	strangers     *strangers
}

// listen takes the two ports, before anything is told to anybody.
func (svc *service) listen(ctx context.Context, s *settings) (err error) {
	if svc.publicAt, err = listenAt(ctx, "listen", s.Listen); err != nil {
		return err
	}
	if svc.opsAt, err = listenAt(ctx, "listen_ops", s.ListenOps); err != nil {
		svc.close()
		return err
	}
	svc.front, svc.opsEnd = &front{}, make(chan error, 1)
	svc.ops = httpapi.NewOpsServer(string(s.ListenOps), svc.front, svc.log)
	go func() { svc.opsEnd <- serveOn(svc.ops, svc.opsAt) }()
	svc.url = s.publicURL(config.Address(svc.publicAt.Addr().String()))
	for _, at := range []config.Address{s.Listen, s.ListenOps} {
		if !at.Loopback() {
			svc.log.WarnContext(ctx, "other machines can reach "+string(at)+", unencrypted: put a proxy with TLS in front, or listen on 127.0.0.1")
		}
	}
	return nil
}

func listenAt(ctx context.Context, key string, at config.Address) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", string(at))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, curfew.Errorf(curfew.Conflict, "another program listens on %s: choose another %s, for instance --%s 127.0.0.1:0",
			at, key, flagName(key))
	}
	return l, err
}

func (svc *service) close() {
	if svc.ops != nil {
		_ = svc.ops.Close() // it may have ended
	}
	for _, l := range []net.Listener{svc.publicAt, svc.opsAt} {
		if l != nil {
			_ = l.Close() // a server that ran has closed it already
		}
	}
}

// build wires engine, identity and server.
func (svc *service) build(ctx context.Context, s *settings, policy curfew.Policy) (err error) {
	hook, provider, err := s.payments()
	if err != nil {
		return err
	}
	identity, err := s.identity(ctx, svc.log)
	if err != nil {
		return err
	}
	metrics := metrics.New()
	svc.engine, err = lifecycle.New(svc.db, lifecycle.Options{
		Policy: &policy, Logger: svc.log, Observer: metrics, Provider: provider, Notifier: svc.notifications, Keys: keysOf(identity),
		SweeperOff: !s.Sweeper.On(), Trace: svc.traces.step, Stop: svc.halt,
	})
	if err != nil {
		return err
	}
	metrics.Watch(svc.engine.Health)
	if svc.worker, err = s.worker(svc, identity, metrics); err != nil {
		return err
	}
	svc.hub = stream.New(svc.db, stream.Options{Encode: sse.Encode, Wake: svc.notifications.local.listen(), Logger: svc.log})
	svc.server, err = httpapi.New(httpapi.Options{ //nolint:contextcheck // a handler gets the context of its request
		Engine: svc.engine, Timeline: timeline.New(svc.db, svc.engine.Rules), Identity: identity, Once: svc.db, Ready: svc.ready, BaseURL: svc.url, LoginHint: s.loginLine(svc.url),
		Version: version(), Logger: svc.log, Metrics: metrics, Hook: hook, Trace: svc.traces.request, Settings: svc.given,
		Endpoints: s.endpoints(svc.db), Deliveries: notify.Deliveries{Store: svc.db}, Streams: streams{svc.hub},
		Links: mail.Unsubscriptions{Store: svc.db, Signer: identity},
	})
	if err != nil {
		return err
	}
	svc.public, svc.strangers = svc.server.HTTPServer(string(s.Listen)), newStrangers()
	svc.public.Handler, svc.public.ConnState = svc.goodbye(svc.public.Handler), svc.strangers.see
	svc.public.ErrorLog = slog.NewLogLogger(svc.log.Handler(), slog.LevelWarn)
	svc.front.build(svc.server.Ops())
	return nil
}

// keysOf says how the key server is that an identity reads; nil: it reads none.
func keysOf(i *auth.Identity) lifecycle.Keys {
	if k := i.KeyServer(); k != nil {
		return k.State
	}
	return nil
}

// ready is what /readyz answers with: from the moment of stopping on, no.
func (svc *service) ready(ctx context.Context) error {
	if svc.stopping.Load() {
		return curfew.Errorf(curfew.Unavailable, "the service is stopping")
	}
	return svc.engine.Health.Ready(ctx)
}

// run serves and sweeps until the context ends and the drain is over, and returns
// when everything it started has.
func (svc *service) run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	sweeping, stopSweeping := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return svc.engine.Sweeper.Run(sweeping) })
	group.Go(func() error { return svc.worker.Run(working) })
	group.Go(func() error { return svc.notifications.run(sweeping, svc.engine) })
	group.Go(func() error { return svc.hub.Run(sweeping) })
	group.Go(func() error { return svc.server.Run(sweeping) })
	group.Go(func() error { return serveOn(svc.public, svc.publicAt) })
	group.Go(func() error { return <-svc.opsEnd })
	group.Go(func() error {
		<-running.Done()
		svc.goOn(ctx, ctx.Err() != nil)
		stopWorking()
		defer stopSweeping()
		return svc.stop(context.WithoutCancel(ctx))
	})
	return group.Wait()
}

// goOn reports not ready and keeps answering for the drain, so that callers can turn to another replica. A service
// that broke does not wait.
func (svc *service) goOn(ctx context.Context, whole bool) {
	svc.stopping.Store(true)
	if !whole || svc.drained == nil || svc.drained.Err() != nil {
		return
	}
	svc.log.InfoContext(ctx, "stopping: not ready any more, but calls are answered for another "+config.Duration(svc.drain).String()+" (drain); a second signal skips that")
	<-svc.drained.Done()
}

func serveOn(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}

// stop lets calls under way finish, and closes. The ops listener closes last, so that it reports not ready until
// then.
func (svc *service) stop(ctx context.Context) error {
	svc.log.InfoContext(ctx, "stopping: calls under way have "+finishTime.String()+"; a signal ends the process at once")
	ctx, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	defer time.AfterFunc(strangerTime, svc.strangers.close).Stop()
	defer time.AfterFunc(finishTime-haltTime, func() { close(svc.halt) }).Stop()
	err := errors.Join(svc.public.Shutdown(ctx), svc.server.EndStreams(ctx), svc.server.EndWork(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("calls that took over %s were cut off", finishTime), svc.public.Close())
	}
	return errors.Join(err, svc.ops.Close())
}

// streams is the hub as the server follows it.
type streams struct{ *stream.Hub }

func (s streams) Subscribe(ctx context.Context, topics []string, since time.Time) (sse.Subscription, error) {
	subscription, err := s.Hub.Subscribe(ctx, topics, since)
	if err != nil {
		return nil, err
	}
	return subscription, nil
}
