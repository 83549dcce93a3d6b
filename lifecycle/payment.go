package lifecycle

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Provider is a payment provider. Errors: Unavailable if it is unknown whether the call
// took effect; with any other kind, nothing was done.
type Provider interface {
	mover
	// Serves reports whether this provider can be asked about payments of the provider with
	// this name.
	Serves(provider string) bool
	// Payment returns what the provider knows about a payment, by any of its names.
	Payment(ctx context.Context, account, name string) (curfew.Notice, error)
	// Paid lists what customers have paid or promised since a moment, in the form of the
	// provider's messages.
	Paid(ctx context.Context, since time.Time) iter.Seq2[curfew.Notice, error]
	// Missed lists the messages since a moment that the provider could not deliver.
	Missed(ctx context.Context, since time.Time) iter.Seq2[curfew.Notice, error]
}

// mover moves the money of payments.
type mover interface {
	// Refund gives money back, once per key, and returns the resulting facts. If the money
	// was given back already, that counts as success.
	Refund(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error)
	// Refunds lists all refunds of a payment, including those that failed. It takes Payment.Name.
	Refunds(ctx context.Context, account, name string) ([]curfew.Fact, error)
	// Capture takes what is reserved, once per key, at most the amount, and returns what
	// became of it. PaymentRequired: the bank refuses. Conflict: nothing is reserved.
	Capture(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error)
	// Release gives up what is reserved. Conflict: it was taken.
	Release(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error)
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
	refused    refused
	asked      asked
	store      interface {
		claimStore
		checkoutStore
		sessionStore
		ledgerStore
		owedStore
		oneTimeStore
		differenceStore
		refusedStore
	}
	write interface {
		admissionStore
		changeStore
	}
}

// Receive handles one message of a provider: it records what the message says before it
// acts on it. Messages have the same effect however often and in whatever order they
// arrive. A payment that cannot be used is held for an operator, and a message that cannot
// be read is kept, so any error means that the message should be sent again.
func (ps *Payments) Receive(ctx context.Context, n curfew.Notice) error {
	ctx, end := ps.trace.Begin(ctx, "receive a notice")
	defer end()
	if err := ps.receive(ctx, n); err != nil {
		return fmt.Errorf("receive %s: %w", n.ID, err)
	}
	ps.observe.Received(n.Provider, became(n))
	return nil
}

// became returns what became of a message, for the metrics.
func became(n curfew.Notice) string {
	switch {
	case n.Unread != "" || unusable(n) != "":
		return "kept"
	case aboutNothing(n):
		return "ignored"
	}
	return "recorded"
}

// aboutNothing reports whether a message is not about a payment.
func aboutNothing(n curfew.Notice) bool {
	return len(n.References) == 0 || len(n.Facts) == 0 && n.Order == nil && !n.Naming
}

// Ledger returns a payment, by any of its names, with its facts and the checkouts that it
// pays for. Errors: NotFound, Unavailable.
func (ps *Payments) Ledger(ctx context.Context, ref string) (record.Ledger, error) {
	return ps.store.LedgerOf(ctx, ref)
}

func (ps *Payments) receive(ctx context.Context, n curfew.Notice) error {
	if n.Unread == "" {
		n.Unread = unusable(n)
	}
	switch {
	case n.Unread != "":
		return ps.keep(ctx, n)
	case aboutNothing(n):
		ps.log.InfoContext(ctx, "a provider's message is about no payment", "provider", n.Provider, "id", n.ID, "type", n.Type)
		return nil
	}
	l, err := ps.report(ctx, n)
	if err != nil {
		return err
	}
	if n.Order != nil && len(l.Checkouts) == 0 {
		if err := ps.admitOrder(ctx, n, l); err != nil {
			return err
		}
		if l, err = ps.store.Ledger(ctx, l.ID); err == nil && overtaken(l, *n.Order) {
			l, err = ps.report(ctx, n)
		}
		if err != nil {
			return err
		}
	}
	if n.Order != nil {
		if err := ps.compare(ctx, n, l); err != nil {
			return err
		}
	}
	return ps.settlePayment(ctx, l)
}

// overtaken reports whether the checkout has another amount than its order, because a
// shop that was faster reported another amount, or none. Reporting the payment again then
// sets the provider's amount.
func overtaken(l record.Ledger, o curfew.Order) bool {
	c, ok := l.First()
	return ok && (record.LinesOf(c).Total != max(o.Amount, 0) || !strings.EqualFold(c.Currency, o.Currency))
}

// unusable says why a message cannot be recorded; it is empty if it can.
func unusable(n curfew.Notice) string {
	for _, ref := range n.References {
		if err := curfew.CheckRef("a reference of the payment", ref); err != nil {
			return err.Error()
		}
	}
	for _, f := range n.Facts {
		if err := f.Check(); err != nil {
			return err.Error()
		}
	}
	return ""
}

// keep stores a genuine message that cannot be used, without the customer's personal data.
func (ps *Payments) keep(ctx context.Context, n curfew.Notice) error {
	ps.log.WarnContext(ctx, "a provider's message was kept, and changed nothing", "provider", n.Provider, "id", n.ID, "type", n.Type, "why", n.Unread)
	ps.refused.count(refusedAs{n.Provider, record.Unusable})
	ps.noted(ctx, "counting unusable messages failed", ps.keepRefused(ctx, ps.refused.due(time.Now())))
	return ps.store.KeepMessage(ctx, record.ProviderMessage{
		Provider: n.Provider, Account: n.Account, ID: n.ID, Type: n.Type, Body: textOf(record.WithoutContacts(n.Body)), Reason: n.Unread, At: n.At,
	})
}

// textOf returns a body in the form that databases store: as it is, or in base64 if it is not text.
func textOf(body []byte) string {
	if utf8.Valid(body) && !bytes.ContainsRune(body, 0) {
		return string(body)
	}
	return "base64:" + base64.StdEncoding.EncodeToString(body)
}

// report records the facts of a message.
func (ps *Payments) report(ctx context.Context, n curfew.Notice) (record.Ledger, error) {
	t := record.PaymentReport{
		Provider: n.Provider, Account: n.Account, References: n.References, Name: n.Name, Facts: n.Facts,
		Reason: sentence(n), Actor: curfew.Provider,
	}
	if o := n.Order; o != nil && n.Name != "" {
		t.Amount, t.Currency = max(o.Amount, 0), strings.ToLower(o.Currency)
		if o.Flaw == "" {
			t.Quantity, t.Plan = record.Ordered(*o).Count, o.Plan
		}
	}
	return ps.store.Report(ctx, t)
}

// reportedReason is the reason of events with a provider's report. A note says what it reported.
const reportedReason = "the provider reports"

// sentence describes a message, for the history.
func sentence(n curfew.Notice) string {
	var said []string
	for _, f := range n.Facts {
		text := strings.ReplaceAll(string(f.Kind), "_", " ") + " " + f.Object
		text += stateWords(f.State)
		if f.Amount > 0 {
			text += " (" + curfew.Amount(f.Amount, f.Currency) + ")"
		}
		if f.Reason != "" {
			text += ": " + curfew.Visible(f.Reason)
		}
		said = append(said, text)
	}
	if len(said) == 0 {
		return reportedReason
	}
	return curfew.WithNote(reportedReason, strings.Join(said, "; "))
}

// stateWords completes a sentence that begins with an object.
func stateWords(state string) string {
	switch state {
	case "total":
		return " so far"
	case "needs_response":
		return " needs a response"
	case "requires_action":
		return " needs something of the customer"
	}
	return " is " + strings.ReplaceAll(state, "_", " ")
}

// annotate adds a note to the checkout in its present state, unless say reports that the
// note is there already.
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
