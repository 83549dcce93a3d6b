package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type cleanupCommand struct {
	DryRun   bool             `xor:"way" help:"Store a preview and print its rows; change nothing else."`
	Preview  string           `xor:"way" placeholder:"ID" help:"Execute exactly this preview; rows that changed since are left alone."`
	Only     []string         `placeholder:"SESSION" help:"Of the preview, end only this session; can be repeated."`
	Except   []string         `placeholder:"SESSION" help:"Of the preview, leave this session out; can be repeated."`
	Customer string           `placeholder:"ID" help:"Only this customer's sessions."`
	Rule     []string         `placeholder:"NAME" help:"Only this rule; can be repeated."`
	MaxAge   *config.Duration `placeholder:"TIME" help:"End sessions without a mechanic at this age, overdue or not."`
	Reason   string           `placeholder:"TEXT" help:"Recorded in the run and in the sessions' history."`
	JSON     bool             `help:"Print JSON, like /api/debug/cleanup-sessions."`
}

// Run cleans up, previews a cleanup, or executes a preview.
func (c *cleanupCommand) Run(ctx context.Context, s *settings, term terminal) error {
	cleanup, err := c.cleanup()
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.preview(ctx, s, term, cleanup)
	}
	return c.run(ctx, s, term, cleanup)
}

func (c *cleanupCommand) preview(ctx context.Context, s *settings, term terminal, cleanup lifecycle.Cleanup) error {
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		p, err := keeper.Cleanups.StorePreview(ctx, cleanup)
		if err != nil {
			return asUsage(err)
		}
		if c.JSON {
			return term.json(wire.Preview(p))
		}
		printPreview(term, p)
		return nil
	})
}

func (c *cleanupCommand) run(ctx context.Context, s *settings, term terminal, cleanup lifecycle.Cleanup) error {
	stop, release := untilInterrupt(ctx, term)
	defer release()
	return s.withDatabase(ctx, func(db database) error {
		bar := newProgress(term, "ending sessions")
		keeper, err := s.keeper(counting{db, bar.add}, db.adoption(), lifecycle.Options{Logger: s.logger(term.err, slog.LevelInfo), Stop: stop})
		if err != nil {
			return err
		}
		if term.watched {
			bar.total = c.expected(ctx, keeper, cleanup)
		}
		run, drifted, err := c.execute(ctx, keeper, cleanup)
		bar.finish()
		if errors.Is(err, lifecycle.ErrStopped) {
			defer func() { c.noteRest(ctx, term, keeper, cleanup, bar.done+len(drifted)) }()
		}
		return c.answer(term, run, drifted, err)
	})
}

// cleanup returns the cleanup that the flags describe.
func (c *cleanupCommand) cleanup() (lifecycle.Cleanup, error) {
	cleanup := lifecycle.Cleanup{
		CustomerID: c.Customer, Reason: c.Reason, Trigger: curfew.ByCommand, Actor: operator(),
	}
	if c.Preview != "" && (c.Customer != "" || c.MaxAge != nil || len(c.Rule) > 0) {
		return cleanup, usagef("--preview executes exactly what the preview shows: it takes no --customer, --rule or --max-age")
	}
	if c.Preview == "" && len(c.Only)+len(c.Except) > 0 {
		return cleanup, usagef("--only and --except choose rows of a preview: give it with --preview")
	}
	cleanup.Only, cleanup.Except = c.Only, c.Except
	if c.MaxAge != nil {
		cleanup.MaxAge = time.Duration(*c.MaxAge)
		if cleanup.MaxAge <= 0 {
			return cleanup, usagef("--max-age must be more than 0, not %s", *c.MaxAge)
		}
	}
	var err error
	cleanup.Rules, err = curfew.ParseRules(c.Rule)
	return cleanup, asUsage(err)
}

// execute runs the cleanup, or a stored preview of one.
func (c *cleanupCommand) execute(ctx context.Context, keeper *lifecycle.Keeper, cleanup lifecycle.Cleanup) (curfew.Run, []lifecycle.Drift, error) {
	if c.Preview != "" {
		return keeper.Cleanups.ExecutePreview(ctx, c.Preview, cleanup)
	}
	run, err := keeper.Cleanups.RunCleanup(ctx, cleanup)
	return run, nil, err
}

// expected returns how many sessions will end, for the progress bar; -1 if unknown.
func (c *cleanupCommand) expected(ctx context.Context, keeper *lifecycle.Keeper, cleanup lifecycle.Cleanup) int {
	look := func() (curfew.Preview, error) { return keeper.Cleanups.Preview(ctx, cleanup) }
	if c.Preview != "" {
		look = func() (curfew.Preview, error) { return keeper.Cleanups.StoredPreview(ctx, c.Preview) }
	}
	p, err := look()
	if err != nil || p.Truncated {
		return -1 // the cleanup itself says what is wrong
	}
	return len(p.Items)
}

// answer prints a run, even one that failed partway with the error failed.
func (c *cleanupCommand) answer(term terminal, run curfew.Run, drifted []lifecycle.Drift, failed error) error {
	if run.ID == "" {
		return asUsage(failed)
	}
	if c.JSON {
		if err := term.json(wire.CleanupResult(run, drifted)); err != nil {
			return err
		}
		return failed
	}
	printRun(term, run, drifted, failed == nil)
	return failed
}

// noteRest says how many sessions a stopped cleanup left, and how to continue.
func (c *cleanupCommand) noteRest(ctx context.Context, term terminal, keeper *lifecycle.Keeper, cleanup lifecycle.Cleanup, done int) {
	p, err := keeper.Cleanups.Preview(ctx, cleanup)
	left := len(p.Items)
	if c.Preview != "" {
		p, err = keeper.Cleanups.StoredPreview(ctx, c.Preview)
		left = len(p.Items) - done
	}
	switch {
	case err != nil: // the run says what was done
	case p.Truncated:
		term.notef("More than %s left: the same command goes on.\n", plural(left, "session"))
	default:
		term.notef("%s left: the same command goes on.\n", plural(left, "session"))
	}
}

// counting is a store that reports how many sessions each batch ends.
type counting struct {
	lifecycle.Store
	ended func(n int)
}

// End implements lifecycle.Store.
func (c counting) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	ended, err := c.Store.End(ctx, b)
	c.ended(len(ended))
	return ended, err
}
