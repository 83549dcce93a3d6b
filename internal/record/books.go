package record

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// The books say for a span of time, usually a month, what became of the money: what came, what
// was given back or lost, and what was still open at its end. They follow entirely from the
// stored facts and events, so they can be computed again at any time. A fact counts at its
// provider's time, an event at the database's.

// Booked is a payment, and what its checkouts were when the span began and when it ended.
type Booked struct {
	Ledger
	From, To time.Time
	// Began and Ended are the outcomes at From and To, by checkout, also others'; empty: it was
	// not recorded yet.
	Began, Ended map[string]curfew.Outcome
}

// Then is the state of a checkout at the two ends of a span.
type Then struct {
	CheckoutID   string
	Began, Ended curfew.Outcome
}

// CheckoutIDs returns the ids of the checkouts.
func (rows PaymentRows) CheckoutIDs() []string {
	ids := make([]string, len(rows.Checkouts))
	for i, c := range rows.Checkouts {
		ids[i] = c.ID
	}
	return ids
}

// Booked returns the payments with these ids that have checkouts, in their order.
func (rows PaymentRows) Booked(ids []string, from, to time.Time, then []Then) []Booked {
	began, ended := map[string]curfew.Outcome{}, map[string]curfew.Outcome{}
	for _, t := range then {
		began[t.CheckoutID], ended[t.CheckoutID] = t.Began, t.Ended
	}
	var all []Booked
	for _, id := range ids {
		if l, _ := rows.Ledger(id); len(l.Checkouts) > 0 {
			all = append(all, Booked{l, from, to, began, ended})
		}
	}
	return all
}

// BookFigures are amounts in a currency's minor unit. The first four are what the span added: one
// is negative where it took away more, because a refund of an earlier month failed, or a
// dispute was won after all. The others are what was open at its end.
type BookFigures struct {
	Captured, Refunded, Lost, Forfeited      int64
	Disputed, Credits, Deferred, Held, Owing int64
}

// BookLine is one payment in the books.
type BookLine struct {
	// At is when the provider got the money, or when it was reported.
	At         time.Time
	Reference  string
	Provider   string
	Account    string
	CustomerID string // empty: unknown
	Plans      []string
	Outcomes   []curfew.Outcome // at the end, in the order of the plans
	Currency   string           // empty: unknown
	// OnTrust: only the shop has reported the payment.
	OnTrust bool
	BookFigures
}

// BookTotal is the sum of the lines of one currency.
type BookTotal struct {
	Currency string
	Payments int
	OnTrust  int64 // of what was captured
	BookFigures
}

// Add adds figures to figures.
func (f *BookFigures) Add(other BookFigures) {
	for i, to := range f.all() {
		*to += *other.all()[i]
	}
}

func (f *BookFigures) all() []*int64 {
	return []*int64{&f.Captured, &f.Refunded, &f.Lost, &f.Forfeited, &f.Disputed, &f.Credits, &f.Deferred, &f.Held, &f.Owing}
}

// Totals adds lines to totals, which are in the order of currencies.
func Totals(totals []BookTotal, lines ...BookLine) []BookTotal {
	for _, line := range lines {
		i, known := slices.BinarySearchFunc(totals, line.Currency, func(t BookTotal, currency string) int {
			return strings.Compare(t.Currency, currency)
		})
		if !known {
			totals = slices.Insert(totals, i, BookTotal{Currency: line.Currency})
		}
		totals[i].Payments++
		totals[i].Add(line.BookFigures)
		if line.OnTrust {
			totals[i].OnTrust += line.Captured
		}
	}
	return totals
}

// Line returns the payment's line; false if none of its money moved in the span or is open,
// or if the payment is not Curfew's.
func (b Booked) Line() (BookLine, bool) {
	b.Checkouts = slices.DeleteFunc(slices.Clone(b.Checkouts), b.Duplicate)
	if !slices.ContainsFunc(b.Checkouts, func(c curfew.Checkout) bool { return c.Outcome != curfew.Ignored }) {
		return BookLine{}, false
	}
	first, money := b.Checkouts[0], b.Money()
	line := BookLine{
		At: b.paidAt(), Reference: cmp.Or(first.Ref, b.Name, first.ID), Provider: b.Provider, Account: b.Account,
		CustomerID: first.CustomerID, Currency: money.Currency, OnTrust: b.onTrust(),
	}
	if line.CustomerID == curfew.Nobody {
		line.CustomerID = ""
	}
	for _, c := range b.Checkouts {
		line.Plans = append(line.Plans, c.Plan)
		line.Outcomes = append(line.Outcomes, b.outcome(c, b.Ended, b.To))
	}
	before, after := b.figuresAt(b.From, b.Began), b.figuresAt(b.To, b.Ended)
	line.BookFigures = after
	line.Captured -= before.Captured
	line.Refunded -= before.Refunded
	line.Lost -= before.Lost
	line.Forfeited -= before.Forfeited
	return line, line.BookFigures != BookFigures{}
}

// onTrust reports whether no provider has said whether the money came.
func (b Booked) onTrust() bool {
	return !slices.ContainsFunc(b.Facts, func(f curfew.Fact) bool { return f.Kind == "attempt" || f.Kind == "promise" })
}

// paidAt is when the money came, or when it was reported.
func (b Booked) paidAt() (at time.Time) {
	for _, f := range b.Facts {
		if paid := f.Kind == "attempt" && f.State == "captured"; paid && (at.IsZero() || b.timeOf(f).Before(at)) {
			at = b.timeOf(f)
		}
	}
	if at.IsZero() {
		return b.Checkouts[0].CreatedAt
	}
	return at
}

// timeOf is a fact's time. One that has none counts when the payment was recorded.
func (b Booked) timeOf(f curfew.Fact) time.Time {
	if f.At.IsZero() {
		return b.Checkouts[0].CreatedAt
	}
	return f.At
}

// outcome is what a checkout was at a moment. The present outcome stands in for events that
// are lost.
func (b Booked) outcome(c curfew.Checkout, then map[string]curfew.Outcome, at time.Time) curfew.Outcome {
	if then[c.ID] == "" && c.CreatedAt.Before(at) {
		return c.Outcome
	}
	return then[c.ID]
}

// figuresAt returns what had been received and given back before a moment, and what was open then.
func (b Booked) figuresAt(at time.Time, then map[string]curfew.Outcome) BookFigures {
	var reported int64
	l := Ledger{Payment: b.Payment}
	l.Facts = slices.DeleteFunc(slices.Clone(b.Facts), func(f curfew.Fact) bool { return !b.timeOf(f).Before(at) })
	for _, c := range b.Checkouts {
		if b.onTrust() && c.CreatedAt.Before(at) {
			reported += c.Amount
		}
		c.Outcome = b.outcome(c, then, at)
		l.Checkouts = append(l.Checkouts, c)
	}
	money := l.Balance(reported, b.Checkouts[0].Currency)
	f := BookFigures{Captured: money.Captured, Refunded: money.Refunded, Lost: money.Lost, Disputed: min(money.Disputed, money.Captured-money.Gone())}
	for _, c := range l.Checkouts {
		left := min(Cost(c, money), l.LeftFor(c, money.Worth()))
		switch c.Outcome {
		case curfew.Credited:
			f.Credits += left
		case curfew.Deferred:
			f.Deferred += left
		case curfew.Held:
			f.Held += left
		case curfew.Forfeited:
			f.Forfeited += left
		case curfew.RefundDue, curfew.Refunding:
			f.Owing += min(Due(c, money), left)
		}
	}
	return f
}
