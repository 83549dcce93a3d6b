package lifecycle

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// The sweeper's rhythm.
const (
	// MaxSleep is how long the sweeper sleeps at most: it is a net for deadlines
	// it was not told of, and the period of its sign of life.
	MaxSleep = 5 * time.Second
	// minSleep lets deadlines that lie close together share a sweep.
	minSleep = 5 * time.Millisecond
	// heldSleep is how soon it comes back to what somebody held, and after an
	// error.
	heldSleep   = time.Second
	beatEvery   = time.Second
	orphanEvery = time.Minute
	tidyEvery   = time.Hour
	nudgeEvery  = time.Second
	// slack is how far a sweep looks back behind what the one before it has
	// settled: so late a transaction may commit without waiting for the net.
	slack = time.Second
)

// rhythm is when Run did what, and does it again.
type rhythm struct {
	stepped, beaten, orphans, tidied time.Time
	wide                             time.Time // when the next sweep is to look at everything
	// seen is the store's time before the last complete sweep: what was past its
	// deadline then is settled, or was held. Zero: there was none.
	seen time.Time
	now  time.Time     // the store's, as last told
	late time.Duration // the most since the last sign of life
}

// Run sweeps until the context ends: it sleeps until the next deadline the
// database knows, at most MaxSleep, wakes for what this engine and the hints of
// others bring sooner, and takes a step when the queue was read, at most once a
// second. Beside it this process tries every five seconds whether it can write,
// for Ready and Health, and refunds are settled and the books compared where
// there is a provider. With the sweeper off only that and the steps remain. It returns
// nil; failures are logged, and their silence is a finding of Health.
func (e *Engine) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { e.checkRows(ctx) })
	beside.Go(func() { e.runHeartbeat(ctx) })
	if e.provider != nil {
		beside.Go(func() { e.settlePayments(ctx) })
	}
	if e.sweeps {
		e.sweeping.begin()
		defer e.sweeping.end()
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
			e.logged(ctx, "step", e.step(ctx, r.from()))
		case <-e.alarm.rings: // sooner than the timer
		case <-timer.C:
			if e.sweeps && e.alarm.left() == 0 {
				e.alarm.set(e.pass(ctx, &r))
			}
		}
		timer.Reset(e.pause(r))
	}
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

// from is where a look begins that need not be wide. Behind it the index is
// full of entries of what has ended, until the database has cleaned up: a look
// at everything reads them all (decision 7).
func (r *rhythm) from() curfew.Cursor {
	if r.seen.IsZero() {
		return curfew.Cursor{}
	}
	return curfew.Cursor{At: r.seen.Add(-slack)}
}

// pass is one sweep, with what else is due at a slower pace and the sign of
// life; it returns how long to sleep.
func (e *Engine) pass(ctx context.Context, r *rhythm) time.Duration {
	w := &walk{gentle: true}
	if past := e.alarm.off(); past || !time.Now().Before(r.wide) {
		r.wide = time.Now().Add(MaxSleep)
	} else {
		w.search.After = r.from()
	}
	if err := e.passOnce(ctx, r, w); err != nil {
		e.logged(ctx, "sweep", err)
		r.wide = time.Time{}
		return heldSleep
	}
	e.sweeping.note()
	r.seen, r.late = r.now, max(r.late, w.late)
	if again := time.Now().Add(heldSleep); w.held > 0 && again.Before(r.wide) {
		r.wide = again
	}
	return e.sleep(ctx, r)
}

func (e *Engine) passOnce(ctx context.Context, r *rhythm, w *walk) error {
	if w.search.After == (curfew.Cursor{}) { // a wide look
		if err := e.readQuarantine(ctx); err != nil {
			return err
		}
	}
	if _, err := e.sweep(ctx, w); err != nil {
		return err
	}
	if time.Since(r.orphans) >= orphanEvery {
		r.orphans = time.Now()
		if _, err := e.SweepOrphans(ctx); err != nil {
			return err
		}
		if err := e.freeLeaked(ctx); err != nil {
			return err
		}
	}
	if time.Since(r.tidied) >= tidyEvery {
		r.tidied = time.Now()
		if err := e.store.Tidy(ctx, e.policy.BlockedWindow); err != nil {
			return err
		}
	}
	return e.beat(ctx, r)
}

// beat is the sign of life, at most once a second.
func (e *Engine) beat(ctx context.Context, r *rhythm) error {
	if time.Since(r.beaten) < beatEvery {
		return nil
	}
	late := r.late
	r.beaten, r.late = time.Now(), 0
	return e.store.BeatSweep(ctx, late)
}

// sleep is until the next deadline that no sweep has seen pass, but never past
// the next wide look.
func (e *Engine) sleep(ctx context.Context, r *rhythm) time.Duration {
	at, now, err := e.store.NextDeadline(ctx, r.seen)
	if err != nil {
		e.logged(ctx, "look at the next deadline", err)
		return heldSleep
	}
	r.now = now
	most := max(time.Until(r.wide), 0)
	if at.IsZero() {
		return most
	}
	return min(max(at.Sub(now), minSleep), most)
}

func (e *Engine) logged(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrStopped) {
		e.log.ErrorContext(ctx, "[periodic-cleanup] A "+what+" failed; the next one tries again", "error", err)
	}
}
