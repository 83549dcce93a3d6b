package wire

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/forecast"
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
	out.Credits = make([]api.UnspentCredit, len(credits))
	for i, c := range credits {
		out.Credits[i] = api.UnspentCredit{
			CheckoutID: c.ID, Plan: c.Plan, Amount: c.Amount, Currency: c.Currency, Since: c.UpdatedAt.UTC(),
			ExpiresAt: OptionalTime(c.Ends), Spendable: c.Why == "", Why: c.Why,
		}
	}
	return out
}

// Forecast converts how long a customer will wait.
func Forecast(f forecast.Forecast, waiting bool) api.Forecast {
	out := api.Forecast{Waiting: waiting, Ahead: f.Ahead, Mechanics: f.Mechanics, Busy: f.Busy, At: f.At.UTC()}
	if f.Known() {
		half, most := int64(f.Half.Seconds()), int64(f.Most.Seconds())
		out.Half, out.NineOfTen = &half, &most
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
