package lifecycle

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
)

var (
	byTimer = Cleanup{Trigger: curfew.ByTimer, Actor: curfew.Sweeper}
	byQueue = Cleanup{Trigger: curfew.ByQueue, Actor: curfew.Sweeper}
)

// Sweep settles everything that is past its deadline now: sessions, deferred
// payments, money that guards marked. Running it twice, anywhere, at once, is
// harmless.
func (e *Engine) Sweep(ctx context.Context) (curfew.Stats, error) {
	return e.sweep(ctx, &walk{})
}

// SweepOrphans ends the orphans older than the policy's OrphanTTL, though their
// plan may let them wait longer.
func (e *Engine) SweepOrphans(ctx context.Context) (curfew.Stats, error) {
	return e.sweep(ctx, &walk{search: curfew.Search{OrphanTTL: e.policy.OrphanTTL}})
}

// sweep walks through what is due. Only when there is something does it begin a
// run, so that a quiet night leaves no rows.
func (e *Engine) sweep(ctx context.Context, w *walk) (curfew.Stats, error) {
	if err := e.stopping(); err != nil {
		return curfew.Stats{}, err
	}
	items, err := e.firstDue(ctx, w)
	if err != nil {
		return curfew.Stats{}, fmt.Errorf("sweep: %w", err)
	}
	var stats curfew.Stats
	if len(items) > 0 {
		ctx, end := e.trace.Begin(ctx, "sweep")
		defer end()
		run, err := e.run(ctx, byTimer, func(run *cleaning) error { return e.walk(ctx, run, w, items) })
		if err != nil && !onlySetApart(err) {
			return run.Stats, err
		}
		stats = run.Stats
	}
	return stats, e.settleRest(ctx)
}

// step is one bounded look, for whoever loads the queue: one page, no paging.
func (e *Engine) step(ctx context.Context, after curfew.Cursor) error {
	if e.queueRead.Swap(false) {
		if err := e.store.BeatQueue(ctx); err != nil {
			return fmt.Errorf("note a look at the queue: %w", err)
		}
	}
	if err := e.readQuarantine(ctx); err != nil {
		return err
	}
	page, err := e.store.Find(ctx, curfew.Search{Limit: pageSize, After: after})
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	items, err := e.items(ctx, page, byQueue)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	if len(items) > 0 {
		_, err = e.run(ctx, byQueue, func(run *cleaning) error {
			_, err := e.carryOut(ctx, run, items, 0)
			return err
		})
		if err != nil && !onlySetApart(err) {
			return err
		}
	}
	return e.settleRest(ctx)
}

// settleRest settles what is due beside sessions: money that guards marked,
// deferrals past their time, and deferred payments whose slot is free.
func (e *Engine) settleRest(ctx context.Context) error {
	if err := e.settleMoney(ctx, ""); err != nil {
		return err
	}
	return e.serveAll(ctx)
}

// nudge asks Run for one step; it never waits.
func (e *Engine) nudge() {
	select {
	case e.nudges <- struct{}{}:
	default:
	}
}
