package record

import (
	"cmp"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// PaymentReport is what one message, or one call, says of a payment.
type PaymentReport struct {
	Provider string
	Account  string
	// References name the payment, at least one. Name is the one of them that refunds and
	// captures use; empty: it is not among them.
	References []string
	Name       string
	Facts      []curfew.Fact
	// Amount is what was paid, and replaces what the shop had reported for the payment's
	// only checkout; an empty Currency leaves it.
	Amount   int64
	Currency string
	// Reason is that of the event that each checkout of the payment gets.
	Reason string
	Actor  curfew.Actor
}

// Ledger is a payment with everything that is known of it.
type Ledger struct {
	curfew.Payment
	// Version rises with everything new that is told of the payment. It is 0 while nobody
	// but the shop has spoken.
	Version   int64
	Checkouts []curfew.Checkout // what it pays for, oldest first
	// Before is the only checkout as it was, where a report has just replaced its amount.
	Before *curfew.Checkout
	Now    time.Time
}

// Money sums the payment up. What the shop reported counts until the provider speaks.
func (l Ledger) Money() curfew.Balance {
	var reported int64
	var currency string
	for _, c := range l.Checkouts {
		if !Duplicate(c) {
			reported += c.Amount
			currency = cmp.Or(currency, c.Currency)
		}
	}
	return l.Balance(reported, currency)
}

// LeftFor is how much of what the payment is worth is left for one of its checkouts, after
// those that have had a session and those before it.
func (l Ledger) LeftFor(c curfew.Checkout, worth int64) int64 {
	lines := slices.Clone(l.Checkouts)
	slices.SortStableFunc(lines, func(a, b curfew.Checkout) int {
		return cmp.Or(cmp.Compare(served(b), served(a)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.ID, b.ID))
	})
	for _, other := range lines {
		if other.ID == c.ID {
			break
		}
		switch other.Outcome {
		case curfew.Void, curfew.Ignored, curfew.Refunded, curfew.Refunding, curfew.RefundDue:
		default:
			worth -= min(worth, other.Amount)
		}
	}
	return worth
}

// PaymentIDs returns the payments of some checkouts, each once. A free one has none.
func PaymentIDs(checkouts []curfew.Checkout) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, c := range checkouts {
		if id := c.Payment(); !c.Free() && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// Ledgers puts payments together with those of their checkouts that are at hand, by id.
func Ledgers(payments []curfew.Payment, checkouts []curfew.Checkout) map[string]Ledger {
	all := make(map[string]Ledger, len(payments))
	for _, p := range payments {
		all[p.ID] = Ledger{Payment: p}
	}
	for _, c := range slices.SortedFunc(slices.Values(checkouts), older) {
		if l, ok := all[c.Payment()]; ok {
			l.Checkouts = append(l.Checkouts, c)
			all[l.ID] = l
		}
	}
	return all
}

func served(c curfew.Checkout) int {
	if c.Outcome == curfew.Fulfilled {
		return 1
	}
	return 0
}

// Duplicate reports whether a checkout turned out to be of a payment that another checkout
// had been recorded for.
func Duplicate(c curfew.Checkout) bool { return c.LineOf != "" && c.LineOf != c.ID && c.Line <= 1 }

// ProviderMessage is a provider's message that was genuine and could not be used.
type ProviderMessage struct {
	Provider string
	Account  string
	ID       string // the provider's
	Type     string // the provider's
	Body     string
	Reason   string // why it could not
	At       time.Time
}
