// Package approval makes some actions need a second person: refunds over an amount, forced ends of live sessions,
// erasures. One person asks, and another approves or rejects. An approved action is carried out once, exactly as it was
// requested, or not at all. If the process stops in between, another one finds out how far it came, and ends it.
package approval

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// Store stores approvals.
type Store interface {
	// AddApproval writes an approval that expires after ttl, and deletes approvals older than keep.
	AddApproval(ctx context.Context, a record.Approval, ttl, keep time.Duration) (record.Approval, error)
	// Approvals returns the approvals that match, newest first.
	Approvals(ctx context.Context, q record.ApprovalSearch) ([]record.Approval, error)
	Approval(ctx context.Context, id string) (record.Approval, error)
	// DecideApproval makes a pending approval executing or rejected. Conflict if it is decided, has expired, or was requested
	// by the same person.
	DecideApproval(ctx context.Context, id string, to record.ApprovalState, by curfew.Actor, note string) (record.Approval, error)
	// EndApproval records how an executing approval ended: done or failed. Conflict if another process carries it out by now.
	EndApproval(ctx context.Context, a record.Approval, as record.ApprovalState, note string) (record.Approval, error)
	// InterruptedApprovals returns those that are executing, and that nobody has tried for longer than after, oldest first.
	InterruptedApprovals(ctx context.Context, after time.Duration, limit int) ([]record.Approval, error)
	// ResumeApproval begins another try of an interrupted approval. Conflict if it is not interrupted.
	ResumeApproval(ctx context.Context, id string, after time.Duration) (record.Approval, error)
}

// Rules say which actions of an admin need a second person. With the zero value none does.
type Rules struct {
	// RefundsOver are the largest refunds that one person may make, by currency in its minor unit. Other currencies then need a
	// second person at any amount. nil: one person may make any.
	RefundsOver map[string]int64
	LiveEnds    bool
	Erasures    bool
	// TTL is for how long somebody can approve.
	TTL time.Duration
}

// Two reports whether any action needs two persons.
func (r Rules) Two() bool { return r.RefundsOver != nil || r.LiveEnds || r.Erasures }

// refund reports whether a payment is too large for one person to refund.
func (r Rules) refund(c curfew.Checkout) bool {
	if r.RefundsOver == nil || c.Free() {
		return false
	}
	most, ok := r.RefundsOver[strings.ToLower(c.Currency)]
	return !ok || c.Due() > most
}

// Desk carries out what one person may do, and asks for approval of the rest.
type Desk struct {
	Store  Store
	Keeper *lifecycle.Keeper
	Rules  Rules
	// Privacy carries out approved erasures.
	Privacy privacy.Service
}
