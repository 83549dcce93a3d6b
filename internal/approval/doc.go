// Package approval lets two persons do together what one of them must not do alone: refunds over an amount, forced ends of
// live sessions, erasures. The first one asks, and a different one approves or rejects. What is approved is carried out
// once, as what was asked for, or not at all.
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

// Store stores what was asked for.
type Store interface {
	// AddApproval writes what is asked for, which expires after ttl. It forgets what was asked for longer ago than keep says.
	AddApproval(ctx context.Context, a record.Approval, ttl, keep time.Duration) (record.Approval, error)
	// Approvals returns what was asked for, newest first; pending: what somebody can still decide.
	Approvals(ctx context.Context, pending bool, limit int) ([]record.Approval, error)
	Approval(ctx context.Context, id string) (record.Approval, error)
	// DecideApproval makes a pending one executing or rejected. Conflict if it is decided, has expired, or was asked for by the same
	// person.
	DecideApproval(ctx context.Context, id string, to record.ApprovalState, by curfew.Actor, note string) (record.Approval, error)
	// EndApproval says how an executing one ended: done or failed.
	EndApproval(ctx context.Context, id string, as record.ApprovalState, note string) (record.Approval, error)
}

// Rules say what an admin does not do alone. The zero value is nothing.
type Rules struct {
	// RefundsOver are the largest refunds that one person may make, by currency in its minor unit. Other currencies then need a
	// second person at any amount. nil: one person may make any.
	RefundsOver map[string]int64
	LiveEnds    bool
	Erasures    bool
	// TTL is for how long somebody can approve.
	TTL time.Duration
}

// Two reports whether there is anything that needs two persons.
func (r Rules) Two() bool { return r.RefundsOver != nil || r.LiveEnds || r.Erasures }

// refund reports whether a payment is too large for one person to refund.
func (r Rules) refund(c curfew.Checkout) bool {
	if r.RefundsOver == nil || c.Free() {
		return false
	}
	most, ok := r.RefundsOver[strings.ToLower(c.Currency)]
	return !ok || c.Due() > most
}

// Desk does what one person may do, and asks for approval of the rest.
type Desk struct {
	Store  Store
	Keeper *lifecycle.Keeper
	Rules  Rules
	// Privacy carries out approved erasures.
	Privacy privacy.Service
}
