package approval

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// List returns the approvals that match, newest first.
func (d Desk) List(ctx context.Context, q record.ApprovalSearch) ([]record.Approval, error) {
	return d.Store.Approvals(ctx, q)
}

// Reject rejects an approval, with a reason that may be empty. The person who asked cannot do it
// themselves.
func (d Desk) Reject(ctx context.Context, by curfew.Actor, id, reason string) (record.Approval, error) {
	if err := curfew.CheckText("reason", reason); err != nil {
		return record.Approval{}, err
	}
	return d.decide(ctx, by, id, record.ApprovalRejected, reason)
}

// Approve carries out what another person asked for, once. The error's kind is Forbidden for the person who asked, and
// Conflict if the approval is decided, has expired or no longer matches the present state. An approval that failed to be
// carried out stays failed.
func (d Desk) Approve(ctx context.Context, by curfew.Actor, id string) (record.Approval, error) {
	a, err := d.decide(ctx, by, id, record.ApprovalExecuting, "")
	if err != nil {
		return a, err
	}
	return d.finish(ctx, a)
}

// finish carries an executing approval out, whether or not its caller leaves, and records how it ended. If that is unknown,
// because the database does not answer, it goes on executing, and is resumed.
func (d Desk) finish(ctx context.Context, a record.Approval) (record.Approval, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTime)
	defer cancel()
	failed := d.carryOut(ctx, a)
	if curfew.KindOf(failed) == curfew.Unavailable {
		return a, fmt.Errorf("it was approved, and whether it is carried out is unknown: the service finds out within %s: %w", interruptedAfter, failed)
	}
	state, note := record.ApprovalDone, ""
	if failed != nil {
		state, note = record.ApprovalFailed, oneLine(failed)
	}
	ended, err := d.Store.EndApproval(ctx, a, state, note)
	if failed != nil {
		return ended, fmt.Errorf("it was approved, and could not be carried out: %w", failed)
	}
	return ended, err
}

func (d Desk) decide(ctx context.Context, by curfew.Actor, id string, to record.ApprovalState, note string) (record.Approval, error) {
	a, err := d.Store.Approval(ctx, id)
	switch {
	case err != nil:
		return a, err
	case a.AskedBy == by:
		return a, curfew.Errorf(curfew.Forbidden, "%s asked for it: another person has to decide", by)
	case a.State == record.ApprovalExecuting && to == record.ApprovalExecuting:
		return d.resume(ctx, a)
	case a.State != record.ApprovalPending:
		return a, curfew.Errorf(curfew.Conflict, "approval %s is %s already", a.ID, a.State)
	}
	decided, err := d.Store.DecideApproval(ctx, a.ID, to, by, note)
	if err != nil && curfew.KindOf(err) == curfew.Conflict {
		err = curfew.Errorf(curfew.Conflict, "approval %s has been decided meanwhile, or has expired at %s", a.ID, a.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return decided, err
}

// carryOut carries out the call in the name of the person who asked, if its conditions still hold.
func (d Desk) carryOut(ctx context.Context, a record.Approval) error {
	var c Call
	if err := json.Unmarshal([]byte(a.Body), &c); err != nil {
		return fmt.Errorf("read what was asked for: %w", err)
	}
	if a.Tries > 0 {
		if done, err := d.done(ctx, a, c); done || err != nil {
			return err
		}
		if err := stillWanted(a); err != nil {
			return err
		}
	}
	c.Reason += approvedBy(a)
	switch a.Action {
	case Refund:
		return d.carryOutRefund(ctx, a, c)
	case End, Cancel, Clear:
		return d.carryOutEnd(ctx, a, c)
	case Erase:
		_, err := d.Privacy.Erase(ctx, a.AskedBy, a.CustomerID, record.Erasure{ID: c.PreviewID, Version: c.Version, Reason: c.Reason})
		return err
	}
	return curfew.Errorf(curfew.Invalid, "nobody here can carry out %s", a.Action)
}

func (d Desk) carryOutRefund(ctx context.Context, a record.Approval, c Call) error {
	k, err := d.Keeper.Checkouts.Checkout(ctx, a.Target)
	if err != nil {
		return err
	}
	if k.Due() != c.Amount || k.Currency != c.Currency {
		return curfew.Errorf(curfew.Conflict, "the refund is of %s now, not of %s: ask again", curfew.Amount(k.Due(), k.Currency), curfew.Amount(c.Amount, c.Currency))
	}
	_, err = d.refund(ctx, a.AskedBy, k.ID, c.Reason, c.ByHand)
	return err
}

// carryOutEnd ends the session that was live when somebody asked, and no other.
func (d Desk) carryOutEnd(ctx context.Context, a record.Approval, c Call) error {
	live, err := d.live(ctx, a.CustomerID)
	switch {
	case err != nil:
		return err
	case live != c.SessionID:
		return curfew.Errorf(curfew.Conflict, "session %s is not live any more", c.SessionID)
	case a.Action == Clear:
		_, err = d.Keeper.Sessions.Clear(ctx, a.AskedBy, lifecycle.Clearing{CustomerID: a.CustomerID, Force: true, Reason: c.Reason})
	default:
		_, err = d.end(ctx, a.AskedBy, c.SessionID, a.Action)
	}
	return err
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
