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
	// Serves reports whether payments that notices call by a provider's name are this
	// one's to ask about.
	Serves(provider string) bool
	// Payment is what is known of one payment, by any of its names.
	Payment(ctx context.Context, account, name string) (curfew.Notice, error)
	// Paid lists what customers paid, or promised to, since a moment, as its messages
	// would say it.
	Paid(ctx context.Context, since time.Time) iter.Seq2[curfew.Notice, error]
	// Missed lists the messages since a moment that did not reach us.
	Missed(ctx context.Context, since time.Time) iter.Seq2[curfew.Notice, error]
}

// mover moves the money of payments.
type mover interface {
	// Refund gives money back, once per key, and returns what became of it. Money that
	// was given back already counts as done.
	Refund(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error)
	// Refunds lists all refunds of a payment, by its name, also those that failed.
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

// Receive handles one message of a provider: it records what the message says, before it
// judges it. Messages have the same effect however often and in whatever order they
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

// became is what became of a message, for the metrics.
func became(n curfew.Notice) string {
	switch {
	case n.Unread != "" || unusable(n) != "":
		return "kept"
	case aboutNothing(n):
		return "ignored"
	}
	return "recorded"
}

// aboutNothing reports whether a message says nothing of a payment.
func aboutNothing(n curfew.Notice) bool {
	return len(n.References) == 0 || len(n.Facts) == 0 && n.Order == nil && !n.Naming
}

// Ledger returns what is known of a payment, by any of its names, and what it pays for.
// Errors: NotFound, Unavailable.
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

// overtaken reports whether the checkout costs something else than its order: a shop was
// faster, and said another amount, or none. Reported again, the provider's is learned.
func overtaken(l record.Ledger, o curfew.Order) bool {
	c, ok := l.First()
	return ok && (record.LinesOf(c).Total != max(o.Amount, 0) || !strings.EqualFold(c.Currency, o.Currency))
}

// unusable says why nothing can be recorded of a message; empty: it can.
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

// keep keeps a genuine message that nothing can be done with, without who it is about.
func (ps *Payments) keep(ctx context.Context, n curfew.Notice) error {
	ps.log.WarnContext(ctx, "a provider's message was kept, and changed nothing", "provider", n.Provider, "id", n.ID, "type", n.Type, "why", n.Unread)
	ps.refused.count(refusedAs{n.Provider, record.Unusable})
	ps.noted(ctx, "counting unusable messages failed", ps.keepRefused(ctx, ps.refused.due(time.Now())))
	return ps.store.KeepMessage(ctx, record.ProviderMessage{
		Provider: n.Provider, Account: n.Account, ID: n.ID, Type: n.Type, Body: textOf(record.WithoutContacts(n.Body)), Reason: n.Unread, At: n.At,
	})
}

// textOf is a body as a database keeps it: what is no text is in base64.
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

// reportedReason is that of an event with what a provider reports. A note says what.
const reportedReason = "the provider reports"

// sentence tells what a message says, for the history.
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
