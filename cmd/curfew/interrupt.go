package main

import (
	"context"
	"os/signal"

	"github.com/curfewhq/curfew/lifecycle"
)

// untilInterrupt is closed by the first signal that asks for the end, so that
// long work stops between two steps and says how far it came; a second one ends
// the process at once.
func untilInterrupt(ctx context.Context, term terminal) (stop <-chan struct{}, release func()) {
	signalled, restore := signal.NotifyContext(ctx, endSignals()...)
	silent := context.AfterFunc(signalled, func() {
		restore()
		if ctx.Err() == nil {
			term.notef("curfew: stopping after the step at hand; once more ends it at once\n")
		}
	})
	return signalled.Done(), func() { silent(); restore() }
}

// printLeft says what a stopped cleanup has left, and how it goes on.
func (c *cleanupCommand) printLeft(ctx context.Context, term terminal, engine *lifecycle.Keeper, cleanup lifecycle.Cleanup, ended, drifted int) {
	p, err := engine.Cleanups.Preview(ctx, cleanup)
	left := len(p.Items)
	if c.Preview != "" {
		p, err = engine.Cleanups.StoredPreview(ctx, c.Preview)
		left = len(p.Items) - ended - drifted
	}
	switch {
	case err != nil: // the run says what was done
	case p.Truncated:
		term.notef("More than %s left: the same command goes on.\n", plural(left, "session"))
	default:
		term.notef("%s left: the same command goes on.\n", plural(left, "session"))
	}
}
