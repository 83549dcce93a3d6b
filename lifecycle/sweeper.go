package lifecycle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The sweeper's schedule.
const (
	// maxSleep is how long the sweeper sleeps at most. It catches deadlines that the
	// sweeper was not notified of, and is the period of its heartbeat.
	maxSleep = 5 * time.Second
	// minSleep lets deadlines that are close together share a sweep.
	minSleep = 5 * time.Millisecond
	// heldSleep is how soon it comes back to rows that somebody held, and after an
	// error.
	heldSleep   = time.Second
	recordEvery = time.Second
	orphanEvery = time.Minute
	tidyEvery   = time.Hour
	pageEvery   = time.Second
	// slack is how far a sweep looks back before the point that the previous one has
	// settled. A transaction may commit that late without waiting for maxSleep.
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
	payments   *paymentWorker
	turn       sync.Mutex // one at a time sweeps: CatchUp returns after what the other has begun
	store      interface {
		deadlineStore
		heartbeatStore
	}
}

// Run sweeps until the context ends. It sleeps until the next deadline in the database,
// at most maxSleep, and wakes sooner for deadlines that this keeper sets and for
// notifications of others. When the queue was read it sweeps one page, at most once a
// second. Beside that, the process checks every five seconds whether it can write, for
// Ready and Health, and with a provider it settles refunds and reconciles. With the
// sweeper off, only the sweeping by the timer is missing. Run returns nil. Failures are
// logged, and a sweeper that fails for long is a finding of Health.
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
	var r schedule
	sw.wakeup.timer.set(0)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var pages <-chan struct{}
		if time.Since(r.paged) >= pageEvery {
			pages = sw.wakeup.pages
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pages:
			r.paged = time.Now()
			sw.logged(ctx, "step", sw.inTurn(func() error { return sw.sweepPage(ctx, r.from()) }))
		case <-sw.wakeup.timer.earlier: // sooner than the timer
		case <-timer.C:
			if sw.sweeps && sw.wakeup.timer.left() == 0 {
				sw.wakeup.timer.set(sw.timed(ctx, &r))
			}
		}
		timer.Reset(sw.pause(r))
	}
}

// pause is how long Run may sleep: until the next sweep, or until it may sweep a page for
// the queue again.
func (sw *Sweeper) pause(r schedule) time.Duration {
	pause := maxSleep
	if sw.sweeps {
		pause = sw.wakeup.timer.left()
	}
	if again := time.Until(r.paged.Add(pageEvery)); again > 0 {
		pause = min(pause, again)
	}
	return pause
}

// from is where a sweep begins that need not look at everything. Before that point the
// index is full of entries of ended sessions until the database has vacuumed it, and a
// sweep of everything reads them all (decision 7).
func (r *schedule) from() curfew.Cursor {
	if r.seen.IsZero() {
		return curfew.Cursor{}
	}
	return curfew.Cursor{At: r.seen.Add(-slack)}
}

// timed makes one sweep, with the slower jobs and the heartbeat that are due. It returns
// how long to sleep.
func (sw *Sweeper) timed(ctx context.Context, r *schedule) time.Duration {
	w := &sweepPages{throttled: true}
	if past := sw.wakeup.timer.reset(); past || !time.Now().Before(r.wide) {
		r.wide = time.Now().Add(maxSleep)
	} else {
		w.search.After = r.from()
	}
	if err := sw.inTurn(func() error { return sw.runOnce(ctx, r, w) }); err != nil {
		sw.logged(ctx, "sweep", err)
		r.wide = time.Time{}
		return heldSleep
	}
	sw.sweeping.note()
	if again, err := sw.sweepAdopted(ctx, w); err != nil || again {
		sw.logged(ctx, "sweep the adopted tables", err)
		r.wide = time.Now().Add(heldSleep)
	}
	r.seen, r.late = r.now, max(r.late, w.late)
	if again := time.Now().Add(heldSleep); w.held > 0 && again.Before(r.wide) {
		r.wide = again
	}
	return sw.sleep(ctx, r)
}

// Wake handles a notification of another process on the same database: Run sweeps after
// that time, or at once if it is not positive. It does not block.
func (sw *Sweeper) Wake(in time.Duration) { sw.wakeup.timer.set(in) }

var (
	byTimer = Cleanup{Trigger: curfew.ByTimer, Actor: curfew.Sweeper}
	byQueue = Cleanup{Trigger: curfew.ByQueue, Actor: curfew.Sweeper}
)

// Sweep settles everything that is past its deadline now: sessions, deferred payments,
// and money that guards marked; then what Curfew may end of adopted tables. Concurrent
// sweeps, in any process, are harmless. Errors: Unavailable; the stats count what was
// committed.
func (sw *Sweeper) Sweep(ctx context.Context) (curfew.Stats, error) {
	w := &sweepPages{}
	stats, err := sw.sweep(ctx, w)
	if err == nil {
		_, err = sw.sweepAdopted(ctx, w)
		stats.Add(w.adopted)
	}
	return stats, err
}

// SweepOrphans ends orphans older than the policy's OrphanTTL, even if their plan lets
// them wait longer.
func (sw *Sweeper) SweepOrphans(ctx context.Context) (curfew.Stats, error) {
	return sw.sweep(ctx, &sweepPages{search: record.Search{OrphanTTL: sw.rules.policy.OrphanTTL}})
}

// sweep settles what is due of Curfew's own, and then its payments.
func (sw *Sweeper) sweep(ctx context.Context, w *sweepPages) (curfew.Stats, error) {
	stats, err := sw.sweepSource(ctx, w)
	if err == nil {
		err = sw.cleanups.settlePayments(ctx)
	}
	return stats, err
}

// sweepSource settles what is due of one source, page by page. It begins a run only if there
// is something to do, so that a quiet night leaves no rows.
func (sw *Sweeper) sweepSource(ctx context.Context, w *sweepPages) (curfew.Stats, error) {
	if err := sw.stop.err(); err != nil {
		return curfew.Stats{}, err
	}
	w.start = w.search.After
	planned, err := sw.firstDue(ctx, w)
	if err != nil {
		return curfew.Stats{}, fmt.Errorf("sweep: %w", err)
	}
	if len(planned) == 0 {
		return curfew.Stats{}, nil
	}
	ctx, end := sw.trace.Begin(ctx, "sweep")
	defer end()
	run, err := sw.cleanups.run(ctx, byTimer, func(run *cleaning) error { return sw.settlePages(ctx, run, w, planned) })
	if onlySetApart(err) {
		err = nil
	}
	return run.Stats, err
}

// sweepPage settles one page of what is due, after the queue was read.
func (sw *Sweeper) sweepPage(ctx context.Context, after curfew.Cursor) error {
	if sw.wakeup.queueRead.Swap(false) {
		if err := sw.store.RecordQueueRead(ctx); err != nil {
			return fmt.Errorf("note a look at the queue: %w", err)
		}
	}
	if err := sw.quarantine.read(ctx); err != nil {
		return err
	}
	if err := sw.settlePage(ctx, record.Search{Limit: pageSize, After: after}); err != nil {
		return err
	}
	if err := sw.cleanups.settlePayments(ctx); err != nil {
		return err
	}
	return sw.settleAdoptedPages(ctx, after)
}

func (sw *Sweeper) settlePage(ctx context.Context, search record.Search) error {
	page, err := sw.store.Find(ctx, search)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	planned, err := sw.cleanups.plan(ctx, page, byQueue)
	if err != nil {
		return fmt.Errorf("step: %w", err)
	}
	if len(planned) == 0 {
		return nil
	}
	_, err = sw.cleanups.run(ctx, byQueue, func(run *cleaning) error {
		_, err := sw.cleanups.carryOut(ctx, run, planned, 0)
		return err
	})
	if onlySetApart(err) {
		return nil
	}
	return err
}
