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

// Provider moves money, in Curfew's words. Errors: Unavailable where it cannot
// say what became of a call; other kinds mean that nothing was done.
type Provider interface {
	// Refund gives money back, once for a key. What was given back already
	// counts as done.
	Refund(ctx context.Context, o curfew.RefundOrder) (curfew.Repayment, error)
	// Refunds is everything that was given back of a payment.
	Refunds(ctx context.Context, paymentID string) ([]curfew.Repayment, error)
	// Paid is what was paid since then.
	Paid(ctx context.Context, since time.Time) iter.Seq2[curfew.Payment, error]
}

// Payments takes in what a provider reports, and asks it for refunds.
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

// Receive takes in one message of a provider. However often and in whatever
// order messages come, they have one effect. What cannot be used is held for an
// operator, so an error means: send it again.
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

// receivePaid is the entry for a payment of a provider: the same one as for
// everybody. What was told of its money before or meanwhile holds: whoever
// writes second sees what the other wrote.
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

// apply does what the payment is for, through the entry that a shop's report
// takes too; known: its reference was seen, and nothing was done. Invalid and
// NotFound (the session that it extends is missing, or another customer's): it
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

// ownerless says why nobody can have a payment; empty: its customer can.
func ownerless(p curfew.Payment) string {
	if p.CustomerID == "" {
		return "the provider does not say whose it is"
	}
	if err := curfew.CheckID("customer id", p.CustomerID); err != nil {
		return err.Error() + ": " + curfew.Visible(p.CustomerID)
	}
	return ""
}

// record writes a payment that gets no session. If its reference is known it is
// a message that comes again.
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

// unusable is a payment as a checkout that gets no session.
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

// seen is a payment whose reference was seen: nothing is done but to say what
// does not fit, and to learn what the provider calls it and how much it was.
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

// differs names what a payment has otherwise than its checkout.
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

// repaid keeps and answers what is known to have been given back of a payment.
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

// receiveRefunded keeps the refund, because its payment may not be known yet,
// and gives back what is.
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

// receiveDisputed keeps what a bank asks back, because its payment may not be
// known yet, and marks what is.
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
