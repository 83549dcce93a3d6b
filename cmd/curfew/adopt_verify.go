package main

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt"
)

type adoptVerifyCommand struct {
	Name   string `arg:"" help:"The table's name under adopt in the settings."`
	Repair bool   `help:"Mirror rows that differ anew."`
	JSON   bool   `help:"Print JSON."`
}

// Run compares a table's rows with their mirrors in one snapshot.
func (c *adoptVerifyCommand) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withAdoption(ctx, func(svc *adopt.Service) error {
		drift, err := svc.Verify(ctx, c.Name, c.Repair)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := term.json(append([]adopt.Drift{}, drift...)); err != nil {
				return err
			}
		} else {
			printDrift(term, c, drift)
		}
		if len(drift) > 0 {
			return exitIssues
		}
		return nil
	})
}

func printDrift(term terminal, c *adoptVerifyCommand, drift []adopt.Drift) {
	if len(drift) == 0 {
		term.printf("Every row of %s is as Curfew knows it.\n", c.Name)
		return
	}
	term.printf("%s of %s differ:\n", plural(len(drift), "row"), c.Name)
	for _, d := range drift {
		term.printf("  row %s: %s\n", curfew.Visible(d.ID), curfew.Visible(d.Detail))
	}
	if c.Repair {
		term.printf("They have been mirrored anew, but for those that somebody held.\n")
		return
	}
	term.printf("\nNext: %s adopt verify %s --repair\n", program(), c.Name)
}
