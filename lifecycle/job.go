package lifecycle

import (
	"cmp"
	"context"
	"slices"

	"github.com/curfewhq/curfew"
)

// Job makes a cleanup, an undo or a comparison part of work that outlives its caller. The zero
// value is none.
type Job struct {
	// RunID is the id of the run that records the work; empty: a new one.
	RunID string
	// Again reports that an earlier attempt may have begun that run. The run then goes on
	// with its figures, and nothing is done twice.
	Again bool
	// Stop, once closed, ends the work between two steps with ErrStopped. It may be nil.
	Stop <-chan struct{}
	// Progress receives how far the work has come. A total below 0 is unknown. It must not
	// block, and may be nil.
	Progress func(phase string, done, total int)
}

// The phases of work, as its progress names them.
const (
	endingSessions   = "ending sessions"
	revivingSessions = "reviving sessions"
	settlingPayments = "settling payments"
	comparingListed  = "comparing payments of the provider"
	comparingKept    = "comparing what is left"
)

// stopped is ErrStopped once the process is about to end, or the job is to stop.
func (j Job) stopped(own stopSignal) error { return cmp.Or(own.err(), stopSignal(j.Stop).err()) }

func (j Job) report(phase string, done, total int) {
	if j.Progress != nil {
		j.Progress(phase, done, total)
	}
}

// did returns the ids of what a run has changed already, in an earlier attempt.
func (cl *Cleanups) did(ctx context.Context, j Job) (map[string]bool, error) {
	did := map[string]bool{}
	if !j.Again {
		return did, nil
	}
	err := cl.eachEvent(ctx, j.RunID, func(event curfew.Event) error {
		did[event.Subject] = true
		return nil
	})
	return did, err
}

// eachEvent goes over what a run did, by the events' ids.
func (cl *Cleanups) eachEvent(ctx context.Context, runID string, do func(curfew.Event) error) error {
	for after := ""; ; {
		events, err := cl.store.RunEvents(ctx, runID, after, pageSize)
		if err != nil {
			return err
		}
		for _, event := range events {
			after = event.ID
			if err := do(event); err != nil {
				return err
			}
		}
		if len(events) < pageSize {
			return nil
		}
	}
}

// DidRun returns what a run did to sessions and payments, by the events' ids, behind one.
func (cl *Cleanups) DidRun(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error) {
	return cl.store.RunEvents(ctx, runID, after, limit)
}

// leftOf returns the rows of a preview that an earlier attempt of the job has not done.
func (cl *Cleanups) leftOf(ctx context.Context, items []curfew.PlannedChange, j Job) ([]curfew.PlannedChange, error) {
	did, err := cl.did(ctx, j)
	if err != nil || len(did) == 0 {
		return items, err
	}
	return slices.DeleteFunc(slices.Clone(items), func(it curfew.PlannedChange) bool { return did[it.SessionID] }), nil
}

// chosen returns the rows of a preview that a cleanup chooses.
func chosen(items []curfew.PlannedChange, c Cleanup) ([]curfew.PlannedChange, error) {
	if c.Only == nil && c.Except == nil {
		return items, nil
	}
	if c.Only != nil && c.Except != nil {
		return nil, curfew.Errorf(curfew.Invalid, "say which sessions to end, or which to leave out, not both")
	}
	planned := make(map[string]bool, len(items))
	for _, it := range items {
		planned[it.SessionID] = true
	}
	named := slices.Concat(c.Only, c.Except)
	if len(named) == 0 {
		return nil, curfew.Errorf(curfew.Invalid, "an empty list of sessions chooses none: leave it out to choose all")
	}
	for _, id := range named {
		if !planned[id] {
			return nil, curfew.Errorf(curfew.Invalid, "session %q is not in this preview", id)
		}
	}
	left := slices.DeleteFunc(slices.Clone(items), func(it curfew.PlannedChange) bool {
		return slices.Contains(named, it.SessionID) != (c.Only != nil)
	})
	if len(left) == 0 {
		return nil, curfew.Errorf(curfew.Invalid, "every session of the preview is left out: nothing would end")
	}
	return left, nil
}

// planOf returns the rows of a stored preview that a cleanup is to carry out, or why it is refused.
func (cl *Cleanups) planOf(ctx context.Context, id string, c Cleanup) (curfew.Preview, error) {
	p, err := cl.store.Preview(ctx, id)
	if err == nil {
		p.Items, err = chosen(p.Items, c)
	}
	if err == nil && c.Reason == "" {
		err = needsReason(p)
	}
	return p, err
}

// undoable returns the run that is to be undone, or why that is refused.
func (cl *Cleanups) undoable(ctx context.Context, runID string) (curfew.Run, error) {
	run, err := cl.store.Run(ctx, runID)
	if err == nil && run.Undoes != "" {
		err = curfew.Errorf(curfew.Conflict, "run %s undid run %s: it ended nothing that could be undone", run.ID, run.Undoes)
	}
	return run, err
}

// MayRun returns the error with which RunCleanup, or ExecutePreview if there is the id of a
// preview, refuses a cleanup.
func (cl *Cleanups) MayRun(ctx context.Context, previewID string, c Cleanup) error {
	if previewID == "" {
		return cl.mayRun(ctx, c)
	}
	_, err := cl.planOf(ctx, previewID, c)
	return err
}

// MayUndo returns the error with which Undo refuses to undo a run.
func (cl *Cleanups) MayUndo(ctx context.Context, runID string) error {
	_, err := cl.undoable(ctx, runID)
	return err
}
