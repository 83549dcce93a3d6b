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
	// Quantity is how often the payment buys the plan; see Lines. 0 and 1: once.
	Quantity int64
	Plan     string
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
		if !l.Duplicate(c) {
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
		return cmp.Or(cmp.Compare(served(b), served(a)), cmp.Compare(max(a.Line, 1), max(b.Line, 1)), farther(a, b))
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

// Cost is what a checkout costs: all that was captured, where the shop did not say how much
// was paid.
func Cost(c curfew.Checkout, b curfew.Balance) int64 { return cmp.Or(c.Amount, b.Captured) }

// Due is what is to be given back of a checkout, of the money that was captured.
func Due(c curfew.Checkout, b curfew.Balance) int64 {
	return min(cmp.Or(c.Due(), b.Captured), b.Captured)
}

// GivenBack is how much of what was given back of the payment was given back for one of its
// checkouts. Nobody says for which one: what is refunded has had its money, what the
// provider was asked for gets it next, then what is owed, and then the lines from behind,
// those that were served last.
func (l Ledger) GivenBack(c curfew.Checkout, all int64) int64 {
	lines := slices.DeleteFunc(slices.Clone(l.Checkouts), func(other curfew.Checkout) bool {
		return other.ID == c.ID || l.Duplicate(other)
	})
	lines = append(lines, c)
	slices.SortFunc(lines, func(a, b curfew.Checkout) int {
		turn := cmp.Compare(l.turn(a), l.turn(b))
		if turn == 0 && l.turn(a) >= unserved {
			return cmp.Compare(b.Line, a.Line)
		}
		if turn == 0 && a.Outcome == curfew.Refunding {
			turn = a.FirstTryAt.Compare(b.FirstTryAt)
		}
		return cmp.Or(turn, cmp.Compare(a.Line, b.Line))
	})
	for i, other := range lines {
		last := i == len(lines)-1
		if other.ID == c.ID && last {
			return all
		}
		has := min(all, other.Due())
		if other.ID == c.ID {
			return has
		}
		all -= has
	}
	return 0
}

// unserved is the first turn of those for which no refund is meant.
const unserved = 4

// turn is when a checkout has its turn with what was given back. A refund that is known to
// have failed has brought nothing.
func (l Ledger) turn(c curfew.Checkout) int {
	switch c.Outcome {
	case curfew.Refunded:
		if c.RefundID != "" && l.failed(c.RefundID) {
			return 3
		}
		return 0
	case curfew.Refunding:
		return 1
	case curfew.RefundDue:
		return 2
	case curfew.Fulfilled:
		return unserved + 1
	}
	return unserved
}

// failed reports whether a refund gave nothing back.
func (l Ledger) failed(refund string) bool {
	return slices.ContainsFunc(l.Facts, func(f curfew.Fact) bool {
		return f.Kind == "refund" && f.Object == refund && (f.State == "failed" || f.State == "canceled")
	})
}

// Refunding returns another checkout of the payment for which the provider is asked to give
// money back; false: there is none. What it gives back then is for that one.
func (l Ledger) Refunding(c curfew.Checkout) (curfew.Checkout, bool) {
	for _, other := range l.Checkouts {
		if other.ID != c.ID && other.Outcome == curfew.Refunding {
			return other, true
		}
	}
	return curfew.Checkout{}, false
}

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
