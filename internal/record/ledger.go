package record

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// PaymentName is one name of a payment, as stores keep it.
type PaymentName struct {
	Ref        string
	PaymentID  string
	CustomerID string // of its first checkout; curfew.Nobody while it has none
	Plan       string
	Version    int64
	// Main is whether refunds and captures use it.
	Main bool
}

// PaymentFact is a fact, with the payment that it belongs to and who said it. The
// provider is empty for what an older program kept.
type PaymentFact struct {
	PaymentID string
	Provider  string
	Account   string
	curfew.Fact
}

// Repaid is what an older program kept of money that was given back.
type Repaid struct {
	PaymentID  string // the provider's
	Amount     int64
	Currency   string
	At         time.Time
	DisputedAt time.Time
}

// PaymentRows is everything that a store has of some payments, in any order.
type PaymentRows struct {
	Names     []PaymentName
	Checkouts []curfew.Checkout
	Facts     []PaymentFact
	Repaid    []Repaid
	Now       time.Time
}

// Ledger returns one of the payments; false: it has neither a name nor a checkout.
func (rows PaymentRows) Ledger(id string) (Ledger, bool) {
	l := Ledger{Payment: curfew.Payment{ID: id}, Now: rows.Now}
	for _, c := range rows.Checkouts {
		if c.Payment() == id {
			l.Checkouts = append(l.Checkouts, c)
		}
	}
	slices.SortFunc(l.Checkouts, older)
	names := rows.namesOf(id)
	for _, n := range names {
		l.References = append(l.References, n.Ref)
		l.Version = max(l.Version, n.Version)
		if n.Main && l.Name == "" {
			l.Name = n.Ref
		}
	}
	for _, c := range l.Checkouts {
		l.Name = cmp.Or(l.Name, c.PaymentID)
	}
	for _, f := range rows.factsOf(id, l) {
		l.Facts = append(l.Facts, f.Fact)
		if l.Provider == "" || f.Kind == "attempt" && !slices.ContainsFunc(l.Facts[:len(l.Facts)-1], attempt) {
			l.Provider, l.Account = f.Provider, f.Account
		}
	}
	return l, len(names)+len(l.Checkouts) > 0
}

// Payments returns the payments with these ids, in their order. One that is unknown has
// nothing but its id.
func (rows PaymentRows) Payments(ids []string) []curfew.Payment {
	all := make([]curfew.Payment, len(ids))
	for i, id := range ids {
		l, _ := rows.Ledger(id)
		all[i] = l.Payment
	}
	return all
}

func attempt(f curfew.Fact) bool { return f.Kind == "attempt" }

// older orders checkouts by when they were made.
func older(a, b curfew.Checkout) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
}

// farther orders checkouts by how far they have come; of those as far, the oldest is first.
func farther(a, b curfew.Checkout) int {
	return cmp.Or(cmp.Compare(Progress(b.Outcome), Progress(a.Outcome)), older(a, b))
}

// namesOf returns a payment's names in order.
func (rows PaymentRows) namesOf(id string) []PaymentName {
	var names []PaymentName
	for _, n := range rows.Names {
		if n.PaymentID == id {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b PaymentName) int { return strings.Compare(a.Ref, b.Ref) })
	return names
}

// factsOf returns a payment's facts in order. What an older program kept counts as far as
// no provider has spoken of the same.
func (rows PaymentRows) factsOf(id string, l Ledger) []PaymentFact {
	var facts []PaymentFact
	for _, f := range rows.Facts {
		if f.PaymentID == id {
			facts = append(facts, f)
		}
	}
	facts = append(facts, kept(l)...)
	facts = append(facts, rows.givenBack(id, l)...)
	reported := func(kinds ...curfew.FactKind) bool {
		return slices.ContainsFunc(facts, func(f PaymentFact) bool { return f.Provider != "" && slices.Contains(kinds, f.Kind) })
	}
	tried, refunded, disputed := reported("attempt"), reported("refund", "refund_total"), reported("dispute")
	facts = slices.DeleteFunc(facts, func(f PaymentFact) bool {
		return f.Provider == "" && (tried && f.Kind == "attempt" || refunded && f.Kind == "refund_total" ||
			disputed && f.Kind == "dispute")
	})
	slices.SortFunc(facts, func(a, b PaymentFact) int { return a.key().compare(b.key()) })
	return facts
}

// kept returns what checkouts say whose payment was told to an older program: it wrote the
// provider's name of the money, and claimed no such name.
func kept(l Ledger) []PaymentFact {
	var facts []PaymentFact
	seen := slices.Clone(l.References)
	for _, c := range l.Checkouts {
		if c.PaymentID != "" && !slices.Contains(seen, c.PaymentID) {
			seen = append(seen, c.PaymentID)
			facts = append(facts, captured(l.ID, c))
		}
	}
	return facts
}

// captured is the fact that an older program recorded with a checkout.
func captured(paymentID string, c curfew.Checkout) PaymentFact {
	return PaymentFact{PaymentID: paymentID, Fact: curfew.Fact{
		Kind: "attempt", Object: c.PaymentID, State: "captured", Amount: c.Amount, Currency: c.Currency, At: c.CreatedAt,
	}}
}

// givenBack returns what an older program was told of refunds and disputes.
func (rows PaymentRows) givenBack(id string, l Ledger) []PaymentFact {
	var facts []PaymentFact
	for _, r := range rows.Repaid {
		paid := slices.ContainsFunc(l.Checkouts, func(c curfew.Checkout) bool { return c.PaymentID == r.PaymentID })
		if !paid && !slices.Contains(l.References, r.PaymentID) {
			continue
		}
		if r.Amount > 0 {
			facts = append(facts, PaymentFact{PaymentID: id, Fact: curfew.Fact{
				Kind: "refund_total", Object: r.PaymentID, State: "total", Amount: r.Amount, Currency: r.Currency, At: r.At,
			}})
		}
		if !r.DisputedAt.IsZero() {
			facts = append(facts, PaymentFact{PaymentID: id, Fact: curfew.Fact{
				Kind: "dispute", Object: r.PaymentID, State: "unknown", At: r.DisputedAt,
			}})
		}
	}
	return facts
}

// factKey is what makes two facts of one payment the same.
type factKey struct{ paymentID, provider, account, kind, object, state string }

func (f PaymentFact) key() factKey {
	return factKey{f.PaymentID, f.Provider, f.Account, string(f.Kind), f.Object, f.State}
}

func (k factKey) compare(other factKey) int {
	return cmp.Or(cmp.Compare(k.paymentID, other.paymentID), cmp.Compare(k.provider, other.provider), cmp.Compare(k.account, other.account),
		cmp.Compare(k.kind, other.kind), cmp.Compare(k.object, other.object), cmp.Compare(k.state, other.state))
}

// Equal reports whether both facts say the same.
func (f PaymentFact) Equal(other PaymentFact) bool {
	return f.key() == other.key() && f.Amount == other.Amount && f.Currency == other.Currency && f.Reason == other.Reason &&
		f.At.Equal(other.At) && f.Until.Equal(other.Until)
}

// sortedKeys returns the keys of a set of texts in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
