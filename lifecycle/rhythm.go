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

// Sweeper settles what is due in the background.
type Sweeper struct {
	reporter
	rules      *Rules
	quarantine *quarantine
	cleanups   *Cleanups
	wakeup     *wakeup
	sweeping   *sweeping
	sweeps     bool // its timer is on
	stop       stopSignal
	beside     []func(context.Context) // what else Run does, until its context ends
	store      interface {
		DeadlineStore
		HeartbeatStore
	}
}

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
func (sw *Sweeper) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	for _, job := range sw.beside {
		beside.Go(func() { job(ctx) })
	}
	if sw.sweeps {
		sw.sweeping.begin()
		defer sw.sweeping.end()
	}
	var r rhythm
	sw.wakeup.timer.set(0)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var nudges <-chan struct{}
		if time.Since(r.stepped) >= nudgeEvery {
			nudges = sw.wakeup.steps
		}
		select {
		case <-ctx.Done():
			return nil
		case <-nudges:
			r.stepped = time.Now()
			sw.logged(ctx, "step", sw.step(ctx, r.from()))
		case <-sw.wakeup.timer.earlier: // sooner than the timer
		case <-timer.C:
			if sw.sweeps && sw.wakeup.timer.left() == 0 {
				sw.wakeup.timer.set(sw.pass(ctx, &r))
			}
		}
		timer.Reset(sw.pause(r))
	}
}

// pause is how long Run may sleep: until its next pass, or until the next nudge
// may be followed.
func (sw *Sweeper) pause(r rhythm) time.Duration {
	pause := MaxSleep
	if sw.sweeps {
		pause = sw.wakeup.timer.left()
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
func (sw *Sweeper) pass(ctx context.Context, r *rhythm) time.Duration {
	w := &walk{gentle: true}
	if past := sw.wakeup.timer.reset(); past || !time.Now().Before(r.wide) {
		r.wide = time.Now().Add(MaxSleep)
	} else {
		w.search.After = r.from()
	}
	if err := sw.passOnce(ctx, r, w); err != nil {
		sw.logged(ctx, "sweep", err)
		r.wide = time.Time{}
		return heldSleep
	}
	sw.sweeping.note()
	r.seen, r.late = r.now, max(r.late, w.late)
	if again := time.Now().Add(heldSleep); w.held > 0 && again.Before(r.wide) {
		r.wide = again
	}
	return sw.sleep(ctx, r)
}

func (sw *Sweeper) passOnce(ctx context.Context, r *rhythm, w *walk) error {
	if w.search.After == (curfew.Cursor{}) { // a wide look
		if err := sw.quarantine.read(ctx); err != nil {
			return err
		}
	}
	if _, err := sw.sweep(ctx, w); err != nil {
		return err
	}
	if time.Since(r.orphans) >= orphanEvery {
		r.orphans = time.Now()
		if _, err := sw.SweepOrphans(ctx); err != nil {
			return err
		}
		if err := sw.cleanups.freeLeaked(ctx); err != nil {
			return err
		}
	}
	if time.Since(r.tidied) >= tidyEvery {
		r.tidied = time.Now()
		if err := sw.store.Tidy(ctx, sw.rules.policy.BlockedWindow); err != nil {
			return err
		}
	}
	return sw.beat(ctx, r)
}

// beat is the sign of life, at most once a second.
func (sw *Sweeper) beat(ctx context.Context, r *rhythm) error {
	if time.Since(r.beaten) < beatEvery {
		return nil
	}
	late := r.late
	r.beaten, r.late = time.Now(), 0
	return sw.store.BeatSweep(ctx, late)
}

// sleep is until the next deadline that no sweep has seen pass, but never past
// the next wide look.
func (sw *Sweeper) sleep(ctx context.Context, r *rhythm) time.Duration {
	at, now, err := sw.store.NextDeadline(ctx, r.seen)
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

func (rp reporter) logged(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrStopped) {
		rp.log.ErrorContext(ctx, "[periodic-cleanup] A "+what+" failed; the next one tries again", "error", err)
	}
}

// Wake takes a notification of another process on the same database: Run looks
// then, at once if in is not positive. It does not block.
func (sw *Sweeper) Wake(in time.Duration) { sw.wakeup.timer.set(in) }
