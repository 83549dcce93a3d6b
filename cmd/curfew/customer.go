package main

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// customerCommand handles requests of customers about their data.
type customerCommand struct {
	Export exportCustomer `cmd:"" help:"Print everything that is held of a customer, as JSON."`
	Erase  eraseCustomer  `cmd:"" help:"Preview the erasure of a customer's personal data; with --preview, carry it out. History and books stay."`
}

type exportCustomer struct {
	Customer string `arg:"" help:"The customer's id."`
}

// Run prints everything that is held about a customer.
func (c *exportCustomer) Run(ctx context.Context, s *settings, term terminal) error {
	if err := curfew.CheckID("customer id", c.Customer); err != nil {
		return usageError{err}
	}
	return s.withDatabase(ctx, func(db database) error {
		about(ctx, c.Customer, "", "")
		e, err := privacy.Service{Store: db}.Export(ctx, c.Customer)
		if err != nil {
			return asUsage(err)
		}
		return term.json(wire.ExportOf(e, time.Now()))
	})
}

type eraseCustomer struct {
	Customer  string `arg:"" help:"The customer's id."`
	Pseudonym bool   `help:"Replace the id, too, everywhere: it is personal itself, as an e-mail address is."`
	Preview   string `placeholder:"ID" help:"Carry out exactly this preview. It needs --preview-version and --reason."`
	Version   *int64 `name:"preview-version" placeholder:"N" help:"The preview's version."`
	Reason    string `placeholder:"TEXT" help:"Why; it is kept, so it should name nobody."`
	JSON      bool   `help:"Print JSON, like POST /api/customers/ID/erase."`
}

// Run previews an erasure, or carries one out.
func (c *eraseCustomer) Run(ctx context.Context, s *settings, term terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	return s.withDatabase(ctx, func(db database) error {
		service := privacy.Service{Store: db}
		if c.Preview == "" {
			about(ctx, c.Customer, "", "preview")
			p, err := service.Preview(ctx, operator(), c.Customer, c.Pseudonym)
			if err != nil {
				return asUsage(err)
			}
			return c.printPlan(term, p)
		}
		asked, err := approval.Desk{Store: db, Rules: s.twoPersons()}.EraseCustomer(ctx, operator(), c.Customer,
			approval.Call{Reason: c.Reason, PreviewID: c.Preview, Version: *c.Version})
		if err != nil || asked != nil {
			return printAsked(ctx, term, asked, err)
		}
		e, err := service.Erase(ctx, operator(), c.Customer, record.Erasure{ID: c.Preview, Version: *c.Version, Reason: c.Reason})
		if err != nil {
			return asUsage(err)
		}
		about(ctx, e.CustomerID, "", "") // what was erased is not named again
		if c.JSON {
			return term.json(wire.Erasure(e, nil))
		}
		term.printf("Erased. The customer is %s.\n", e.CustomerID)
		return nil
	})
}

func (c *eraseCustomer) check() error {
	if err := curfew.CheckID("customer id", c.Customer); err != nil {
		return usageError{err}
	}
	switch {
	case c.Preview == "" && c.Version != nil:
		return usagef("--preview-version goes with --preview")
	case c.Preview == "":
		return nil
	case c.Pseudonym:
		return usagef("the preview says whether the id is replaced: leave out --pseudonym")
	case c.Version == nil || c.Reason == "":
		return usagef("--preview needs --preview-version and --reason")
	}
	return nil
}

func (c *eraseCustomer) printPlan(term terminal, p privacy.Plan) error {
	if c.JSON {
		return term.json(wire.Erasure(p.Erasure, p.Obstacles))
	}
	for _, list := range []struct {
		title string
		parts []privacy.Part
	}{{"Goes:", privacy.Goes(p.Erasure)}, {"Stays:", privacy.Stays(p.Erasure)}} {
		term.printf("%s\n", list.title)
		for _, part := range list.parts {
			term.printf("  %6d  %s\n", part.Rows, part.What)
		}
	}
	if len(p.Obstacles) > 0 {
		term.printf("\nNot now:\n")
		for _, o := range p.Obstacles {
			term.printf("  %s\n", o)
		}
		return nil
	}
	term.printf("\nTo carry it out within a day:\n  curfew customer erase %s --preview %s --preview-version %d --reason TEXT\n", wire.ShellQuote(c.Customer), p.ID, p.Version)
	return nil
}
