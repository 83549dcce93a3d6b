package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// book fulfills a purchase that names its start. It looks the reference up first: a
// repeated report gets the present state of the booking, even long after its start.
func (ad *Admission) book(ctx context.Context, c curfew.Checkout, by curfew.Actor, p Purchase) (Fulfillment, error) {
	var err error
	for range tries {
		r, err2 := ad.reference(ctx, &c, by)
		if bad, ok := errors.AsType[*unspendableError](err2); ok {
			return ad.recordUnspendable(ctx, bad, c, by, p)
		}
		switch {
		case err2 == nil:
			return ad.replay(ctx, r, p)
		case !errors.Is(err2, curfew.NotFound):
			return Fulfillment{}, fmt.Errorf("book %s: %w", p.PaymentRef, err2)
		}
		if err := ad.checkStart(ctx, *p.StartsAt); err != nil {
			return Fulfillment{}, err
		}
		s, err2 := ad.write.Admit(ctx, ad.rules.booking(ad.rules.admission(c, by), *p.StartsAt))
		if err2 == nil {
			return fulfilled(s), nil
		}
		if err = err2; !errors.Is(err, curfew.Conflict) { // somebody reported it at the same moment
			return Fulfillment{}, fmt.Errorf("book %s: %w", p.PaymentRef, err)
		}
	}
	return Fulfillment{}, fmt.Errorf("book %s: %w", p.PaymentRef, again(err))
}

// booking is an admission of a session that begins later.
func (r *Rules) booking(a record.Admission, at time.Time) record.Admission {
	a.Session.StartsAt, a.Request, a.Reason = at.UTC().Truncate(time.Microsecond), curfew.Request{}, curfew.BookedReason
	return a
}

// checkStart refuses a start that has passed or is too far, by the store's
// clock.
func (ad *Admission) checkStart(ctx context.Context, at time.Time) error {
	heartbeats, err := ad.store.Heartbeats(ctx)
	switch {
	case err != nil:
		return err
	case !at.After(heartbeats.Now):
		return curfew.Errorf(curfew.Invalid, "startsAt must lie ahead, and %s has passed", at.Format(time.RFC3339))
	case at.After(heartbeats.Now.Add(curfew.FarthestStart)):
		return curfew.Errorf(curfew.Invalid, "startsAt must be at most a year ahead, not %s", at.Format(time.RFC3339))
	}
	return nil
}
