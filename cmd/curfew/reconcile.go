package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/lifecycle"
)

type reconcileCommand struct {
	Since config.Duration `default:"72h" help:"How far back."`
	Kept  bool            `help:"Only print the differences that earlier comparisons have left, and ask nobody."`
	JSON  bool            `help:"Print JSON."`
}

// Run compares the payments with the provider's, records missing ones and prints the differences.
func (c *reconcileCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if c.Since <= 0 {
		return usagef("--since must be more than 0, not %s", c.Since)
	}
	stop, release := untilInterrupt(ctx, term)
	defer release()
	return s.withDatabase(ctx, func(db database) error {
		keeper, err := s.keeper(db, db.adoption(), lifecycle.Options{Logger: s.logger(term.err, slog.LevelWarn), Stop: stop})
		if err != nil {
			return err
		}
		if c.Kept {
			return c.printKept(ctx, term, keeper)
		}
		r, err := keeper.Payments.Reconcile(ctx, time.Duration(c.Since))
		if errors.Is(err, lifecycle.ErrStopped) {
			term.notef("Compared %s of the provider; run the same command again to compare all of them.\n", plural(r.Paid, "payment"))
		}
		if err != nil {
			return asUsage(err)
		}
		if err := c.print(term, r); err != nil {
			return err
		}
		if len(r.Differences) > 0 {
			return exitCode(exitFailed)
		}
		return nil
	})
}

func (c *reconcileCommand) printKept(ctx context.Context, term terminal, keeper *lifecycle.Keeper) error {
	all, err := keeper.Payments.Differences(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return term.json(all)
	}
	printDifferences(term, all)
	return nil
}

func (c *reconcileCommand) print(term terminal, r lifecycle.Reconciliation) error {
	if c.JSON {
		return term.json(r)
	}
	term.printf("%s since %s.\n", plural(r.Paid, "paid checkout"), r.Since.Format("2006-01-02 15:04 UTC"))
	if r.Missed > 0 {
		term.printf("%s that the provider could not deliver everywhere %s taken in.\n",
			plural(r.Missed, "message"), map[bool]string{true: "was", false: "were"}[r.Missed == 1])
	}
	for _, what := range r.Unreadable {
		term.printf("Cannot tell: %s\n", what)
	}
	printDifferences(term, r.Differences)
	return nil
}

// printDifferences prints what each difference is, what was done about it, and what is left for a person.
func printDifferences(term terminal, all []lifecycle.Difference) {
	if len(all) == 0 {
		term.printf("No differences.\n")
		return
	}
	rows := [][]string{{"REFERENCE", "DIFFERENCE", "OUTCOME NOW", "DETAIL"}}
	for _, d := range all {
		rows = append(rows, []string{d.Ref, d.Kind, string(d.Outcome), d.Detail})
	}
	term.printf("\n")
	columns(term.out, rows...)
	term.printf("\n")
	for _, d := range all {
		if d.Done != "" {
			term.printf("%s: %s.\n", d.Ref, d.Done)
		}
		if d.Todo != "" {
			term.printf("%s: TO DO: %s.\n", d.Ref, d.Todo)
		}
	}
}
