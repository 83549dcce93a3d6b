package wire

import (
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// SessionStatus converts what blocks a customer, and the customer's credits. A nil blocker means
// that nothing does.
func SessionStatus(b *curfew.Blocker, credits []record.Credit) api.SessionStatus {
	out := api.SessionStatus{Actions: []string{}}
	if b != nil {
		out = api.SessionStatus{
			Blocked: true, Session: Blocker(*b), ReleasesAt: OptionalTime(b.ReleasesAt), Actions: b.Actions,
		}
	}
	out.Credits = slices.Grow(out.Credits, len(credits)+1)[:len(credits)] // an empty list is not null
	for i, c := range credits {
		to := &out.Credits[i]
		to.CheckoutID, to.Plan, to.Amount, to.Currency = c.ID, c.Plan, c.Amount, c.Currency
		to.Since, to.ExpiresAt, to.Spendable, to.Why = c.UpdatedAt.UTC(), OptionalTime(c.Ends), c.Why == "", c.Why
	}
	return out
}

// ClearedFor converts what clearing a customer did, as far as who may see it.
func ClearedFor(who curfew.Actor, c lifecycle.Cleared) api.Cleared {
	out := api.Cleared{Ended: make([]api.Session, len(c.Ended)), Kept: make([]api.Kept, len(c.Kept))}
	for i, s := range c.Ended {
		out.Ended[i] = SessionFor(who, s)
	}
	for i, k := range c.Kept {
		out.Kept[i] = api.Kept{SessionID: k.SessionID, Status: string(k.Status), Why: k.Why}
	}
	return out
}
