package main

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

type acknowledgeCommand struct {
	Code     string        `arg:"" help:"The finding's code, as health --json tells it."`
	Reason   string        `placeholder:"TEXT" help:"Why it is left as it is; operators see it."`
	Until    time.Time     `placeholder:"TIME" help:"When it counts again, as 2026-12-24T08:00:00Z; at most 90 days ahead."`
	For      time.Duration `placeholder:"DURATION" help:"For how long, instead of --until: 168h."`
	Withdraw bool          `help:"Let it count again now."`
}

// Run keeps that a finding is known, or takes that back.
func (c *acknowledgeCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if err := c.check(); err != nil {
		return err
	}
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		code := lifecycle.Code(c.Code)
		if c.Withdraw {
			if err := keeper.Health.WithdrawAcknowledgement(ctx, code); err != nil {
				return err
			}
			term.printf("%s counts again.\n", c.Code)
			return nil
		}
		until := c.Until
		if c.For > 0 {
			until = time.Now().Add(c.For)
		}
		a, err := keeper.Health.Acknowledge(ctx, operator(), code, c.Reason, until)
		if err != nil {
			return asUsage(err)
		}
		term.printf("%s is acknowledged until %s. It counts again then, or once it becomes worse.\n", a.Code, a.Until.Format(time.RFC3339))
		return nil
	})
}

func (c *acknowledgeCommand) check() error {
	switch {
	case c.Withdraw && (c.Reason != "" || c.For != 0 || !c.Until.IsZero()):
		return usagef("--withdraw goes without --reason, --for and --until")
	case c.Withdraw:
		return nil
	case c.Reason == "":
		return usagef("missing --reason: others have to know why it is left")
	case (c.For != 0) == !c.Until.IsZero():
		return usagef("name its end by --for or by --until, and not by both")
	case c.For < 0:
		return usagef("--for must not be negative")
	}
	return nil
}
