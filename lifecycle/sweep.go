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
func (sw *Sweeper) Sweep(ctx context.Context) (curfew.Stats, error) {
	return sw.sweep(ctx, &walk{})
}

// SweepOrphans ends the orphans older than the policy's OrphanTTL, though their
// plan may let them wait longer.
func (sw *Sweeper) SweepOrphans(ctx context.Context) (curfew.Stats, error) {
	return sw.sweep(ctx, &walk{search: curfew.Search{OrphanTTL: sw.rules.policy.OrphanTTL}})
}

// sweep walks through what is due. Only when there is something does it begin a
// run, so that a quiet night leaves no rows.
func (sw *Sweeper) sweep(ctx context.Context, w *walk) (curfew.Stats, error) {
	if err := sw.stop.err(); err != nil {
		return curfew.Stats{}, err
	}
	items, err := sw.firstDue(ctx, w)
	if err != nil {
		return curfew.Stats{}, fmt.Errorf("sweep: %w", err)
	}
	var stats curfew.Stats
	if len(items) > 0 {
		ctx, end := sw.trace.Begin(ctx, "sweep")
		defer end()
		run, err := sw.cleanups.run(ctx, byTimer, func(run *cleaning) error { return sw.walk(ctx, run, w, items) })
		if err != nil && !onlySetApart(err) {
			return run.Stats, err
		}
		stats = run.Stats
	}
	return stats, sw.cleanups.settleRest(ctx)
}

// step is one bounded look, for whoever loads the queue: one page, no paging.
func (sw *Sweeper) step(ctx context.Context, after curfew.Cursor) error {
	if sw.wakeup.queueRead.Swap(false) {
		if err := sw.store.BeatQueue(ctx); err != nil {
			return fmt.Errorf("note a look at the queue: %w", err)
		}
	}
	if err := sw.quarantine.read(ctx); err != nil {
		return err
	}
	page, err := sw.store.Find(ctx, curfew.Search{Limit: pageSize, After: after})
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	items, err := sw.cleanups.items(ctx, page, byQueue)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	if len(items) > 0 {
		_, err = sw.cleanups.run(ctx, byQueue, func(run *cleaning) error {
			_, err := sw.cleanups.carryOut(ctx, run, items, 0)
			return err
		})
		if err != nil && !onlySetApart(err) {
			return err
		}
	}
	return sw.cleanups.settleRest(ctx)
}

// settleRest settles what is due beside sessions: money that guards marked,
// deferrals past their time, and deferred payments whose slot is free.
func (cl *Cleanups) settleRest(ctx context.Context) error {
	if err := cl.settler.settleMoney(ctx, ""); err != nil {
		return err
	}
	return cl.admission.serveAll(ctx)
}
