package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// Runs is the record of cleanups, newest first, behind the cursor.
func (e *Engine) Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error) {
	return e.store.Runs(ctx, after, limit)
}

// run records a cleanup around its work.
func (e *Engine) run(ctx context.Context, c Cleanup, work func(*curfew.Run) error) (curfew.Run, error) {
	begun := time.Now()
	run, err := e.recordRun(ctx, curfew.Run{Trigger: c.Trigger, Actor: c.Actor, Reason: c.Reason}, func(run *curfew.Run) error {
		e.logBegin(ctx, c)
		err := work(run)
		e.observeCleaned(run.Stats, c.Trigger)
		return err
	})
	e.observe.RunFinished(c.Trigger, run.Outcome, time.Since(begun))
	if run.StartedAt.IsZero() {
		return run, fmt.Errorf("begin a cleanup: %w", err)
	}
	e.logEnd(ctx, c, run, err)
	if err != nil {
		return run, fmt.Errorf("cleanup %s: %w", run.ID, err)
	}
	return run, nil
}

// recordRun keeps a run around its work. One that could not begin has failed, and
// has no start.
func (e *Engine) recordRun(ctx context.Context, run curfew.Run, work func(*curfew.Run) error) (curfew.Run, error) {
	run.ID, run.Outcome = newID(), curfew.RunRunning
	run, err := e.store.BeginRun(ctx, run)
	if err != nil {
		return curfew.Run{Outcome: curfew.RunFailed}, err
	}
	err = work(&run)
	run.Outcome = curfew.RunSucceeded
	if err != nil {
		run.Outcome, run.Error = curfew.RunFailed, err.Error()
	}
	finished, err2 := e.store.FinishRun(context.WithoutCancel(ctx), run)
	if err2 == nil {
		run = finished
	}
	return run, errors.Join(err, err2)
}

func (e *Engine) observeCleaned(s curfew.Stats, t curfew.Trigger) {
	for _, figure := range curfew.RuleNames() {
		if n := s.Of(figure); n > 0 {
			e.observe.Cleaned(figure, t, n)
		}
	}
}

// observeLag tells how late an ending was; one before its deadline was not.
func (e *Engine) observeLag(lag time.Duration) {
	if lag > 0 {
		e.observe.Expired(lag)
	}
}
