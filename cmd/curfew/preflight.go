package main

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew/lifecycle"
)

type preflightCommand struct {
	Backup string `placeholder:"DIR" help:"Also write a backup into this new folder; curfew restore reads it."`
	JSON   bool   `help:"Print JSON."`
}

// Run runs the checks. It changes nothing in the database and works beside a running service.
func (c *preflightCommand) Run(ctx context.Context, s *settings, from *sources, term terminal) (err error) {
	if _, err := s.policy(); err != nil {
		return err
	}
	page := &preflight{Version: version(), Database: s.DatabaseURL.String(), Settings: from.inForce(rulesAndThresholds)}
	db, err := s.connect(ctx, false)
	if err != nil {
		page.failed("connection", err, "")
		return c.finish(term, page)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	page.add(checkup{Check: "connection", OK: true, Text: page.Database})
	page.facts(ctx, db)
	page.keys(ctx, s)
	page.stripe(ctx, s)
	if page.rights(ctx, db) && page.schema(ctx, db) {
		keeper, err := s.keeper(db, db.adoption(), lifecycle.Options{})
		if err != nil {
			return err
		}
		page.look(ctx, s, db, keeper)
		page.adoption(ctx, db)
		page.save(ctx, db, c.Backup, term)
	}
	return c.finish(term, page)
}

func (c *preflightCommand) finish(term terminal, page *preflight) error {
	page.OK = true
	for _, l := range page.Checks {
		page.OK = page.OK && l.OK
	}
	if c.JSON {
		if err := term.json(page); err != nil {
			return err
		}
	} else {
		page.print(term)
	}
	if !page.OK {
		return exitCode(exitFailed)
	}
	return nil
}

// look runs the checks that need a valid schema.
func (p *preflight) look(ctx context.Context, s *settings, db database, keeper *lifecycle.Keeper) {
	p.guards(ctx, db)
	p.secrets(ctx, s, db)
	p.clock(ctx, db)
	p.rows(ctx, keeper)
	p.health(ctx, keeper)
	p.cleanup(ctx, keeper)
}
