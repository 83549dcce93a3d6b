package main

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

type acknowledgeCommand struct {
	Code     string        `arg:"" help:"The finding's code, as health --json prints it."`
	Reason   string        `placeholder:"TEXT" help:"Why it is left as it is; shown to operators."`
	Until    time.Time     `placeholder:"TIME" help:"When it counts again, like 2026-12-24T08:00:00Z; at most 90 days ahead."`
	For      time.Duration `placeholder:"DURATION" help:"For how long, instead of --until, like 168h."`
	Withdraw bool          `help:"Let it count again now."`
}

// Run acknowledges a finding, or withdraws an acknowledgment.
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
		return usagef("--withdraw takes no --reason, --for or --until")
	case c.Withdraw:
		return nil
	case c.Reason == "":
		return usagef("missing --reason: others need to know why it is left as it is")
	case (c.For != 0) == !c.Until.IsZero():
		return usagef("give either --for or --until")
	case c.For < 0:
		return usagef("--for must not be negative")
	}
	return nil
}
