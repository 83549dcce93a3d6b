package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
)

// sandbox serves the demonstration on a database in a folder that is removed afterwards.
type sandbox struct {
	term     terminal
	settings *settings // in force; the console's settings page shows them
	from     *sources  // where they come from
	given    settings  // as they were given
	dir      string
}

// nowhere is the address of a service that nobody needs to find.
const nowhere config.Address = "127.0.0.1:0"

// serve runs a service at an address, with its deadlines shortened by speed, until do returns.
func (b *sandbox) serve(ctx context.Context, at config.Address, speed float64, do func(context.Context, demoService) error) error {
	*b.settings = b.given.sandboxed(b.dir, at).faster(speed)
	log := b.settings.logger(b.term.err, slog.LevelWarn)
	return b.settings.withService(ctx, log, b.from, nil, func(svc *service) error {
		identity, err := b.settings.identity(ctx, log)
		if err != nil {
			return err
		}
		group, working := errgroup.WithContext(ctx)
		serving, stop := context.WithCancel(context.WithoutCancel(ctx))
		group.Go(func() error { return svc.run(serving) })
		group.Go(func() error {
			defer stop()
			return do(working, demoService{b.term, b.settings, identity, svc.url})
		})
		return group.Wait()
	})
}

// sandboxed returns settings that affect nothing outside a folder: any database, provider or
// receiver that was set is dropped.
func (s settings) sandboxed(dir string, at config.Address) settings {
	return settings{config.Settings{
		DatabaseURL: config.DatabaseURL("sqlite:" + filepath.Join(dir, "demo.db")), Listen: at, ListenOps: nowhere,
		WaitingTTL: s.WaitingTTL, MaxWait: s.MaxWait, OrphanTTL: s.OrphanTTL, JoinTTL: s.JoinTTL, JoinOffer: s.JoinOffer, NudgeAfter: s.NudgeAfter,
		LiveGrace: s.LiveGrace, ScheduledGrace: s.ScheduledGrace, MinimumLive: s.MinimumLive, VeryStaleAfter: s.VeryStaleAfter, DeferTTL: s.DeferTTL,
		BlockedRepeatedly: s.BlockedRepeatedly, BlockedWindow: s.BlockedWindow, AuthorizationLife: s.AuthorizationLife,
		Sweeper: s.Sweeper, LogFormat: s.LogFormat, LogLevel: s.LogLevel, Auth: config.Auth{RoleClaim: s.Auth.RoleClaim},
	}}
}

// faster returns settings with every duration divided by speed.
func (s settings) faster(speed float64) settings {
	for _, d := range []*config.Duration{
		&s.WaitingTTL, &s.MaxWait, &s.OrphanTTL, &s.JoinTTL, &s.LiveGrace, &s.ScheduledGrace, &s.MinimumLive,
		&s.VeryStaleAfter, &s.DeferTTL, &s.BlockedWindow,
	} {
		*d = config.Duration(time.Duration(float64(*d) / speed).Round(time.Millisecond))
	}
	for _, d := range []*config.Pause{&s.JoinOffer, &s.NudgeAfter} {
		*d = config.Pause(time.Duration(float64(*d) / speed).Round(time.Millisecond))
	}
	s.Plans = &config.Plans{ByName: curfew.BuiltinPlans()}
	for name, p := range s.Plans.ByName {
		p.Duration = time.Duration(float64(p.Duration) / speed)
		s.Plans.ByName[name] = p
	}
	return s
}

// demoService is a running service as its callers see it.
type demoService struct {
	term     terminal
	settings *settings
	identity *auth.Identity
	url      string
}

// client returns a client that acts as somebody of the marketplace.
func (d demoService) client(role, id string) (*api.Client, error) {
	token, err := d.identity.Token(curfew.Actor{Role: curfew.Role(role), ID: id}, time.Minute)
	return &api.Client{BaseURL: d.url, Token: token}, err
}

// loginLink returns a link that signs the operator's browser in, once.
func (d demoService) loginLink() (string, error) {
	return signInLink(d.identity, operator(), d.url)
}
