package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/demo"
)

type demoCommand struct {
	Speed     float64         `default:"60" placeholder:"N" help:"How many times as fast as a real marketplace: at 60 an hour takes a minute."`
	For       config.Duration `placeholder:"TIME" help:"End after so long; by default it runs until it is stopped."`
	Seed      uint64          `default:"1" placeholder:"N" help:"What everybody decides follows from it."`
	Customers config.Count    `default:"40" placeholder:"N" help:"How many customers there are (40)."`
	Mechanics config.Count    `default:"18" placeholder:"N" help:"How many mechanics there are (18)."`
	Open      bool            `help:"Open the console in the browser."`
}

// A demonstration begins with an hour of history, in a few seconds. Nothing is
// faster than fastest: Curfew sells no plan of less than a second.
const (
	history     = time.Hour
	historyTime = 5 * time.Second
	fastest     = 1800
)

// Run shows a marketplace until it is over or stopped, and then says what
// became of everybody.
func (c *demoCommand) Run(ctx context.Context, s *settings, from *sources, term terminal) (err error) {
	if c.Speed < 1 || c.Speed > fastest {
		return usagef("--speed must be from 1 to %d, not %g", fastest, c.Speed)
	}
	if c.For < 0 {
		return usagef("--for must not be negative")
	}
	ctx, _, stop := untilSignal(ctx, 0)
	defer stop()
	dir, err := os.MkdirTemp("", "curfew-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	report, err := c.in(ctx, dir, s, from, term)
	if err != nil {
		return err
	}
	printDemo(term, c, report)
	return nil
}

// in is the demonstration, with its database in a folder. The report is read
// when the sweeper has stopped too, so that it and the database agree.
func (c *demoCommand) in(ctx context.Context, dir string, s *settings, from *sources, term terminal) (report demo.Report, err error) {
	market := demo.New(demo.Options{Seed: c.Seed, Customers: int(c.Customers), Mechanics: int(c.Mechanics)})
	stage := &stage{term: term, settings: s, from: from, given: *s, dir: dir}

	quick := max(c.Speed, min(fastest, history.Seconds()/historyTime.Seconds()))
	err = stage.play(ctx, nowhere, quick, func(ctx context.Context, h house) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(float64(history)/quick))
		defer cancel()
		return market.Run(ctx, h.door, quick)
	})
	if err == nil && ctx.Err() == nil {
		err = stage.play(ctx, stage.given.Listen, c.Speed, func(ctx context.Context, h house) error { return c.show(ctx, market, h) })
	}
	if err != nil {
		return report, err
	}
	stage.given.Sweeper = "off"
	err = stage.play(context.WithoutCancel(ctx), nowhere, c.Speed, func(ctx context.Context, h house) error {
		report, err = market.Report(ctx, h.door)
		return err
	})
	return report, err
}

// show lets the market live for everybody to see.
func (c *demoCommand) show(ctx context.Context, market *demo.Market, h house) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.For))
		defer cancel()
	}
	link, err := h.link()
	if err != nil {
		return err
	}
	announceDemo(h, c.Speed, link)
	if c.Open {
		own, err := h.link() // the printed one stays good
		if err != nil {
			return err
		}
		openInBrowser(ctx, h.term, own)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return market.Run(ctx, h.door, c.Speed) })
	group.Go(func() error { return watch(ctx, market, h) })
	return group.Wait()
}

// stage is where the market plays: a service on a database that is thrown away.
type stage struct {
	term     terminal
	settings *settings // those that hold: the console's page of settings shows them
	from     *sources  // where they come from
	given    settings  // as they were given
	dir      string
}

// nowhere is an address for who need not be found.
const nowhere config.Address = "127.0.0.1:0"

// play serves, with deadlines for a speed, while do works.
func (g *stage) play(ctx context.Context, at config.Address, speed float64, do func(context.Context, house) error) error {
	*g.settings = g.given.thrownAway(g.dir, at).faster(speed)
	log := g.settings.logger(g.term.err, slog.LevelWarn)
	return g.settings.withService(ctx, log, g.from, func(svc *service) error {
		identity, err := g.settings.identity(ctx, log)
		if err != nil {
			return err
		}
		group, working := errgroup.WithContext(ctx)
		serving, stop := context.WithCancel(context.WithoutCancel(ctx))
		group.Go(func() error { return svc.run(serving) })
		group.Go(func() error {
			defer stop()
			return do(working, house{g.term, g.settings, identity, svc.url})
		})
		return group.Wait()
	})
}

// thrownAway is settings that reach nothing but a folder: no database, provider
// or receiver that somebody may have set.
func (s settings) thrownAway(dir string, at config.Address) settings {
	return settings{config.Settings{
		DatabaseURL: config.DatabaseURL("sqlite:" + filepath.Join(dir, "demo.db")), Listen: at, ListenOps: nowhere,
		WaitingTTL: s.WaitingTTL, MaxWait: s.MaxWait, OrphanTTL: s.OrphanTTL, JoinTTL: s.JoinTTL,
		LiveGrace: s.LiveGrace, ScheduledGrace: s.ScheduledGrace, MinimumLive: s.MinimumLive, VeryStaleAfter: s.VeryStaleAfter, DeferTTL: s.DeferTTL,
		BlockedRepeatedly: s.BlockedRepeatedly, BlockedWindow: s.BlockedWindow,
		Sweeper: s.Sweeper, LogFormat: s.LogFormat, LogLevel: s.LogLevel, Auth: config.Auth{RoleClaim: s.Auth.RoleClaim},
	}}
}

// faster is settings with every time divided by a speed.
func (s settings) faster(speed float64) settings {
	for _, d := range []*config.Duration{
		&s.WaitingTTL, &s.MaxWait, &s.OrphanTTL, &s.JoinTTL, &s.LiveGrace, &s.ScheduledGrace, &s.MinimumLive,
		&s.VeryStaleAfter, &s.DeferTTL, &s.BlockedWindow,
	} {
		*d = config.Duration(time.Duration(float64(*d) / speed).Round(time.Millisecond))
	}
	s.Plans = &config.Plans{ByName: curfew.BuiltinPlans()}
	for name, p := range s.Plans.ByName {
		p.Duration = time.Duration(float64(p.Duration) / speed)
		s.Plans.ByName[name] = p
	}
	return s
}

// house is a service that runs, from outside.
type house struct {
	term     terminal
	settings *settings
	identity *auth.Identity
	url      string
}

// door lets the people of the marketplace in.
func (h house) door(role, id string) (*api.Client, error) {
	token, err := h.identity.Token(curfew.Actor{Role: curfew.Role(role), ID: id}, time.Minute)
	return &api.Client{BaseURL: h.url, Token: token}, err
}

// link signs the operator's browser in, once.
func (h house) link() (string, error) {
	ticket, err := h.identity.LoginTicket(operator())
	return h.url + "/login?ticket=" + url.QueryEscape(ticket), err
}
