package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type cleanupCommand struct {
	DryRun   bool             `xor:"way" help:"Store a preview and print its rows; change nothing else."`
	Preview  string           `xor:"way" placeholder:"ID" help:"Execute exactly this preview: rows that moved since are left alone."`
	Customer string           `placeholder:"ID" help:"Only this customer's sessions."`
	Rule     []string         `placeholder:"NAME" help:"Only this rule; may be given several times."`
	MaxAge   *config.Duration `placeholder:"TIME" help:"Sessions without a mechanic end at this age, overdue or not."`
	Reason   string           `placeholder:"TEXT" help:"Kept in the record and in the sessions' history."`
	JSON     bool             `help:"Print JSON, as /api/debug/cleanup-sessions answers."`
}

// Run cleans up, previews that, or executes a preview.
func (c *cleanupCommand) Run(ctx context.Context, s *settings, term terminal) error {
	cleanup, err := c.cleanup()
	if err != nil {
		return err
	}
	if c.DryRun {
		return s.withEngine(ctx, term, func(_ database, engine *lifecycle.Keeper) error {
			p, err := engine.Cleanups.StorePreview(ctx, cleanup)
			if err != nil {
				return asUsage(err)
			}
			return c.printPreview(term, p)
		})
	}
	stop, release := untilInterrupt(ctx, term)
	defer release()
	return s.withDatabase(ctx, func(db database) error {
		bar := newProgress(term, "ending sessions")
		engine, err := s.engine(counting{db, bar.add}, lifecycle.Options{Logger: s.logger(term.err, slog.LevelInfo), Stop: stop})
		if err != nil {
			return err
		}
		if term.watched {
			bar.total = c.expected(ctx, db, engine, cleanup)
		}
		run, drifted, err := c.execute(ctx, engine, cleanup)
		bar.finish()
		if errors.Is(err, lifecycle.ErrStopped) {
			defer c.printLeft(ctx, term, engine, cleanup, bar.done, len(drifted))
		}
		return c.printRun(term, run, drifted, err)
	})
}

// cleanup is what was asked for, in lifecycle's words.
func (c *cleanupCommand) cleanup() (lifecycle.Cleanup, error) {
	cleanup := lifecycle.Cleanup{
		CustomerID: c.Customer, Reason: c.Reason, Trigger: curfew.ByCommand, Actor: operator(),
	}
	if c.Preview != "" && (c.Customer != "" || c.MaxAge != nil || len(c.Rule) > 0) {
		return cleanup, usagef("--preview executes exactly what the preview shows: it takes no --customer, --rule or --max-age")
	}
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

func (c *cleanupCommand) execute(ctx context.Context, engine *lifecycle.Keeper, cleanup lifecycle.Cleanup) (curfew.Run, []lifecycle.Drift, error) {
	if c.Preview != "" {
		return engine.Cleanups.ExecutePreview(ctx, c.Preview, cleanup)
	}
	run, err := engine.Cleanups.RunCleanup(ctx, cleanup)
	return run, nil, err
}

// previews finds a stored preview by its id.
type previews interface {
	Preview(ctx context.Context, id string) (curfew.Preview, error)
}

// expected is how many sessions will end, for the bar; -1: nobody knows.
func (c *cleanupCommand) expected(ctx context.Context, store previews, engine *lifecycle.Keeper, cleanup lifecycle.Cleanup) int {
	look := func() (curfew.Preview, error) { return engine.Cleanups.Preview(ctx, cleanup) }
	if c.Preview != "" {
		look = func() (curfew.Preview, error) { return store.Preview(ctx, c.Preview) }
	}
	p, err := look()
	if err != nil || p.Truncated {
		return -1 // the cleanup itself says what is wrong
	}
	return len(p.Items)
}

func (c *cleanupCommand) printPreview(term terminal, p curfew.Preview) error {
	if c.JSON {
		return term.json(wire.Preview(p))
	}
	if len(p.Items) == 0 {
		term.printf("Nothing to clean up.\n")
		return nil
	}
	term.printf("%s would end:\n\n", plural(len(p.Items), "session"))
	columns(term.out, previewRows(p)...)
	term.printf("\nRows that would change:\n\n")
	columns(term.out, figures(p.Stats())...)
	if p.Truncated {
		term.printf("\nMore is due than a preview holds.\n")
	}
	reason := ""
	if early(p) {
		reason = ` --reason "…"`
		term.printf("\nSome of them are not overdue yet: ending those takes a reason.")
	}
	term.printf("\nTo do exactly this:\n\n  curfew cleanup --preview %s%s\n", p.ID, reason)
	return nil
}

func previewRows(p curfew.Preview) [][]string {
	rows := [][]string{{"SESSION", "CUSTOMER", "RULE", "AGE", "ENDS AS", "PAYMENT"}}
	for _, it := range p.Items {
		rows = append(rows, []string{
			it.SessionID, it.CustomerID, string(it.Rule), lifecycle.Span(it.Age), string(it.Reason), string(it.Owed),
		})
	}
	return rows
}

func early(p curfew.Preview) bool {
	for _, it := range p.Items {
		if it.Reason == curfew.Cleared {
			return true
		}
	}
	return false
}

// printRun prints what a run did, also of one that failed on its way; failed is
// its error.
func (c *cleanupCommand) printRun(term terminal, run curfew.Run, drifted []lifecycle.Drift, failed error) error {
	if run.ID == "" {
		return asUsage(failed)
	}
	if c.JSON {
		if err := term.json(wire.CleanupResult(run, drifted)); err != nil {
			return err
		}
		return failed
	}
	if run.Stats.TotalCleaned == 0 && failed == nil {
		term.printf("Nothing to clean up.\n")
	} else {
		term.printf("Rows changed:\n\n")
		columns(term.out, figures(run.Stats)...)
	}
	if len(drifted) > 0 {
		term.printf("\nLeft alone, because they had moved since the preview:\n\n")
		columns(term.out, driftRows(drifted)...)
	}
	term.printf("\nrun %s\n", run.ID)
	return failed
}

func driftRows(drifted []lifecycle.Drift) [][]string {
	rows := make([][]string, len(drifted))
	for i, d := range drifted {
		rows[i] = []string{d.SessionID, fmt.Sprintf("(%s)", d.Why)}
	}
	return rows
}
