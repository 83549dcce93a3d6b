package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Undo asks to bring back what a run ended.
type Undo struct {
	RunID   string
	Reason  string // kept in the record and in the new sessions' history
	Trigger curfew.Trigger
	Actor   curfew.Actor
	Job     Job
}

// Undone is what became of the sessions that a run had ended.
type Undone struct {
	Run        curfew.Run // the undo's own record
	Revived    []Revived
	NotRevived []NotRevived
	Left       int // sessions that were not looked at, because the undo was stopped
}

// Revived is a session that was replaced by a new one, in this undo or an earlier one.
type Revived struct {
	SessionID    string
	NewSessionID string
	CustomerID   string
}

// NotRevived is a session that cannot be revived, and why.
type NotRevived struct {
	SessionID  string
	CustomerID string
	Why        string
}

// Undo revives the sessions that a run ended: each is replaced by a new one of the same
// plan, duration and payment, if the customer is free and the payment has not moved on.
// Nothing is reopened. A session is revived once: undoing a run again returns the same new
// sessions. Errors: NotFound; Conflict if the run was itself an undo; Unavailable;
// ErrStopped. After the last two the undo is recorded as failed or interrupted, the result
// holds what was done, and calling again does the rest.
func (cl *Cleanups) Undo(ctx context.Context, u Undo) (Undone, error) {
	var undone Undone
	run, err := cl.undoable(ctx, u.RunID)
	if err != nil {
		return undone, err
	}
	undone.Run, err = cl.recordRun(ctx, curfew.Run{
		Trigger: u.Trigger, Actor: u.Actor, Reason: u.Reason, Undoes: run.ID,
	}, u.Job, func(undo *curfew.Run) error { return undoing{cl, undo, &undone, u.Job}.reviveAll(ctx) })
	if err != nil && !onlySetApart(err) {
		cl.log.WarnContext(ctx, "[sessionCleanup] Undo did not come to its end", "run", run.ID, "undo", undone.Run.ID, "revived", len(undone.Revived), "left", undone.Left, "error", err)
		return undone, fmt.Errorf("undo run %s: %w", u.RunID, err)
	}
	cl.log.InfoContext(ctx, "[sessionCleanup] Run undone", "run", run.ID, "undo", undone.Run.ID, "actor", u.Actor.String(),
		"revived", len(undone.Revived), "notRevived", len(undone.NotRevived))
	return undone, nil
}

// undoing is an undo in progress.
type undoing struct {
	*Cleanups
	undo   *curfew.Run
	undone *Undone
	job    Job
}

// reviveAll revives what the run ended, page by page. Once asked to stop, it only counts
// what is left.
func (cl undoing) reviveAll(ctx context.Context) error {
	total, err := cl.countEnded(ctx)
	if err != nil {
		return err
	}
	var stopped error
	var failed []string
	err = cl.eachEvent(ctx, cl.undo.Undoes, func(event curfew.Event) error {
		if !curfew.SessionStatus(event.To).Ended() {
			return nil
		}
		if stopped = cmp.Or(stopped, cl.job.stopped(cl.stop)); stopped != nil {
			cl.undone.Left++
			return nil
		}
		err := cl.revive(ctx, event.Subject)
		if cl.quarantine.rowsOwn(ctx, err) { // the others can come back all the same
			failed = append(failed, cl.unrevivable(ctx, event, err))
		} else if err != nil {
			return fmt.Errorf("revive session %s: %w", event.Subject, err)
		}
		cl.job.report(revivingSessions, len(cl.undone.Revived)+len(cl.undone.NotRevived), total)
		return nil
	})
	if err != nil {
		return err
	}
	return cmp.Or(stopped, (&cleaning{apart: failed}).err())
}

// countEnded counts the sessions that the run ended, for the progress.
func (cl undoing) countEnded(ctx context.Context) (n int, err error) {
	if cl.job.Progress == nil {
		return 0, nil
	}
	err = cl.eachEvent(ctx, cl.undo.Undoes, func(event curfew.Event) error {
		if curfew.SessionStatus(event.To).Ended() {
			n++
		}
		return nil
	})
	cl.job.report(revivingSessions, 0, n)
	return n, err
}

// unrevivable notes a session that the database refuses to revive, and returns a text for
// the record.
func (cl undoing) unrevivable(ctx context.Context, event curfew.Event, cause error) string {
	why := record.SafeText(cause)
	cl.log.ErrorContext(ctx, "a session could not be revived", "session", event.Subject, "error", cause)
	cl.undone.NotRevived = append(cl.undone.NotRevived, NotRevived{event.Subject, event.CustomerID, "it could not be revived: " + why})
	return fmt.Sprintf("session %s: %s", event.Subject, why)
}

// revive replaces a session by a new one, or notes why it cannot.
func (cl undoing) revive(ctx context.Context, id string) error {
	s, err := cl.store.Session(ctx, id)
	if err != nil {
		return err
	}
	r, err := cl.admission.admit(ctx, attempt{
		customerID: s.CustomerID,
		admission:  func(ctx context.Context) (record.Admission, error) { return cl.revival(ctx, s) },
		receipt:    func(ctx context.Context) (record.Receipt, error) { return cl.revived(ctx, s) },
	})
	if errors.Is(err, curfew.Conflict) {
		return cl.notRevived(ctx, s, err.Error())
	}
	if err != nil {
		return err
	}
	switch r.verdict {
	case admitted:
		cl.undo.Stats.Revived++
		cl.undone.Revived = append(cl.undone.Revived, Revived{s.ID, r.session.ID, s.CustomerID})
		return nil
	case repeated:
		cl.undone.Revived = append(cl.undone.Revived, Revived{s.ID, r.receipt.Session.ID, s.CustomerID})
		return nil
	case stuck:
		return cl.notRevived(ctx, s, (&stuckError{r.session}).Error())
	case blocked:
		return cl.notRevived(ctx, s, fmt.Sprintf("its customer has session %s open (%s)", r.session.ID, r.session.Status))
	case undecided:
	}
	return cl.notRevived(ctx, s, "its customer's slot changes hands too quickly: undo again")
}

// revived is the session that an earlier undo made. NotFound: there is none.
func (cl undoing) revived(ctx context.Context, s curfew.Snapshot) (record.Receipt, error) {
	revival, err := cl.store.Revival(ctx, s.CustomerID, s.ID)
	return record.Receipt{Session: revival.Session}, err
}

// notRevived says why a session cannot be revived, unless it already was: then its own
// new session may have spent the credit, or hold the slot.
func (cl undoing) notRevived(ctx context.Context, s curfew.Snapshot, why string) error {
	r, err := cl.revived(ctx, s)
	switch {
	case err == nil:
		cl.undone.Revived = append(cl.undone.Revived, Revived{s.ID, r.Session.ID, s.CustomerID})
	case errors.Is(err, curfew.NotFound):
		cl.undone.NotRevived = append(cl.undone.NotRevived, NotRevived{s.ID, s.CustomerID, why})
	default:
		return err
	}
	return nil
}

// revival is the admission of the session that replaces an ended one. Conflict says why
// there can be none.
func (cl undoing) revival(ctx context.Context, s curfew.Snapshot) (record.Admission, error) {
	if err := revivable(s.Session); err != nil {
		return record.Admission{}, err
	}
	c, err := cl.store.Checkout(ctx, s.CheckoutID)
	if err == nil {
		err = cl.unmoved(ctx, c)
	}
	if err == nil {
		err = cl.unspent(ctx, c)
	}
	if err != nil {
		return record.Admission{}, err
	}
	a := cl.rules.admission(c, cl.undo.Actor)
	a.Stats = cl.undo.Stats
	a.Stats.Revived++
	a.From, a.RunID, a.Reason = c.Outcome, cl.undo.ID, curfew.WithNote(curfew.RevivedReason, cl.undo.Reason)
	a.Session.Plan, a.Session.Kind, a.Session.Duration, a.Session.Revives = s.Plan, s.Kind, s.Duration, s.ID
	a.Request.CustomerName = s.Request.CustomerName
	a.Deadline = cl.rules.policy.WaitingDeadline(s.Plan, time.Time{})
	return a, nil
}

// revivable says why a session cannot be revived; nil: its payment decides.
func revivable(s curfew.Session) error {
	switch {
	case s.Adopted():
		return curfew.Errorf(curfew.Conflict, "its row is in their table (%s); only the app can make a new one", s.Origin())
	case s.EndReason == curfew.Overran:
		return curfew.Errorf(curfew.Conflict, "it was live until it overran: what was bought was used")
	case !s.StartedAt.IsZero():
		return curfew.Errorf(curfew.Conflict, "it was live")
	case s.EndReason == curfew.Missed:
		return curfew.Errorf(curfew.Conflict, "the time of its appointment has passed: book another")
	case s.CheckoutID == "":
		return curfew.Errorf(curfew.Conflict, "another program wrote it: no payment is known that would pay for a new one")
	}
	return nil
}

// unmoved says how the payment has moved on since the run; nil: it can pay for
// the session once more.
func (cl undoing) unmoved(ctx context.Context, c curfew.Checkout) error {
	switch c.Outcome {
	case curfew.Credited:
		return nil
	case curfew.RefundDue:
		return cl.unclaimed(ctx, c)
	case curfew.Fulfilled:
		return cl.spent(ctx, c)
	case curfew.Refunding:
		return curfew.Errorf(curfew.Conflict, "its refund is under way")
	case curfew.Refunded:
		return curfew.Errorf(curfew.Conflict, "its payment was given back")
	}
	return curfew.Errorf(curfew.Conflict, "its payment is %s", c.Outcome)
}

// unspent says why the payment cannot pay for a session; nil: it can.
func (cl undoing) unspent(ctx context.Context, c curfew.Checkout) error {
	s, err := cl.ledgers.funds(ctx, c)
	if err == nil && s != spendable {
		err = curfew.Errorf(curfew.Conflict, "%s", s)
	}
	return err
}

// unclaimed returns nil for a refund that the run itself made due and for which the
// provider has not been asked yet.
func (cl undoing) unclaimed(ctx context.Context, c curfew.Checkout) error {
	if c.Attempts > 0 {
		return curfew.Errorf(curfew.Conflict, "the provider has been asked for its refund already")
	}
	events, err := cl.store.Events(ctx, c.CustomerID, c.ID)
	if err != nil {
		return err
	}
	for _, event := range slices.Backward(events) {
		if event.From != event.To && event.RunID != cl.undo.Undoes {
			return curfew.Errorf(curfew.Conflict, "its refund was decided after the run, by %s", event.Actor)
		}
		if event.From != event.To {
			break
		}
	}
	return nil
}

// spent names the session that has the credit now.
func (cl undoing) spent(ctx context.Context, c curfew.Checkout) error {
	sessions, err := cl.store.SessionsOf(ctx, c.CustomerID, pageSize)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.CheckoutID == c.ID && s.Status != curfew.Cancelled {
			return curfew.Errorf(curfew.Conflict, "its credit was spent: session %s has it", s.ID)
		}
	}
	return curfew.Errorf(curfew.Conflict, "its credit was spent")
}
