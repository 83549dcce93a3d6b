package lifecycle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// The sweeper's rhythm.
const (
	// MaxSleep is how long the sweeper sleeps at most: it is a net for deadlines
	// it was not told of, and the period of its sign of life.
	MaxSleep = 5 * time.Second
	// minSleep keeps it from spinning on what it cannot end: rows that somebody
	// holds, rules that are off.
	minSleep    = 10 * time.Millisecond
	stuckSleep  = time.Second
	orphanEvery = time.Minute
	tidyEvery   = time.Hour
	nudgeEvery  = time.Second
)

var (
	byTimer = Cleanup{Trigger: curfew.ByTimer, Actor: curfew.Sweeper}
	byQueue = Cleanup{Trigger: curfew.ByQueue, Actor: curfew.Sweeper}
)

// Sweep settles everything that is past its deadline now: sessions, deferred
// payments, money that guards marked. Running it twice, anywhere, at once, is
// harmless.
func (e *Engine) Sweep(ctx context.Context) (curfew.Stats, error) {
	return e.sweep(ctx, byTimer, curfew.Search{Limit: pageSize})
}

// SweepOrphans ends the orphans older than the policy's OrphanTTL, though their
// plan may let them wait longer.
func (e *Engine) SweepOrphans(ctx context.Context) (curfew.Stats, error) {
	return e.sweep(ctx, byTimer, curfew.Search{Limit: pageSize, OrphanTTL: e.policy.OrphanTTL})
}

// sweep pages through what is due. Only when there is something does it begin a
// run, so that a quiet night leaves no rows.
func (e *Engine) sweep(ctx context.Context, c Cleanup, search curfew.Search) (curfew.Stats, error) {
	first, err := e.store.Find(ctx, search)
	if err != nil {
		return curfew.Stats{}, fmt.Errorf("sweep: %w", err)
	}
	items, err := e.items(ctx, first, c)
	if err != nil {
		return curfew.Stats{}, fmt.Errorf("sweep: %w", err)
	}
	var stats curfew.Stats
	if len(items) > 0 {
		run, err := e.run(ctx, c, func(run *curfew.Run) error { return e.endAll(ctx, run, c, search) })
		if err != nil {
			return run.Stats, err
		}
		stats = run.Stats
	}
	return stats, e.settleRest(ctx)
}

func (e *Engine) endAll(ctx context.Context, run *curfew.Run, c Cleanup, search curfew.Search) error {
	for page, err := range e.search(ctx, search) {
		if err != nil {
			return err
		}
		if err := e.cleanPage(ctx, run, page, c); err != nil {
			return err
		}
	}
	return nil
}

// step is one bounded look, for whoever loads the queue: one page, no paging.
func (e *Engine) step(ctx context.Context) error {
	if e.queueRead.Swap(false) {
		if err := e.store.BeatQueue(ctx); err != nil {
			return fmt.Errorf("note a look at the queue: %w", err)
		}
	}
	page, err := e.store.Find(ctx, curfew.Search{Limit: pageSize})
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	items, err := e.items(ctx, page, byQueue)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	if len(items) > 0 {
		_, err = e.run(ctx, byQueue, func(run *curfew.Run) error {
			_, err := e.carryOut(ctx, run, items, 0)
			return err
		})
		if err != nil {
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

// Run sweeps until the context ends: it sleeps until the next deadline the
// database knows, at most MaxSleep, and takes a step when the queue was read,
// at most once a second. Beside it, refunds are settled and the books compared
// where there is a provider. With the sweeper off only that and the steps remain. It returns
// nil; failures are logged, and their silence is a finding of Health.
func (e *Engine) Run(ctx context.Context) error {
	var money sync.WaitGroup
	defer money.Wait()
	if e.provider != nil {
		money.Go(func() { e.settlePayments(ctx) })
	}
	var r rhythm
	e.alarm.set(0)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var nudges <-chan struct{}
		if time.Since(r.stepped) >= nudgeEvery {
			nudges = e.nudges
		}
		select {
		case <-ctx.Done():
			return nil
		case <-nudges:
			r.stepped = time.Now()
			e.logged(ctx, "step", e.step(ctx))
		case <-e.alarm.rings:
		case <-timer.C:
			if e.sweeps && e.alarm.left() == 0 {
				e.alarm.off()
				e.alarm.set(e.pass(ctx, &r))
			}
		}
		timer.Reset(e.pause(r))
	}
}

// rhythm is when Run did what.
type rhythm struct {
	stepped, orphans, tidied time.Time
}

// pause is how long Run may sleep: until its next pass, or until the next nudge
// may be followed.
func (e *Engine) pause(r rhythm) time.Duration {
	pause := MaxSleep
	if e.sweeps {
		pause = e.alarm.left()
	}
	if again := time.Until(r.stepped.Add(nudgeEvery)); again > 0 {
		pause = min(pause, again)
	}
	return pause
}

// pass is one sweep, with what else is due at a slower pace and the sign of
// life; it returns how long to sleep.
func (e *Engine) pass(ctx context.Context, r *rhythm) time.Duration {
	late := e.lag(ctx)
	stats, err := e.Sweep(ctx)
	if err == nil && time.Since(r.orphans) >= orphanEvery {
		r.orphans = time.Now()
		_, err = e.SweepOrphans(ctx)
	}
	if err == nil && time.Since(r.tidied) >= tidyEvery {
		r.tidied = time.Now()
		err = e.store.Tidy(ctx, e.policy.BlockedWindow)
	}
	if err == nil {
		err = e.store.BeatSweep(ctx, late)
	}
	e.logged(ctx, "sweep", err)
	if err != nil {
		return stuckSleep
	}
	return e.sleep(ctx, stats)
}

// lag is how late the sweep that begins now is for the earliest deadline.
func (e *Engine) lag(ctx context.Context) time.Duration {
	in, ok, err := e.store.NextDeadline(ctx)
	if err != nil || !ok || in > 0 {
		return 0
	}
	return -in
}

// sleep is until the next deadline. One that has passed though the sweep ended
// nothing is somebody else's for the moment.
func (e *Engine) sleep(ctx context.Context, last curfew.Stats) time.Duration {
	in, ok, err := e.store.NextDeadline(ctx)
	switch {
	case err != nil:
		return stuckSleep
	case !ok:
		return MaxSleep
	case in <= 0 && last.TotalCleaned == 0:
		return stuckSleep
	}
	return min(max(in, minSleep), MaxSleep)
}

func (e *Engine) logged(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		e.log.Error("[periodic-cleanup] A "+what+" failed; the next one tries again", "error", err)
	}
}
