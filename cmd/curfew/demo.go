package main

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/demo"
)

type demoCommand struct {
	Speed     float64         `default:"60" placeholder:"N" help:"How many times faster than real time: at 60, an hour takes a minute."`
	For       config.Duration `placeholder:"TIME" help:"Stop after this time; by default it runs until it is stopped."`
	Seed      uint64          `default:"1" placeholder:"N" help:"The seed of everybody's decisions."`
	Customers config.Count    `default:"40" placeholder:"N" help:"How many customers (40)."`
	Mechanics config.Count    `default:"18" placeholder:"N" help:"How many mechanics (18)."`
	Open      bool            `help:"Open the console in the browser."`
}

// A demonstration begins with an hour of history, played in a few seconds. At a speed above
// fastest, a plan would last less than a second.
const (
	history     = time.Hour
	historyTime = 5 * time.Second
	fastest     = 1800
)

// Run simulates a marketplace until its time is over or it is stopped, then prints a report.
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
	printDemo(term, c.Speed, c.Seed, report)
	return nil
}

// in runs the demonstration with its database in a folder. It reads the report after the sweeper has stopped, so that
// the report and the database agree.
func (c *demoCommand) in(ctx context.Context, dir string, s *settings, from *sources, term terminal) (report demo.Report, err error) {
	simulation := demo.New(demo.Options{Seed: c.Seed, Customers: int(c.Customers), Mechanics: int(c.Mechanics)})
	sandbox := &sandbox{term: term, settings: s, from: from, given: *s, dir: dir}

	quick := max(c.Speed, min(fastest, history.Seconds()/historyTime.Seconds()))
	err = sandbox.serve(ctx, nowhere, quick, func(ctx context.Context, svc demoService) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(float64(history)/quick))
		defer cancel()
		return simulation.Run(ctx, svc.client, quick)
	})
	if err == nil && ctx.Err() == nil {
		err = sandbox.serve(ctx, sandbox.given.Listen, c.Speed, func(ctx context.Context, svc demoService) error { return c.show(ctx, simulation, svc) })
	}
	if err != nil {
		return report, err
	}
	sandbox.given.Sweeper = "off"
	err = sandbox.serve(context.WithoutCancel(ctx), nowhere, c.Speed, func(ctx context.Context, svc demoService) error {
		report, err = simulation.Report(ctx, svc.client)
		return err
	})
	return report, err
}

// show runs the marketplace where people can watch it.
func (c *demoCommand) show(ctx context.Context, simulation *demo.Simulation, svc demoService) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.For))
		defer cancel()
	}
	link, err := svc.loginLink()
	if err != nil {
		return err
	}
	announceDemo(svc, c.Speed, link)
	if c.Open {
		own, err := svc.loginLink() // the printed one stays good
		if err != nil {
			return err
		}
		openInBrowser(ctx, svc.term, own)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return simulation.Run(ctx, svc.client, c.Speed) })
	group.Go(func() error { return watch(ctx, simulation, svc) })
	return group.Wait()
}
