package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The money of a plan with Plan.Capture is reserved at payment and taken later. One row, the
// checkout, says how far that is, and every step is compare and set:
//
//	authorised -> due        a mechanic accepts, or both are in: in the same transaction
//	due -> capturing         committed before the provider is asked
//	capturing -> captured    or failed: what the provider says, in whatever way it is reported
//	authorised, due -> releasing    the session was cancelled: in the same transaction
//	releasing -> released    what the provider says
//
// What is capturing is not released: it is captured and then given back, or fails.

const (
	// acceptWait is how long an acceptance waits for the bank's answer.
	acceptWait = 3 * time.Second
	// joinWait is how long after the acceptance a join waits for that answer. After that,
	// the session goes live on the authorization.
	joinWait = 30 * time.Second
	// joinLook is how often a waiting join checks for the answer.
	joinLook = 250 * time.Millisecond
)

// reserved reports whether the money of a checkout is reserved, and nobody has been asked to
// take it.
func reserved(c curfew.Checkout) bool { return c.Capture == "authorised" || c.Capture == "due" }

// released adapts a change of a checkout whose money is only reserved: instead of being
// credited or given back, the money is released, and nothing is owed.
func released(c record.CheckoutChange) record.CheckoutChange {
	if !reserved(c.From) {
		return c
	}
	switch c.To {
	case curfew.Void, curfew.Credited, curfew.RefundDue, curfew.Refunded:
		c.To, c.Capture, c.Refund = curfew.Void, "releasing", 0
	case curfew.Forfeited:
		c.Capture = "due"
	}
	return c
}

// SettleCaptures asks the provider to take or release reserved money, for every checkout
// for which that is due now. A claim is committed before each call, so the money is taken
// once however many processes call at the same time. Without a provider it does nothing.
// Errors: Unavailable.
func (ps *Payments) SettleCaptures(ctx context.Context) error {
	return ps.settleEach(ctx, "capture", ps.store.Capturable, func(ctx context.Context, c curfew.Checkout) error {
		return captures{ps}.settle(ctx, c, providerTimeout)
	})
}

// captures takes and releases the reserved money of payments.
type captures struct{ *Payments }

// settle moves one capture, or release, a step further. The limit is for each call of
// the provider. Conflict: somebody else did.
func (cs captures) settle(ctx context.Context, c curfew.Checkout, limit time.Duration) error {
	l, err := cs.store.Ledger(ctx, c.Payment())
	if err != nil {
		return err
	}
	if l.Duplicate(c) {
		return cs.forgo(ctx, c)
	}
	if decided(l) {
		return cs.settleByFunds(ctx, c, l)
	}
	asked, err := cs.write.Annotate(ctx, asking(c))
	if err != nil {
		return err
	}
	if err := cs.ask(ctx, asked, l, limit); err != nil {
		return cs.dismiss(ctx, asked.ID, err)
	}
	return nil
}

// forgo asks the provider for nothing, because another checkout of the same payment takes
// or releases the money.
func (cs captures) forgo(ctx context.Context, c curfew.Checkout) error {
	return failed(cs.write.Annotate(ctx, record.Annotation{
		From: c, Capture: "released", Reason: string(curfew.Duplicate), Actor: curfew.Cashier,
	}))
}

// decided reports whether nothing is reserved any more.
func decided(l record.Ledger) bool {
	state := l.Money().State
	return state == "captured" || state == "failed"
}

// asking claims the next call of the provider.
func asking(c curfew.Checkout) record.Annotation {
	step := "capturing"
	if c.Capture == "releasing" {
		step = c.Capture
	}
	return record.Annotation{From: c, Capture: step, Reason: curfew.CaptureReason(step), Actor: curfew.Cashier, Wait: refundWait(c.Attempts)}
}

// ask asks the provider to take or release the money of a checkout, and records the answer.
// It looks the payment up first if the provider has not named it or an earlier call may have
// taken effect; then the payment may turn out to be another checkout's. A call that is still
// under way has the same key, so only one of the two takes effect.
func (cs captures) ask(ctx context.Context, c curfew.Checkout, l record.Ledger, limit time.Duration) error {
	if !cs.serves(l) {
		return elsewhere(c, l)
	}
	if l.Name == "" || c.Attempts > 1 {
		var err error
		if l, err = cs.look(ctx, c, l, limit); err != nil || decided(l) || l.Money().State == "promised" { // it is being taken
			return err
		}
		if l.Duplicate(c) {
			return cs.forgo(ctx, c)
		}
	}
	order, ask := captureOrder(c, l), cs.provider.Capture
	if c.Capture == "releasing" {
		ask = cs.provider.Release
	}
	facts, err := limited(ctx, limit, order, ask)
	if errors.Is(err, curfew.PaymentRequired) { // the bank refuses: what it reserved is released
		facts, err = limited(ctx, limit, order, cs.provider.Release)
	}
	if errors.Is(err, curfew.Conflict) { // it is not reserved any more
		return failed(cs.look(ctx, c, l, limit))
	}
	if len(facts) > 0 {
		if err := cs.reportFacts(ctx, l, facts); err != nil {
			return err
		}
	}
	return err
}

// elsewhere is the error for money that a program of the marketplace takes and releases. If
// that has not happened by the second try, an operator is notified.
func elsewhere(c curfew.Checkout, l record.Ledger) error {
	kind, what := curfew.Invalid, "taken"
	if c.Attempts <= 1 {
		kind = curfew.Unavailable
	}
	if c.Capture == "releasing" {
		what = "released"
	}
	return curfew.Errorf(kind, "Curfew cannot ask %s: no message has said that the money was %s there", l.Provider, what)
}

// look reads a payment at the provider, and settles it by what that says.
func (cs captures) look(ctx context.Context, c curfew.Checkout, l record.Ledger, limit time.Duration) (record.Ledger, error) {
	asking, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n, err := cs.provider.Payment(asking, l.Account, cmp.Or(l.Name, c.Ref))
	if err != nil {
		return l, err
	}
	if l, err = cs.report(ctx, n); err != nil {
		return l, err
	}
	if err := cs.settlePayment(ctx, l); err != nil {
		return l, err
	}
	return cs.store.Ledger(ctx, l.ID)
}

func limited(
	ctx context.Context, limit time.Duration, o curfew.MoneyOrder, ask func(context.Context, curfew.MoneyOrder) ([]curfew.Fact, error),
) ([]curfew.Fact, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return ask(ctx, o)
}

// captureOrder is the order for the price of a checkout and the lines that follow it, at most
// what is reserved. The bank releases the rest by itself.
func captureOrder(c curfew.Checkout, l record.Ledger) curfew.MoneyOrder {
	b, price := l.Money(), record.LinesOf(c).Total
	o := curfew.MoneyOrder{
		Key: "capture:" + c.Ref, Account: l.Account, PaymentID: l.Name, Amount: cmp.Or(min(price, b.Authorised), b.Authorised), Currency: b.Currency,
	}
	if c.Capture == "releasing" {
		o.Key = "release:" + c.Ref
	}
	return o
}

// dismiss deals with a call that brought no money. It is tried again unless the payment
// has been decided meanwhile. If the provider rejects the call itself, the fault is
// Curfew's, and an operator is notified.
func (cs captures) dismiss(ctx context.Context, id string, refusal error) error {
	c, err := cs.store.Checkout(ctx, id)
	if err != nil || c.Capture != "capturing" && c.Capture != "releasing" {
		return err
	}
	cs.log.WarnContext(ctx, "the provider is asked for reserved money again later",
		"checkout", c.ID, "capture", c.Capture, "attempt", c.Attempts, "error", refusal)
	if unknown(refusal) {
		return ctx.Err()
	}
	return failed(cs.write.Annotate(ctx, record.Annotation{
		From: c, Reason: curfew.WithNote(curfew.RefundRefusedReason, refusal.Error()), Actor: curfew.Cashier,
		Note: refusal.Error(), Concern: record.CaptureFailed,
	}))
}

// markCapture records what became of reserved money.
func (ps *Payments) markCapture(ctx context.Context, c curfew.Checkout, b curfew.Balance) (curfew.Checkout, error) {
	var became string
	switch {
	case c.Capture == "":
	case b.State == "captured":
		became = "captured"
	case b.State == "failed" && (c.Capture == "releasing" || c.Capture == "released"):
		became = "released"
	case b.State == "failed":
		became = "failed"
	}
	if became == c.Capture || became == "" {
		return c, nil
	}
	return ps.write.Annotate(ctx, record.Annotation{From: c, Capture: became, Reason: curfew.CaptureReason(became), Actor: curfew.Provider})
}

// settleBrief deals with money that is reserved for too short a time: it is taken at once if
// the plan says so, and released otherwise.
func (ps *Payments) settleBrief(ctx context.Context, c curfew.Checkout) error {
	if !ps.rules.policy.Plans[c.Plan].CaptureEarly {
		return ps.takeBack(ctx, c, taken{curfew.Void, curfew.ByPayment, brief.String()})
	}
	return failed(ps.write.Annotate(ctx, record.Annotation{From: c, Capture: "due", Reason: curfew.WithNote(curfew.CaptureReason("due"), brief.String()), Actor: curfew.Provider}))
}

// settleAssigned takes the money of a payment that an operator assigned before its
// reservation was reported, and serves it. Otherwise the payment would wait until the
// reservation lapses.
func (cs captures) settleAssigned(ctx context.Context, c curfew.Checkout, l record.Ledger) error {
	if c.Outcome != curfew.Deferred || c.Capture != "" || l.Money().State != "authorised" {
		return nil
	}
	if repaired, err := cs.repaired(ctx, c); err != nil || !repaired {
		return err
	}
	_, err := cs.write.Annotate(ctx, record.Annotation{
		From: c, Capture: cmp.Or(cs.rules.captureOf(l, c), "due"), Reason: curfew.CaptureReason("due"), Actor: curfew.Provider,
	})
	if err != nil {
		return err
	}
	return failed(cs.admission.serveAndPresent(ctx, c.CustomerID, c.ID))
}

// takeNow asks for the money of a session that has just become due. If there is no answer
// within acceptWait, the worker goes on. It cannot fail, because the session's change is
// committed.
func (cs captures) takeNow(ctx context.Context, checkoutID string) {
	if cs.provider == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	c, err := cs.store.Checkout(ctx, checkoutID)
	if err == nil && c.Capture == "due" {
		err = cs.settle(ctx, c, acceptWait)
	}
	if err != nil && !errors.Is(err, curfew.Conflict) {
		cs.log.WarnContext(ctx, "reserved money was not taken yet", "checkout", checkoutID, "error", err)
	}
}

// await waits for the bank's answer on a session that a mechanic has accepted, until
// joinWait after that.
func (cs captures) await(ctx context.Context, s curfew.Snapshot) error {
	if cs.provider == nil {
		return nil
	}
	end := time.NewTimer(joinWait - s.Now.Sub(s.AcceptedAt))
	defer end.Stop()
	look := time.NewTicker(joinLook)
	defer look.Stop()
	for {
		cs.takeNow(ctx, s.CheckoutID)
		c, err := cs.store.Checkout(ctx, s.CheckoutID)
		if err != nil || c.Capture != "due" && c.Capture != "capturing" {
			return missing(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-look.C:
		}
	}
}

// failed drops the result of a call of which only the error counts.
func failed[T any](_ T, err error) error { return err }
