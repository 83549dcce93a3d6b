package main

import (
	"context"

	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type booksCommand struct {
	Month string `required:"" placeholder:"YYYY-MM" help:"The month, in UTC: 2026-11."`
	Lines bool   `help:"Print a line for each payment instead of the sums."`
	JSON  bool   `help:"Print the sums as JSON, in minor units."`
}

// Run prints the books of a month as CSV.
func (c *booksCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if c.Lines && c.JSON {
		return usagef("--lines are CSV: leave out --json")
	}
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		from, to, err := keeper.Checkouts.Month(c.Month)
		if err != nil {
			return usageError{err}
		}
		if c.Lines {
			return wire.WriteBookLines(term.out, func(after string) ([]record.BookLine, string, error) {
				return keeper.Checkouts.Books(ctx, from, to, after)
			})
		}
		totals, err := keeper.Checkouts.BookTotals(ctx, from, to)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return term.json(wire.BookTotals(c.Month, totals))
		}
		return wire.WriteBookTotals(term.out, c.Month, totals)
	})
}
