package approval

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// keep is how long an approval is kept, decided or not.
const keep = 90 * 24 * time.Hour

// The operations that can need approval, by the names of their routes.
const (
	Refund = "refundCheckout"
	End    = "endSession"
	Cancel = "cancelSession"
	Clear  = "clearCustomer"
	Erase  = "eraseCustomer"
)

// Call is the requested operation, and the state that must still hold when it is carried out.
type Call struct {
	Reason    string `json:"reason,omitempty"`
	ByHand    bool   `json:"byHand,omitempty"`
	Amount    int64  `json:"amount,omitempty"`   // of the refund
	Currency  string `json:"currency,omitempty"` // of the refund
	SessionID string `json:"sessionId,omitempty"`
	PreviewID string `json:"previewId,omitempty"` // of the erasure
	Version   int64  `json:"version,omitempty"`   // of the erasure
}

func (d Desk) ask(ctx context.Context, by curfew.Actor, a record.Approval, c Call) (*record.Approval, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	a.ID, a.Body, a.AskedBy = uuid.Must(uuid.NewV7()).String(), string(body), by
	if a.CustomerID == curfew.Nobody {
		a.CustomerID = ""
	}
	asked, err := d.Store.AddApproval(ctx, a, d.Rules.TTL, keep)
	return &asked, err
}

// Refund makes a refund due, or closes one that was made by hand. If that needs a second person, it only asks for approval,
// and returns the approval.
func (d Desk) Refund(ctx context.Context, by curfew.Actor, idOrRef, reason string, byHand bool) (curfew.Checkout, *record.Approval, error) {
	if d.Rules.RefundsOver != nil && reason != "" {
		c, err := d.Keeper.Checkouts.Checkout(ctx, idOrRef)
		if err != nil {
			return c, nil, err
		}
		if d.Rules.refund(c) && !given(c, byHand) {
			asked, err := d.ask(ctx, by, record.Approval{
				Action: Refund, CustomerID: c.CustomerID, Target: c.ID, Summary: "Refund " + due(c) + " of payment " + record.Title(c),
			}, Call{Reason: reason, ByHand: byHand, Amount: c.Due(), Currency: c.Currency})
			return c, asked, err
		}
	}
	c, err := d.refund(ctx, by, idOrRef, reason, byHand)
	return c, nil, err
}

// due says how much a refund gives back, as far as anybody knows.
func due(c curfew.Checkout) string {
	if c.Currency == "" && c.Due() == 0 {
		return "an unknown amount"
	}
	return curfew.Amount(c.Due(), c.Currency)
}

// given reports whether a payment is given back already, or about to be. Repeating the call then
// changes nothing.
func given(c curfew.Checkout, byHand bool) bool {
	return c.Outcome == curfew.Refunding || c.Outcome == curfew.Refunded || c.Outcome == curfew.RefundDue && !byHand
}

func (d Desk) refund(ctx context.Context, by curfew.Actor, idOrRef, reason string, byHand bool) (curfew.Checkout, error) {
	if byHand {
		return d.Keeper.Checkouts.CloseRefund(ctx, by, idOrRef, reason)
	}
	return d.Keeper.Checkouts.RefundCheckout(ctx, by, idOrRef, reason)
}

// EndSession ends or cancels a session, as action says. If that needs a second person, it only asks for approval, and
// returns the approval. Only admins need one.
func (d Desk) EndSession(ctx context.Context, by curfew.Actor, s curfew.Snapshot, action string) (curfew.Snapshot, *record.Approval, error) {
	if d.Rules.LiveEnds && by.Role == curfew.Admin && s.Status == curfew.Live {
		asked, err := d.ask(ctx, by, record.Approval{
			Action: action, CustomerID: s.CustomerID, Target: s.ID, Summary: "End live session " + s.ID,
		}, Call{SessionID: s.ID})
		return s, asked, err
	}
	ended, err := d.end(ctx, by, s.ID, action)
	return ended, nil, err
}

func (d Desk) end(ctx context.Context, by curfew.Actor, id, action string) (curfew.Snapshot, error) {
	if action == Cancel {
		return d.Keeper.Sessions.Cancel(ctx, id, by)
	}
	return d.Keeper.Sessions.End(ctx, id, by)
}

// ClearCustomer ends what a customer has open. If that would end a live session by force and needs a second person, it only
// asks for approval, and returns the approval.
func (d Desk) ClearCustomer(ctx context.Context, by curfew.Actor, c lifecycle.Clearing) (lifecycle.Cleared, *record.Approval, error) {
	if d.Rules.LiveEnds && by.Role == curfew.Admin && c.Force && !c.DryRun && c.Reason != "" {
		live, err := d.live(ctx, c.CustomerID)
		if err != nil {
			return lifecycle.Cleared{}, nil, err
		}
		if live != "" {
			asked, err := d.ask(ctx, by, record.Approval{
				Action: Clear, CustomerID: c.CustomerID, Target: c.CustomerID, Summary: "End live session " + live + " and what else the customer has open",
			}, Call{Reason: c.Reason, SessionID: live})
			return lifecycle.Cleared{}, asked, err
		}
	}
	cleared, err := d.Keeper.Sessions.Clear(ctx, by, c)
	return cleared, nil, err
}

// live returns the id of the customer's live session, or the empty text.
func (d Desk) live(ctx context.Context, customerID string) (string, error) {
	sessions, err := d.Keeper.Sessions.Unended(ctx, customerID)
	for _, s := range sessions {
		if s.Status == curfew.Live {
			return s.ID, err
		}
	}
	return "", err
}

// EraseCustomer asks for approval of an erasure, and returns the approval, or nil if one person may do it.
func (d Desk) EraseCustomer(ctx context.Context, by curfew.Actor, customerID string, c Call) (*record.Approval, error) {
	if !d.Rules.Erasures {
		return nil, nil //nolint:nilnil // nothing is asked for
	}
	return d.ask(ctx, by, record.Approval{Action: Erase, CustomerID: customerID, Target: customerID, Summary: "Erase what is personal of the customer"}, c)
}
