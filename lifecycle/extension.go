package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Extension is paid time for a live session, as reported by the marketplace.
type Extension struct {
	SessionID  string
	CustomerID string // if set, the session must be this customer's
	Plan       string // one that extends
	PaymentRef string
	Amount     *int64 // minor units; nil: the plan's price
	Currency   string // ISO 4217; empty: the plan's
	Email      string
	Name       string
	Metadata   map[string]string
	PaymentID  string // the provider's name for the payment, for refunds; empty: unknown
	Quantity   int64  // how often the plan's minutes were bought; 0 counts as 1

	payment reported
}

// Extended is what became of an extension.
type Extended struct {
	Outcome    curfew.Outcome // Fulfilled, or RefundDue where the session was not live any more
	Replayed   bool           // the reference was reported before; nothing was done
	CheckoutID string
	Session    curfew.Session // as it is now
}

// Extend adds to a live session the time that a payment bought, once per reference. If the session is no longer live, the
// payment is recorded and its refund is due: that is an outcome, not an error. Errors: Invalid, also for an adopted session;
// NotFound; IdempotencyMismatch for a reference that was used for another session, plan or amount.
func (ss *Sessions) Extend(ctx context.Context, by curfew.Actor, x Extension) (Extended, error) {
	ctx, end := ss.trace.Begin(ctx, "extend")
	defer end()
	begun := time.Now()
	got, err := ss.extendOnce(ctx, by, x)
	ss.failing.note(err, time.Since(begun))
	return got, err
}

func (ss *Sessions) extendOnce(ctx context.Context, by curfew.Actor, x Extension) (Extended, error) {
	s, err := ss.store.Session(ctx, x.SessionID)
	if err != nil {
		return Extended{}, err
	}
	if x.CustomerID != "" && x.CustomerID != s.CustomerID {
		return Extended{}, curfew.Errorf(curfew.NotFound, "session %s is not customer %s's", x.SessionID, x.CustomerID)
	}
	if s.Adopted() {
		return Extended{}, curfew.Errorf(curfew.Invalid, "session %s is %s: time for it is bought where that row is", s.ID, s.Origin())
	}
	c, err := ss.rules.minutes(x, s.CustomerID)
	if err != nil {
		return Extended{}, err
	}
	for range tries {
		var got Extended
		got, err = ss.extend(ctx, by, x, c)
		if !errors.Is(err, curfew.Conflict) {
			return got, err
		}
	}
	return Extended{}, again(err)
}

// extend is one try: it looks the reference up, because a repeated report gets the same
// result; then it reads the session, and settles it if it is due. Conflict: the session
// moved, or somebody reported the payment at the same moment.
func (ss *Sessions) extend(ctx context.Context, by curfew.Actor, x Extension, c curfew.Checkout) (Extended, error) {
	c.SessionID = x.SessionID
	r, err := ss.admission.reference(ctx, &c, by)
	if err == nil {
		return ss.extended(ctx, r, x)
	}
	if bad, ok := errors.AsType[*unspendableError](err); ok {
		_, err := ss.write.Record(ctx, bad.recorded(c), by, bad.funds.String())
		return Extended{Outcome: bad.outcome(), CheckoutID: c.ID}, err
	}
	if !errors.Is(err, curfew.NotFound) {
		return Extended{}, fmt.Errorf("extend session %s: %w", x.SessionID, err)
	}
	s, err := ss.fresh(ctx, x.SessionID)
	if err != nil {
		return Extended{}, err
	}
	c.ID, c.SessionID, c.Outcome = cmp.Or(c.ID, newID()), s.ID, curfew.Fulfilled
	if s.Status != curfew.Live {
		return ss.tooLateToExtend(ctx, by, s, c)
	}
	d := ss.rules.policy.Plans[x.Plan].Duration * time.Duration(max(x.Quantity, 1))
	s, err = ss.write.Extend(ctx, record.Extension{
		Checkout: c, From: s.Session, By: d, Actor: by, Reason: curfew.ExtendedReason + " by " + Span(d),
	})
	if err != nil {
		return Extended{}, fmt.Errorf("extend session %s: %w", x.SessionID, err)
	}
	return Extended{Outcome: c.Outcome, CheckoutID: c.ID, Session: s.Session}, nil
}

// tooLateToExtend records a payment for a session that is no longer live.
func (ss *Sessions) tooLateToExtend(ctx context.Context, by curfew.Actor, s curfew.Snapshot, c curfew.Checkout) (Extended, error) {
	c.Outcome = curfew.RefundDue
	_, err := ss.write.Record(ctx, c, by, fmt.Sprintf("session %s is %s", s.ID, s.Status))
	if err != nil {
		return Extended{}, fmt.Errorf("record payment %s: %w", c.Ref, err)
	}
	return Extended{Outcome: c.Outcome, CheckoutID: c.ID, Session: s.Session}, nil
}

// extended answers a report whose reference was seen before.
func (ss *Sessions) extended(ctx context.Context, r record.Receipt, x Extension) (Extended, error) {
	if r.Checkout.SessionID != x.SessionID || r.Checkout.Plan != x.Plan {
		return Extended{}, curfew.Errorf(curfew.IdempotencyMismatch,
			"payment %s was reported before with another session or plan", x.PaymentRef)
	}
	if err := ss.admission.sameAmount(ctx, r.Checkout, x.Amount, x.Currency); err != nil {
		return Extended{}, err
	}
	return Extended{Outcome: r.Checkout.Outcome, Replayed: true, CheckoutID: r.Checkout.ID, Session: r.Session}, nil
}
