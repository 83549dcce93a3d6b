package main

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type mechanicCommand struct {
	Mechanic string `arg:"" help:"The mechanic's id."`
	JSON     bool   `help:"Print JSON, like GET /api/mechanics/{id}."`
}

// Run prints what keeps a mechanic busy, and how often they did not come.
func (c *mechanicCommand) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		busy, forgotten, err := keeper.Queue.Mechanic(ctx, c.Mechanic)
		if err != nil {
			return asUsage(err)
		}
		if c.JSON {
			return term.json(wire.Mechanic(operator(), c.Mechanic, busy, forgotten))
		}
		c.print(term, busy, forgotten)
		return nil
	})
}

func (c *mechanicCommand) print(term terminal, busy *curfew.Snapshot, forgotten record.Absences) {
	now := time.Now()
	if busy == nil {
		term.printf("%s is not busy.\n\n", c.Mechanic)
	} else {
		term.printf("%s is busy with session %s (%s), accepted %s.\n\n", c.Mechanic, busy.ID, busy.Status, moment(busy.AcceptedAt, now))
	}
	rows := [][]string{{"accepted and did not come", fmt.Sprint(forgotten.Total)}, {"of those in the last 30 days", fmt.Sprint(forgotten.Lately)}}
	if !forgotten.Last.IsZero() {
		rows = append(rows, []string{"the last time", moment(forgotten.Last, now)})
	}
	columns(term.out, rows...)
}

type prolongCommand struct {
	Session string        `arg:"" help:"The session's id."`
	By      time.Duration `required:"" placeholder:"DURATION" help:"How much later it ends by itself, like 15m; at most 24h."`
	Reason  string        `required:"" placeholder:"TEXT" help:"Kept in the session's history."`
}

// Run moves a session's deadline.
func (c *prolongCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if err := curfew.CheckText("--reason", c.Reason); err != nil {
		return usageError{err}
	}
	id := wire.CanonicalID(c.Session)
	if id == "" {
		return usagef("%q is no session's id: curfew explain CUSTOMER shows it", c.Session)
	}
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		prolonged, err := keeper.Sessions.Prolong(ctx, operator(), id, c.By, c.Reason)
		if err != nil {
			return asUsage(err)
		}
		term.printf("Session %s (%s) ends by itself %s now.\n", prolonged.ID, sessionState(prolonged.Session), moment(prolonged.ExpiresAt, time.Now()))
		return nil
	})
}
