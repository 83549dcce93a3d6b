package main

import (
	"context"

	"github.com/curfewhq/curfew/internal/adopt"
)

type adoptReleaseCommand struct {
	Name string `arg:"" help:"The table's name under adopt in the settings."`
	Drop bool   `help:"Also delete what Curfew knows of its sessions. Needs --yes."`
	Yes  bool   `help:"Delete it."`
	JSON bool   `help:"Print JSON."`
}

// Run stops adopting a table and forgets it.
func (c *adoptReleaseCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if c.Drop && !c.Yes {
		return usagef("--drop deletes the history of every session of %s in Curfew, and not your own table: add --yes if you mean that", c.Name)
	}
	return s.withAdoption(ctx, func(svc *adopt.Service) error {
		if err := svc.Release(ctx, c.Name, c.Drop); err != nil {
			return err
		}
		if c.JSON {
			return term.json(struct {
				Released string `json:"released"`
				Dropped  bool   `json:"dropped"`
			}{c.Name, c.Drop})
		}
		term.printf("%s is released: nothing of Curfew is on it.\n", c.Name)
		if !c.Drop {
			term.printf("The history of its sessions is kept.\n")
		}
		return nil
	})
}
