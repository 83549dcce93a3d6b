package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// schedule is when Run last did each of its jobs.
type schedule struct {
	paged, recorded, watched, orphans, tidied, credits time.Time

	credit curfew.Cursor // where the next page of credits begins; zero: all were looked at
	wide   time.Time     // when the next sweep must look at everything
	// seen is the store's time before the last complete sweep: what was past its deadline
	// then has been settled, or was held. Zero: there was none.
	seen time.Time
	now  time.Time     // the store's, as last read
	late time.Duration // the worst since the last heartbeat
}

func (sw *Sweeper) runOnce(ctx context.Context, r *schedule, w *sweepPages) error {
	if w.search.After == (curfew.Cursor{}) { // everything
		if err := sw.quarantine.read(ctx); err != nil {
			return err
		}
	}
	if _, err := sw.sweep(ctx, w); err != nil {
		return err
	}
	for _, job := range []struct {
		last  *time.Time
		every time.Duration
		do    func(context.Context) error
	}{
		{&r.watched, watchEvery, sw.cleanups.watch},
		{&r.orphans, orphanEvery, sw.sweepOrphans},
		{&r.tidied, tidyEvery, sw.tidy},
	} {
		if time.Since(*job.last) < job.every {
			continue
		}
		*job.last = time.Now()
		if err := job.do(ctx); err != nil {
			return err
		}
	}
	if err := sw.sweepCredits(ctx, r); err != nil {
		return err
	}
	return sw.recordSweep(ctx, r)
}

func (sw *Sweeper) sweepOrphans(ctx context.Context) error {
	if _, err := sw.SweepOrphans(ctx); err != nil {
		return err
	}
	return sw.cleanups.freeLeaked(ctx)
}

func (sw *Sweeper) tidy(ctx context.Context) error {
	return sw.store.Tidy(ctx, sw.rules.policy.BlockedWindow)
}

// recordSweep writes the heartbeat, at most once a second.
func (sw *Sweeper) recordSweep(ctx context.Context, r *schedule) error {
	if time.Since(r.recorded) < recordEvery {
		return nil
	}
	late := r.late
	r.recorded, r.late = time.Now(), 0
	return sw.store.RecordSweep(ctx, late)
}

// sleep is the time until the next deadline that no sweep has seen pass, but never past
// the next sweep of everything.
func (sw *Sweeper) sleep(ctx context.Context, r *schedule) time.Duration {
	sources, err := sw.rules.enforced(ctx)
	sw.logged(ctx, "look at the next deadline", err)
	at, now, err := sw.store.NextDeadline(ctx, r.seen, sources)
	if err != nil {
		sw.logged(ctx, "look at the next deadline", err)
		return heldSleep
	}
	r.now = now
	most := max(time.Until(r.wide), 0)
	if at.IsZero() {
		return most
	}
	return min(max(at.Sub(now), minSleep), most)
}
