package main

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// exitBlocked is the exit code of check for a blocked customer.
const exitBlocked = exitCode(3)

type checkCommand struct {
	Customer string `arg:"" help:"The customer's id."`
	JSON     bool   `help:"Print JSON, like GET /api/customers/{id}/session-status."`
}

// Run prints what blocks a customer. An overdue session does not block.
func (c *checkCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if err := curfew.CheckID("customer id", c.Customer); err != nil {
		return usageError{err}
	}
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		about(ctx, c.Customer, "", "")
		blocker, err := keeper.Sessions.CheckCustomerSessionStatus(ctx, c.Customer)
		if err != nil {
			return asUsage(err)
		}
		credits, err := keeper.Checkouts.Credits(ctx, c.Customer)
		if err != nil {
			return err
		}
		if err := c.print(term, blocker, credits); err != nil {
			return err
		}
		if blocker != nil {
			return exitBlocked
		}
		return nil
	})
}

func (c *checkCommand) print(term terminal, b *curfew.Blocker, credits []record.Credit) error {
	if c.JSON {
		return term.json(wire.SessionStatus(b, credits))
	}
	if b == nil {
		term.printf("%s is not blocked.\n", c.Customer)
	} else {
		c.printBlocker(term, b)
	}
	printCredits(term, credits)
	return nil
}

func (c *checkCommand) printBlocker(term terminal, b *curfew.Blocker) {
	now := time.Now()
	term.printf("%s is blocked.\n\n", c.Customer)
	free := moment(b.ReleasesAt, now)
	if b.ReleasesAt.IsZero() {
		free = "once it ends"
	}
	columns(term.out,
		[]string{"session", b.Session.ID},
		[]string{"status", sessionState(b.Session)},
		[]string{"since", moment(b.Session.CreatedAt, now)},
		[]string{"free by itself", free},
		[]string{"what can be done", strings.Join(b.Actions, ", ")},
	)
	if b.Why != "" {
		term.printf("\nCurfew does not end it: %s.\n", b.Why)
	}
	term.printf("\n")
	for _, action := range b.Actions {
		term.printf("%s: %s\n", action, consequence(action))
	}
}

func printCredits(term terminal, credits []record.Credit) {
	if len(credits) == 0 {
		return
	}
	now := time.Now()
	rows := [][]string{{"CREDIT", "PLAN", "PAID", "SINCE", "ENDS", "NOT NOW, BECAUSE"}}
	for _, c := range credits {
		rows = append(rows, []string{c.ID, c.Plan, curfew.Amount(c.Amount, c.Currency), moment(c.UpdatedAt, now), moment(c.Ends, now), c.Why})
	}
	term.printf("\n")
	columns(term.out, rows...)
}

// consequence describes an action of a refusal in the words of explain and the pages.
func consequence(action string) string {
	if said := lifecycle.Describe(lifecycle.ActionName(action)); said != "" {
		return said
	}
	return "Changes nothing; the slot becomes free by itself at the moment above, or before."
}
