package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Provider is a payment provider. Errors: Unavailable if it is unknown whether the call
// took effect; with any other kind, nothing was done.
type Provider interface {
	// Refund gives money back, once per key. Money that was given back already counts as
	// done.
	Refund(ctx context.Context, o curfew.RefundOrder) (curfew.Repayment, error)
	// Refunds lists everything that was given back of a payment.
	Refunds(ctx context.Context, paymentID string) ([]curfew.Repayment, error)
	// Paid lists what was paid since a moment.
	Paid(ctx context.Context, since time.Time) iter.Seq2[curfew.Payment, error]
}

// Payments receives what a provider reports and asks it for refunds.
type Payments struct {
	reporter
	rules      *Rules
	quarantine *quarantine
	admission  *Admission
	sessions   *Sessions
	checkouts  *Checkouts
	provider   Provider // nil: there is none
	stop       stopSignal
	store      interface {
		customerStore
		claimStore
		checkoutStore
		repaymentStore
		owedStore
	}
	write interface {
		admissionStore
		changeStore
	}
}

// Receive handles one message of a provider. Messages have the same effect however often
// and in whatever order they arrive. A payment that cannot be used is held for an
// operator, so any error means that the message should be sent again.
func (ps *Payments) Receive(ctx context.Context, n curfew.Notice) error {
	ctx, end := ps.trace.Begin(ctx, "receive a notice")
	defer end()
	var err error
	switch n.Kind {
	case curfew.NoticePaid:
		if n.Payment.Paid {
			err = ps.receivePaid(ctx, n.Payment)
		}
	case curfew.NoticeRefunded:
		err = ps.receiveRefunded(ctx, n.Payment)
	case curfew.NoticeDisputed:
		err = ps.receiveDisputed(ctx, n.Payment)
	}
	if err != nil {
		return fmt.Errorf("receive %s: %w", n.ID, err)
	}
	return nil
}

// receivePaid admits a payment like any other report of one. Then it applies what was
// reported of its money before or meanwhile: whoever writes second sees what the other
// wrote.
func (ps *Payments) receivePaid(ctx context.Context, p curfew.Payment) error {
	if err := curfew.CheckRef("the payment's reference", p.Ref); err != nil {
		return err
	}
	if err := ps.admitPayment(ctx, p); err != nil {
		return err
	}
	return ps.applyRepayment(ctx, p.PaymentID)
}

// admitPayment admits what a payment is for, or records why it cannot be. A payment
// that was given back before gets no session.
func (ps *Payments) admitPayment(ctx context.Context, p curfew.Payment) error {
	back, err := ps.repaid(ctx, p)
	if err != nil {
		return err
	}
	if back.Covers(p.Amount, p.Currency) {
		return ps.record(ctx, p, curfew.Refunded, curfew.GivenBackBeforeReason)
	}
	if why := ownerless(p); why != "" {
		return ps.record(ctx, p, curfew.Held, why)
	}
	known, err := ps.apply(ctx, p)
	switch {
	case errors.Is(err, curfew.Invalid), errors.Is(err, curfew.NotFound):
		return ps.record(ctx, p, curfew.Held, err.Error())
	case errors.Is(err, curfew.IdempotencyMismatch), err == nil && known:
		return ps.seen(ctx, p)
	}
	return err
}

// apply does what the payment is for, in the same way as for a shop's report. It reports
// known if the reference was seen before, so that nothing was done. Invalid and NotFound
// (the session that it extends is missing, or another customer's) mean that the payment
// cannot be used as it is.
func (ps *Payments) apply(ctx context.Context, p curfew.Payment) (known bool, err error) {
	if p.Extends != "" {
		x, err := ps.sessions.Extend(ctx, curfew.Provider, extensionOf(p))
		return x.Replayed, err
	}
	f, err := ps.admission.FulfillCheckout(ctx, curfew.Provider, purchaseOf(p))
	return f.Replayed, err
}

func extensionOf(p curfew.Payment) Extension {
	return Extension{
		SessionID: p.Extends, CustomerID: p.CustomerID, Plan: p.Plan, PaymentRef: p.Ref, Amount: &p.Amount, Currency: p.Currency,
		Email: p.Email, Name: p.Name, Metadata: p.Metadata, PaymentID: p.PaymentID,
	}
}

func purchaseOf(p curfew.Payment) Purchase {
	purchase := Purchase{
		PaymentRef: p.Ref, CustomerID: p.CustomerID, Plan: p.Plan, Amount: &p.Amount, Currency: p.Currency,
		Email: p.Email, Name: p.Name, Metadata: p.Metadata, PaymentID: p.PaymentID,
	}
	if !p.StartsAt.IsZero() {
		purchase.StartsAt = &p.StartsAt
	}
	return purchase
}

// ownerless says why no customer can get a payment; empty: its customer can.
func ownerless(p curfew.Payment) string {
	if p.CustomerID == "" {
		return "the provider does not say whose it is"
	}
	if err := curfew.CheckID("customer id", p.CustomerID); err != nil {
		return err.Error() + ": " + curfew.Visible(p.CustomerID)
	}
	return ""
}

// record writes a payment that gets no session. If its reference is known, the message is
// a repetition.
func (ps *Payments) record(ctx context.Context, p curfew.Payment, outcome curfew.Outcome, why string) error {
	c := unusable(p, outcome, why)
	_, err := ps.admission.reference(ctx, &c, curfew.Provider)
	if err == nil || errors.Is(err, curfew.IdempotencyMismatch) {
		return ps.seen(ctx, p)
	}
	if !errors.Is(err, curfew.NotFound) {
		return err
	}
	c.ID = cmp.Or(c.ID, newID())
	_, err = ps.write.Record(ctx, c, curfew.Provider, why)
	if errors.Is(err, curfew.Conflict) {
		return ps.seen(ctx, p)
	}
	return err
}

// unusable is the checkout of a payment that gets no session.
func unusable(p curfew.Payment, outcome curfew.Outcome, why string) curfew.Checkout {
	c := curfew.Checkout{
		CustomerID: p.CustomerID, Ref: p.Ref, PaymentID: p.PaymentID, Plan: p.Plan, Amount: max(p.Amount, 0),
		Currency: strings.ToLower(p.Currency), Email: p.Email, Name: p.Name, Metadata: p.Metadata, Outcome: outcome, Note: why,
	}
	if curfew.CheckID("customer id", c.CustomerID) != nil {
		c.CustomerID = curfew.Nobody
	}
	return c
}

// seen handles a payment whose reference was seen before. It notes what does not match,
// and completes the provider's id and the amount if they were missing.
func (ps *Payments) seen(ctx context.Context, p curfew.Payment) error {
	r, err := ps.store.Reference(ctx, p.Ref)
	if errors.Is(err, curfew.NotFound) {
		return ps.disown(ctx, p)
	}
	if err != nil {
		return err
	}
	c := r.Checkout
	other := differs(c, p)
	if other != "" {
		ps.log.WarnContext(ctx, "a provider tells a known payment otherwise; it stays as it is", "ref", p.Ref, "checkout", c.ID, "what", other)
	}
	if c.PaymentID == "" && p.PaymentID != "" && (other == "" || other == "amount") {
		return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
			return record.Annotation{
				Reason:    fmt.Sprintf("the provider told its payment of %d %s", p.Amount, strings.ToLower(p.Currency)),
				PaymentID: p.PaymentID, Amount: max(p.Amount, 0), Currency: strings.ToLower(p.Currency),
			}, c.PaymentID == ""
		})
	}
	return nil
}

// differs names the ways in which a payment differs from its checkout.
func differs(c curfew.Checkout, p curfew.Payment) string {
	var what []string
	for name, other := range map[string]bool{
		"customer": p.CustomerID != "" && p.CustomerID != c.CustomerID,
		"plan":     p.Plan != "" && p.Plan != c.Plan,
		"amount":   p.Amount != c.Amount || !strings.EqualFold(p.Currency, c.Currency),
	} {
		if other {
			what = append(what, name)
		}
	}
	slices.Sort(what)
	return strings.Join(what, ", ")
}

// repaid records what was given back of a payment, and returns all that is known of it.
func (ps *Payments) repaid(ctx context.Context, p curfew.Payment) (curfew.Repayment, error) {
	r := curfew.Repayment{Amount: p.Refunded, Currency: strings.ToLower(p.Currency)}
	switch {
	case p.PaymentID == "":
		return r, nil
	case p.Refunded > 0:
		return ps.store.Repaid(ctx, p.PaymentID, r)
	}
	return ps.repayment(ctx, p.PaymentID)
}

// receiveRefunded records the refund, because its payment may not be known yet, and
// applies it to the payments that are.
func (ps *Payments) receiveRefunded(ctx context.Context, p curfew.Payment) error {
	if p.PaymentID == "" {
		ps.log.WarnContext(ctx, "a provider tells a refund of no payment", "ref", p.Ref)
		return nil
	}
	if _, err := ps.repaid(ctx, p); err != nil {
		return err
	}
	return ps.applyRepayment(ctx, p.PaymentID)
}

// receiveDisputed records the dispute, because its payment may not be known yet, and
// marks the payments that are.
func (ps *Payments) receiveDisputed(ctx context.Context, p curfew.Payment) error {
	if p.PaymentID == "" {
		ps.log.WarnContext(ctx, "a provider tells a dispute of no payment", "ref", p.Ref)
		return nil
	}
	if err := ps.store.Dispute(ctx, p.PaymentID); err != nil {
		return err
	}
	return ps.applyRepayment(ctx, p.PaymentID)
}

// annotate adds a note to a checkout as it is at that moment, unless say reports
// that the note is there already.
func (ps *Payments) annotate(ctx context.Context, id string, say func(curfew.Checkout) (record.Annotation, bool)) error {
	var err error
	for range tries {
		c, err2 := ps.store.Checkout(ctx, id)
		if err2 != nil {
			return err2
		}
		r, noteworthy := say(c)
		if !noteworthy {
			return nil
		}
		r.From, r.Actor = c, curfew.Provider
		if _, err = ps.write.Annotate(ctx, r); !errors.Is(err, curfew.Conflict) {
			return err
		}
	}
	return again(err)
}
