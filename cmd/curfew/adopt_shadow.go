package main

import (
	"context"

	"github.com/curfewhq/curfew/internal/adopt"
)

type adoptShadowCommand struct {
	Name string `arg:"" help:"The table's name under adopt in the settings."`
	JSON bool   `help:"Print JSON."`
}

// Run switches a table to mode shadow and reads it once. If it cannot be read, the mode stays
// unchanged.
func (c *adoptShadowCommand) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withAdoption(ctx, func(svc *adopt.Service) error {
		if err := svc.Shadow(ctx, c.Name); err != nil {
			return err
		}
		return printAdoptionOf(ctx, svc, c.Name, c.JSON, term)
	})
}

// printAdoptionOf prints the state of a table after a command.
func printAdoptionOf(ctx context.Context, svc *adopt.Service, name string, asJSON bool, term terminal) error {
	status, err := adoptionNamed(ctx, svc, name)
	if err != nil {
		return err
	}
	if asJSON {
		return term.json(status)
	}
	printAdoption(term, status)
	return nil
}
