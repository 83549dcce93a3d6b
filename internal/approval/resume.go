package approval

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// tryTime is how long a process carries out one approval, and interruptedAfter when another one may try, measured from the
	// same moment. In between, the first one has stopped.
	tryTime          = time.Minute
	interruptedAfter = 2 * time.Minute
	// resumeEvery is how often Run looks for interrupted approvals, and resumed how many it then carries out.
	resumeEvery = 30 * time.Second
	resumed     = 50
	// maxTries is how often an approval is resumed that stops each process that carries it out.
	maxTries = 3
)

// resume begins another try of an approval that is executing. Conflict if its process may still be at work.
func (d Desk) resume(ctx context.Context, a record.Approval) (record.Approval, error) {
	again, err := d.Store.ResumeApproval(ctx, a.ID, interruptedAfter)
	if curfew.KindOf(err) == curfew.Conflict {
		err = curfew.Errorf(curfew.Conflict, "approval %s is being carried out; if its process has stopped, the service carries on within %s", a.ID, interruptedAfter+resumeEvery)
	}
	return again, err
}

// done reports whether an earlier try carried the approval out, by what it left behind.
func (d Desk) done(ctx context.Context, a record.Approval, c Call) (bool, error) {
	var events []curfew.Event
	switch a.Action {
	case Refund:
		k, err := d.Keeper.Checkouts.Checkout(ctx, a.Target)
		if err == nil {
			events, err = d.Keeper.Checkouts.CheckoutEvents(ctx, k)
		}
		return slices.ContainsFunc(events, func(e curfew.Event) bool { return did(a, e) && strings.HasSuffix(e.Reason, approvedBy(a)) }), err
	case End, Cancel, Clear:
		s, err := d.Keeper.Sessions.Session(ctx, c.SessionID)
		if err == nil {
			events, err = d.Keeper.Sessions.Events(ctx, s.Session)
		}
		return s.Status.Ended() && slices.ContainsFunc(events, func(e curfew.Event) bool { return did(a, e) && e.To == string(s.Status) }), err
	case Erase:
		if c.PreviewID == "" { // an erasure also erases what was asked for
			return true, nil
		}
		e, err := d.Privacy.Store.Erasure(ctx, c.PreviewID)
		return !e.ErasedAt.IsZero(), err
	}
	return false, nil
}

// did reports whether an event is of whoever asked, and not older than the approval.
func did(a record.Approval, e curfew.Event) bool {
	return e.Actor == a.AskedBy && !e.At.Before(a.DecidedAt)
}

// approvedBy is what the history says of an approval, behind the reason.
func approvedBy(a record.Approval) string { return fmt.Sprintf(" (approved by %s)", a.DecidedBy) }

// stillWanted refuses another try after the end of the approval, or if none succeeds.
func stillWanted(a record.Approval) error {
	switch {
	case !a.TriedAt.Before(a.ExpiresAt):
		return curfew.Errorf(curfew.Conflict, "the process stopped before it was done, and nobody carried on until it expired: ask again")
	case a.Tries > maxTries:
		return curfew.Errorf(curfew.Conflict, "the process stopped before it was done, and so did those that carried on: see their logs, and ask again")
	}
	return nil
}

// Resume carries out the approvals whose process has stopped, and calls ended with each that is over.
func (d Desk) Resume(ctx context.Context, ended func(record.Approval)) error {
	all, err := d.Store.InterruptedApprovals(ctx, interruptedAfter, resumed)
	if err != nil {
		return err
	}
	for _, a := range all {
		again, err := d.Store.ResumeApproval(ctx, a.ID, interruptedAfter)
		switch {
		case curfew.KindOf(err) == curfew.Conflict: // another process was faster
			continue
		case err != nil:
			return err
		}
		if again, err = d.finish(ctx, again); curfew.KindOf(err) == curfew.Unavailable {
			return err
		}
		if again.State == record.ApprovalDone || again.State == record.ApprovalFailed {
			ended(again)
		}
	}
	return nil
}

// Run resumes what is interrupted, at once and every half minute, until the context ends.
func (d Desk) Run(ctx context.Context, log *slog.Logger, ended func(record.Approval)) {
	tick := time.NewTicker(resumeEvery)
	defer tick.Stop()
	for {
		if err := d.Resume(ctx, ended); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "interrupted approvals could not be carried out; they are tried again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
