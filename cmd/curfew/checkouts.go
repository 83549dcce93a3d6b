package main

import (
	"context"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// checkoutsCommand lists and resolves payments.
type checkoutsCommand struct {
	List   listCheckouts  `cmd:"" help:"List payments that need attention, or by outcome."`
	Show   showCheckout   `cmd:"" help:"Show one payment with its history."`
	Fulfil fulfilCheckout `cmd:"" help:"${fulfil}"`
	Refund refundCheckout `cmd:"" help:"${refund}"`
	Assign assignCheckout `cmd:"" help:"${assign}"`
	Credit creditCheckout `cmd:"" help:"${credit}"`

	Evidence checkoutEvidence `cmd:"" help:"Print what is known of a disputed payment as JSON, in the fields of Stripe's dispute evidence."`

	Ignore  ignoreCheckout  `cmd:"" help:"Say that a held payment is for nothing sold here: nothing is owed for it, and health says no more of it."`
	Restore restoreCheckout `cmd:"" help:"Hold an ignored payment for an operator after all."`
}

// pageOfCheckouts is how many payments are read at once.
const pageOfCheckouts = 100

type listCheckouts struct {
	Outcome  []string `placeholder:"OUTCOME" help:"Only these: promised, fulfilled, deferred, held, credited, refund_due, refunding, refunded, forfeited, void, ignored."`
	Customer string   `placeholder:"ID" help:"Only this customer's, with any outcome."`
	Email    string   `placeholder:"ADDRESS" help:"Only those paid with this address, with any outcome."`
	Concern  string   `placeholder:"CONCERN" help:"Only those with this concern, with any outcome: refund_failed, capture_failed, payment_lost, payment_disagrees."`
	Disputed bool     `help:"Only those disputed by the customer's bank, with any outcome."`
	Limit    int      `default:"100" help:"List at most this many, oldest first."`
	JSON     bool     `help:"Print JSON."`
}

// Run lists payments, oldest first.
func (c *listCheckouts) Run(ctx context.Context, s *settings, term terminal) error {
	outcomes, err := c.outcomes()
	if err != nil {
		return err
	}
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		var all []curfew.Checkout
		for _, outcome := range outcomes {
			found, err := c.list(ctx, keeper, outcome)
			if err != nil {
				return err
			}
			all = append(all, found...)
		}
		payments, err := keeper.Checkouts.Ledgers(ctx, all)
		if err != nil {
			return err
		}
		return c.print(term, all, payments)
	})
}

func (c *listCheckouts) outcomes() ([]curfew.Outcome, error) {
	if c.Limit < 1 {
		return nil, usagef("--limit must be at least 1, not %d", c.Limit)
	}
	if c.Concern != "" && !slices.Contains(record.Concerns(), c.Concern) {
		return nil, usagef("there is no concern %q: the concerns are %s", c.Concern, config.List(record.Concerns()))
	}
	var outcomes []curfew.Outcome
	for _, text := range c.Outcome {
		outcome, err := parseOutcome(text)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, outcome)
	}
	switch {
	case len(outcomes) > 0:
		return outcomes, nil
	case c.Concern != "" || c.Disputed || c.Customer != "" || c.Email != "":
		return []curfew.Outcome{""}, nil
	}
	return []curfew.Outcome{curfew.Held, curfew.RefundDue, curfew.Refunding, curfew.Deferred}, nil
}

func parseOutcome(text string) (curfew.Outcome, error) {
	for _, o := range curfew.Outcomes() {
		if string(o) == text {
			return o, nil
		}
	}
	return "", usagef("there is no outcome %q: the outcomes are %s", text, config.List(curfew.Outcomes()))
}

func (c *listCheckouts) list(ctx context.Context, keeper *lifecycle.Keeper, outcome curfew.Outcome) ([]curfew.Checkout, error) {
	var all []curfew.Checkout
	search := curfew.CheckoutSearch{Outcome: outcome, CustomerID: c.Customer, Email: c.Email, Concern: c.Concern, Limit: pageOfCheckouts}
	for {
		page, err := keeper.Checkouts.ListCheckouts(ctx, search)
		if err != nil {
			return nil, err
		}
		for _, checkout := range page {
			search.After = checkout.ID
			if c.Disputed && checkout.DisputedAt.IsZero() {
				continue
			}
			if all = append(all, checkout); len(all) == c.Limit {
				return all, nil
			}
		}
		if len(page) < pageOfCheckouts {
			return all, nil
		}
	}
}

func (c *listCheckouts) print(term terminal, all []curfew.Checkout, payments map[string]record.Ledger) error {
	if c.JSON {
		return term.json(map[string]any{"checkouts": wire.CheckoutDetails(all, payments)})
	}
	if len(all) == 0 {
		term.printf("None.\n")
		return nil
	}
	rows := [][]string{{"ID", "REFERENCE", "CUSTOMER", "PLAN", "AMOUNT", "OUTCOME", "AGE", "NOTE"}}
	for _, k := range all {
		rows = append(rows, []string{
			k.ID, record.Title(k), customerOf(k), k.Plan, paid(k), string(k.Outcome),
			lifecycle.Span(time.Since(k.CreatedAt)), oneLine(k.Note),
		})
	}
	columns(term.out, rows...)
	return nil
}

type showCheckout struct {
	Checkout string `arg:"" help:"Its id, or the payment's reference."`
	JSON     bool   `help:"Print JSON."`
}

// Run shows one payment with its history.
func (c *showCheckout) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		checkout, err := keeper.Checkouts.Checkout(ctx, c.Checkout)
		if err != nil {
			return err
		}
		aboutCheckout(ctx, checkout)
		events, err := keeper.Checkouts.CheckoutEvents(ctx, checkout)
		if err != nil {
			return err
		}
		payments, err := keeper.Checkouts.Ledgers(ctx, []curfew.Checkout{checkout})
		if err != nil {
			return err
		}
		return c.print(term, checkout, payments, events)
	})
}

func (c *showCheckout) print(term terminal, k curfew.Checkout, payments map[string]record.Ledger, events []curfew.Event) error {
	if c.JSON {
		return term.json(wire.CheckoutDetail(k, payments, events))
	}
	printCheckout(term, k, timeline.Money(payments[k.Payment()], k)...)
	term.printf("\n")
	rows := [][]string{{"WHEN", "BECAME", "BY", "WHY"}}
	for _, e := range events {
		rows = append(rows, []string{e.At.Format("2006-01-02 15:04:05"), e.To, e.Actor.String(), oneLine(e.Reason)})
	}
	columns(term.out, rows...)
	return nil
}

// printCheckout prints a payment, and the state of its money if that is known.
func printCheckout(term terminal, k curfew.Checkout, money ...string) {
	now := time.Now()
	rows := [][]string{
		{"checkout", k.ID},
		{"reference", record.Title(k)},
		{"customer", customerOf(k)},
		{"plan", k.Plan},
		{"amount", paid(k)},
		{"outcome", string(k.Outcome)},
		{"since", moment(k.UpdatedAt, now)},
	}
	for i, sentence := range money {
		rows = append(rows, []string{map[bool]string{true: "money"}[i == 0], sentence})
	}
	for _, more := range [][]string{
		{"session", k.SessionID}, {"payment", k.PaymentID}, {"refund", k.RefundID}, {"note", oneLine(k.Note)},
	} {
		if more[1] != "" {
			rows = append(rows, more)
		}
	}
	if k.Attempts > 0 {
		rows = append(rows, []string{"asked for the refund", plural(int(k.Attempts), "time")})
	}
	if k.Outcome == curfew.RefundDue || k.Outcome == curfew.Refunding {
		rows = append(rows, []string{"to be given back", curfew.Amount(k.Due(), k.Currency)})
	}
	if !k.DisputedAt.IsZero() {
		rows = append(rows, []string{"disputed", moment(k.DisputedAt, now)})
	}
	columns(term.out, rows...)
}

type fulfilCheckout struct {
	Checkout string `arg:"" help:"Its id, or the payment's reference."`
	Reason   string `placeholder:"TEXT" help:"Kept in the payment's history."`
}

// Run fulfills a held payment.
func (c *fulfilCheckout) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		f, err := keeper.Checkouts.FulfillHeld(ctx, operator(), c.Checkout, c.Reason)
		about(ctx, "", f.CheckoutID, "")
		return printFulfilment(term, f, err)
	})
}

type assignCheckout struct {
	Checkout string `arg:"" help:"Its id, or the payment's reference."`
	Customer string `required:"" placeholder:"ID" help:"The customer it belongs to."`
	Plan     string `required:"" placeholder:"NAME" help:"The plan it pays for."`
	StartsAt string `placeholder:"TIME" help:"The start of an appointment: 2026-12-24T10:00:00Z, or with an offset."`
	Reason   string `placeholder:"TEXT" help:"Kept in the payment's history."`
}

// Run assigns a held payment to a customer, and fulfills it.
func (c *assignCheckout) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeeper(ctx, term, func(_ database, keeper *lifecycle.Keeper) error {
		about(ctx, c.Customer, "", "")
		if c.StartsAt == "" {
			f, err := keeper.Checkouts.AssignHeld(ctx, operator(), c.Checkout, c.Customer, c.Plan, c.Reason)
			return printFulfilment(term, f, err)
		}
		at, err := time.Parse(time.RFC3339, c.StartsAt)
		if err != nil {
			return usagef("--starts-at %q is no time with a zone: write it like 2026-12-24T10:00:00Z, or with an offset", c.StartsAt)
		}
		f, err := keeper.Checkouts.AssignHeldAt(ctx, operator(), c.Checkout, c.Customer, c.Plan, at, c.Reason)
		return printFulfilment(term, f, err)
	})
}

func printFulfilment(term terminal, f lifecycle.Fulfillment, err error) error {
	switch {
	case err != nil:
		return asUsage(err)
	case f.Outcome == curfew.Deferred && f.Blocker != nil:
		term.printf("Deferred: %s\nIts session follows when the slot is free.\n", curfew.Refusal(*f.Blocker))
	case f.SessionID != "":
		term.printf("%s, with session %s\n", f.Outcome, f.SessionID)
	default:
		term.printf("%s\n", f.Outcome)
	}
	return nil
}

type refundCheckout struct {
	Checkout string `arg:"" help:"Its id, or the payment's reference."`
	Reason   string `required:"" placeholder:"TEXT" help:"Kept in the payment's history."`
	ByHand   bool   `help:"It has already been refunded outside Curfew. ${by_hand}"`
}

// Run makes a refund due, or records one made by hand.
func (c *refundCheckout) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDesk(ctx, term, func(d approval.Desk) error {
		k, asked, err := d.Refund(ctx, operator(), c.Checkout, c.Reason, c.ByHand)
		aboutCheckout(ctx, k)
		switch {
		case err != nil:
			return asUsage(err)
		case asked != nil:
			return printAsked(ctx, term, asked, nil)
		}
		printCheckout(term, k)
		return nil
	})
}

// aboutCheckout records for the audit log whose payment a command is about.
func aboutCheckout(ctx context.Context, k curfew.Checkout) {
	about(ctx, k.CustomerID, k.ID, "")
}

// customerOf returns the customer of a payment for display.
func customerOf(k curfew.Checkout) string {
	if k.CustomerID == curfew.Nobody {
		return "(unknown)"
	}
	return k.CustomerID
}

// paid returns the amount of a payment for display.
func paid(k curfew.Checkout) string {
	switch {
	case k.Free():
		return "free"
	case k.Amount == 0 && k.Currency == "":
		return "unknown" // the shop did not say
	}
	return curfew.Amount(k.Amount, k.Currency)
}
