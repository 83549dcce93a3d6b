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
	err = page.run(ctx, s, func(db database, _ *lifecycle.Keeper) { page.save(ctx, db, c.Backup, term) })
	if err != nil {
		return err
	}
	return c.finish(term, page)
}

// run makes every check, and then calls more if the schema is valid.
func (p *preflight) run(ctx context.Context, s *settings, more func(database, *lifecycle.Keeper)) (err error) {
	db, err := s.connect(ctx, false)
	if err != nil {
		p.failed("connection", err, "")
		return nil
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	p.add(checkup{Check: "connection", OK: true, Text: p.Database})
	p.facts(ctx, db)
	p.keys(ctx, s)
	p.stripe(ctx, s)
	if p.rights(ctx, db) && p.schema(ctx, db) {
		keeper, err := s.keeper(db, db.adoption(), lifecycle.Options{})
		if err != nil {
			return err
		}
		p.look(ctx, s, db, keeper)
		p.adoption(ctx, db)
		more(db, keeper)
	}
	return nil
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
