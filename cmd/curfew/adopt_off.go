package main

import (
	"context"

	"github.com/curfewhq/curfew/internal/adopt"
)

type adoptOffCommand struct {
	Name string `arg:"" help:"The table's name under adopt in the settings."`
	JSON bool   `help:"Print JSON."`
}

// Run stops adopting a table.
func (c *adoptOffCommand) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withAdoption(ctx, func(svc *adopt.Service) error {
		if err := svc.Off(ctx, c.Name); err != nil {
			return err
		}
		return printAdoptionOf(ctx, svc, c.Name, c.JSON, term)
	})
}
