package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
)

type serveCommand struct {
	TestClock       bool `help:"Serve on a clock that POST /api/test/clock/advance moves: for tests, on a new database."`
	TestClockPublic bool `help:"Serve on a test clock although other machines can reach the service."`
}

// Run serves until SIGTERM, SIGINT or SIGHUP, and then for the drain. A second signal skips the rest of the drain; any
// further one ends the process at once.
func (c *serveCommand) Run(ctx context.Context, s *settings, from *sources, term terminal) error {
	clock, err := c.clock(s)
	if err != nil {
		return err
	}
	stopping, drained, stop := untilSignal(ctx, s.drain())
	defer stop()
	defer exitAfter(drained, term)()
	err = s.withService(stopping, s.logger(term.err, slog.LevelDebug), from, clock, func(svc *service) error {
		svc.drain, svc.drained = s.drain(), drained
		link, err := svc.firstLink(term, s)
		if err != nil {
			return err
		}
		announce(term, s, svc, link)
		return svc.run(stopping)
	})
	if stopping.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was stopped before it served
	}
	return err
}

// firstLink returns a link that signs in whoever started the service at a terminal of this machine, and an empty text for
// everybody else: what a program reads, or a log keeps, must not sign anybody in.
func (svc *service) firstLink(term terminal, s *settings) (string, error) {
	at := config.Address(svc.listeners.public.Addr().String())
	if !term.watched || s.LogFormat == "json" || !at.Loopback() || !auth.Local(svc.url) {
		return "", nil
	}
	return signInLink(svc.identity, operator(), svc.url)
}

// announce prints where the service is and what to try first, and the link that signs in, if there is one. With JSON logs it
// writes one log line.
func announce(term terminal, s *settings, svc *service, link string) {
	health := fmt.Sprintf("curl --oauth2-bearer $(%s) %s/api/debug/session-health", s.tokenLine(), svc.url)
	login := s.loginLine(svc.url)
	ops, what := svc.listeners.opsURL(), "  (/metrics, /livez, /readyz)"
	if svc.listeners.ops == nil {
		what = "  (/livez, /readyz, and with a token /metrics)"
	}
	if s.LogFormat == "json" {
		svc.log.Info("serving", "version", version(), "database", s.DatabaseURL.String(), "url", svc.url, "ops", ops,
			"health", health, "login", login)
		return
	}
	term.notef("curfew %s serves %s\n\n", version(), s.DatabaseURL)
	columns(term.err,
		[]string{"API and pages", svc.url},
		[]string{"for operators", ops + what},
		[]string{"sweeper", string(s.Sweeper)},
	)
	if svc.clock != nil {
		columns(term.err, []string{"test clock   ", "POST " + svc.url + "/api/test/clock/advance"})
	}
	term.notef("\nIs all well?\n  %s\n", health)
	if link == "" {
		term.notef("Sign your browser in:\n  %s\n\n", login)
		return
	}
	term.notef("Sign your browser in, once and within two minutes:\n  %s\nLater:\n  %s --open\n\n", link, login)
}
