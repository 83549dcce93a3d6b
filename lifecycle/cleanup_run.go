package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Runs lists the runs of cleanups, newest first, after the cursor.
func (cl *Cleanups) Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error) {
	return cl.store.Runs(ctx, after, limit)
}

// run does the work of a cleanup and records it.
func (cl *Cleanups) run(ctx context.Context, c Cleanup, work func(*cleaning) error) (curfew.Run, error) {
	begun := time.Now()
	run, err := cl.recordRun(ctx, curfew.Run{Trigger: c.Trigger, Actor: c.Actor, Reason: c.Reason}, c.Job, func(run *curfew.Run) error {
		cl.logBegin(ctx, c)
		before := run.Stats
		c := &cleaning{Run: run, job: c.Job, total: -1}
		c.did(0)
		err := work(c)
		if err == nil {
			err = c.err()
		}
		cl.observeCleanedSince(before, run.Stats, c.Trigger)
		return err
	})
	cl.observe.RunFinished(c.Trigger, run.Outcome, time.Since(begun))
	if run.StartedAt.IsZero() {
		return run, fmt.Errorf("begin a cleanup: %w", err)
	}
	cl.logEnd(ctx, c, run, err)
	if err != nil {
		return run, fmt.Errorf("cleanup %s: %w", run.ID, err)
	}
	return run, nil
}

// recordRun records a run and renews its lease while it works. A run that could not be
// recorded at its beginning has failed, and has no start.
func (cl *Cleanups) recordRun(ctx context.Context, run curfew.Run, job Job, work func(*curfew.Run) error) (curfew.Run, error) {
	run.ID, run.Outcome = cmp.Or(job.RunID, newID()), curfew.RunRunning
	run, err := cl.store.BeginRun(ctx, run)
	if err != nil {
		return curfew.Run{Outcome: curfew.RunFailed}, err
	}
	if job.Again { // it may have begun longer ago than its lease
		cl.noted(ctx, "a run could not say that it goes on", cl.store.RenewRun(ctx, run.ID, record.RunLease))
	}
	stopRenewing := cl.keepAlive(ctx, run.ID)
	err = work(&run)
	stopRenewing()
	run.Outcome, run.Error = outcomeOf(err)
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	finished, err2 := cl.store.FinishRun(recording, run)
	if err2 == nil {
		run = finished
	}
	return run, errors.Join(err, err2)
}

const (
	// renewEvery is how often a run renews its lease.
	renewEvery = record.RunLease / 3
	// recordTimeout limits how long the end of a run may take to be recorded.
	recordTimeout = 5 * time.Second
)

// keepAlive renews the lease of a run until the returned function is called. A failure to
// renew it does not stop the run.
func (cl *Cleanups) keepAlive(ctx context.Context, runID string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() {
		ticker := time.NewTicker(renewEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				cl.noted(ctx, "a run could not say that it goes on", cl.store.RenewRun(ctx, runID, record.RunLease))
			}
		}
	})
	return func() { cancel(); beating.Wait() }
}

// stopSignal is closed when the process is about to end; a nil one never is.
type stopSignal <-chan struct{}

// ErrStopped is the error of work that was asked to stop and did so between two steps.
// What it had done is committed.
var ErrStopped = curfew.Errorf(curfew.Unavailable, "stopped before the end: what was done is done, and the rest can be done by the same call again")

// err is ErrStopped once the process is about to end. Long work checks it between steps.
func (s stopSignal) err() error {
	select {
	case <-s:
		return ErrStopped
	default:
		return nil
	}
}

// outcomeOf returns the outcome of a run, and an error text that is safe to show: a
// driver's text belongs in the log.
func outcomeOf(err error) (curfew.RunOutcome, string) {
	known, ok := errors.AsType[*curfew.Error](err)
	switch {
	case err == nil:
		return curfew.RunSucceeded, ""
	case onlySetApart(err):
		apart, _ := errors.AsType[*setApartError](err)
		return curfew.RunFailed, apart.Error()
	case errors.Is(err, ErrStopped):
		return curfew.RunInterrupted, "it was stopped: what the figures count is done, the rest is not"
	case errors.Is(err, context.Canceled):
		return curfew.RunInterrupted, "it was cut off: what the figures count is done, the rest is not"
	case errors.Is(err, context.DeadlineExceeded):
		return curfew.RunInterrupted, "it took too long and was cut off: what the figures count is done, the rest is not"
	case ok && known.Kind != curfew.Internal && known.Message != "":
		return curfew.RunFailed, string(known.Kind) + ": " + known.Message
	}
	return curfew.RunFailed, string(curfew.Internal) + ": the log says what failed, under the run's id"
}

// settlePayments settles money that guards marked, deferrals past their time, and
// deferred payments whose slot is free.
func (cl *Cleanups) settlePayments(ctx context.Context) error {
	if err := cl.settler.settleMoney(ctx, ""); err != nil {
		return err
	}
	return cl.admission.serveAll(ctx)
}
