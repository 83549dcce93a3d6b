package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// funds is what a payment's money allows one of its checkouts to do.
type funds int8

const (
	spendable funds = iota // it is worth its price
	awaited                // nobody says yet whether the money comes
	frozen                 // it may be taken back, so it is not spent, given up or refunded for now
	partly                 // a part of it is gone
	returned               // all of it was given back
	lost                   // it was never paid, or was taken back
	brief                  // it is reserved for less time than the session may need
)

// String says to outsiders why a payment buys nothing now.
func (s funds) String() string {
	switch s {
	case awaited:
		return "the payment has not arrived yet"
	case frozen:
		return "the customer's bank disputes the payment, or a refund of it is under way"
	case partly:
		return "a part of the payment was given back"
	case returned:
		return "the payment was given back"
	case lost:
		return "the payment failed, or was taken back"
	case brief:
		return "the bank reserves the money for less time than the session may need"
	}
	return "paid"
}

// funds returns what the money allows a checkout, which need not be in the ledger yet.
func (r *Rules) funds(l record.Ledger, c curfew.Checkout) funds {
	if !slices.ContainsFunc(l.Checkouts, func(other curfew.Checkout) bool { return other.ID == c.ID }) {
		l.Checkouts = append(slices.Clone(l.Checkouts), c)
	}
	switch b := l.Money(); b.State {
	case "failed":
		return lost
	case "reported", "captured":
		return fundsLeft(l, c, b)
	case "promised":
		if r.policy.Plans[c.Plan].Delayed {
			return spendable
		}
	case "authorised":
		return r.fundsReserved(l, c, b)
	}
	return awaited
}

// fundsLeft is the funds of a checkout whose money was taken.
func fundsLeft(l record.Ledger, c curfew.Checkout, b curfew.Balance) funds {
	left := l.LeftFor(c, b.Worth())
	switch {
	case left >= record.Cost(c, b) && (left > 0 || b.Gone()+b.Open() == 0):
		return spendable
	case b.Open() > 0:
		return frozen
	case left > 0:
		return partly
	case b.Lost == 0 && b.Refunded > 0:
		return returned
	}
	return lost
}

// fundsReserved is the funds of a checkout whose money is reserved at the bank. Where it is
// being taken already, that decides.
func (r *Rules) fundsReserved(l record.Ledger, c curfew.Checkout, b curfew.Balance) funds {
	if c.Capture == "due" || c.Capture == "capturing" {
		return spendable
	}
	switch left := l.LeftFor(c, b.Authorised); {
	case c.Capture != "authorised":
		return awaited
	case !l.Now.Before(r.reservedUntil(l, c, b)):
		return lost
	case r.reservedUntil(l, c, b).Before(r.neededUntil(l, c)):
		return brief
	case left >= c.Amount && left > 0:
		return spendable
	case left > 0:
		return partly
	}
	return lost
}

// reserveMargin is how long before an authorization lapses it counts as lapsed.
const reserveMargin = time.Hour

// reservedUntil is until when the money of a checkout can be taken for certain.
func (r *Rules) reservedUntil(l record.Ledger, c curfew.Checkout, b curfew.Balance) time.Time {
	until := b.AuthorisedUntil
	if until.IsZero() {
		until = recordedAt(l, c).Add(r.policy.AuthorizationLife)
	}
	return until.Add(-reserveMargin)
}

// neededUntil is the latest moment at which a mechanic may accept what a checkout pays for:
// it may have to wait for the customer's slot, and then for a mechanic.
func (r *Rules) neededUntil(l record.Ledger, c curfew.Checkout) time.Time {
	if !c.StartsAt.IsZero() {
		return c.StartsAt.Add(r.policy.ScheduledGrace + r.policy.MaxWait)
	}
	return recordedAt(l, c).Add(r.policy.DeferTTL + r.policy.MaxWait)
}

// recordedAt is when a checkout was recorded, or is about to be.
func recordedAt(l record.Ledger, c curfew.Checkout) time.Time {
	if c.CreatedAt.IsZero() {
		return l.Now
	}
	return c.CreatedAt
}

// captureOf is the Capture of a checkout that is about to be recorded.
func (r *Rules) captureOf(l record.Ledger, c curfew.Checkout) string {
	plan := r.policy.Plans[c.Plan]
	switch b := l.Balance(0, ""); {
	case !plan.Reserves():
		return ""
	case b.State == "captured":
		return "captured"
	case b.State == "authorised" && plan.CaptureEarly && r.reservedUntil(l, c, b).Before(r.neededUntil(l, c)):
		return "due"
	}
	return "authorised"
}

// ledgers reads payments.
type ledgers struct {
	rules *Rules
	store ledgerStore
}

// funds returns what its money allows a checkout. The money is read no earlier than the
// checkout, so a later change of the checkout, which checks its version, has seen every
// report.
func (ls ledgers) funds(ctx context.Context, c curfew.Checkout) (funds, error) {
	if c.Free() {
		return spendable, nil
	}
	l, err := ls.store.Ledger(ctx, c.Payment())
	if err != nil {
		return lost, fmt.Errorf("look at the payment of checkout %s: %w", c.ID, err)
	}
	return ls.rules.funds(l, c), nil
}

// firstSpendable returns the first checkout that can pay for a session now; if none can,
// it says why. NotFound: there are no checkouts.
func (ls ledgers) firstSpendable(ctx context.Context, all []curfew.Checkout) (curfew.Checkout, error) {
	why := error(curfew.NotFound)
	for _, c := range all {
		s, err := ls.funds(ctx, c)
		if err != nil || s == spendable {
			return c, err
		}
		why = curfew.Errorf(curfew.PaymentRequired, "%s", s)
	}
	return curfew.Checkout{}, why
}
