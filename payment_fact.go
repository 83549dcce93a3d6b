package curfew

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Fact is one thing that a provider said of a payment's money: the state of one of its
// objects, such as a charge, a refund or a dispute. Facts with the same provider,
// account, kind, object and state are the same fact, however often and in whatever order
// they arrive.
type Fact struct {
	Kind   FactKind
	Object string // the provider's id of the object
	State  string // the object's, in the words of factStates
	// Amount is in the currency's minor unit: what was authorised or captured, asked
	// for, given back (of a RefundTotal: in all), or claimed by the bank.
	Amount   int64
	Currency string // ISO 4217, lower case
	Reason   string // the provider's own, for operators
	// At is the provider's time. Zero sorts before every other.
	At time.Time
	// Until is when an authorization lapses; zero: the provider does not say.
	Until time.Time
}

// FactKind is what kind of object a fact is about: "attempt" (one try to get the money: a
// charge, else a payment intent), "promise" (what asks for it: a checkout session, an
// invoice), "refund" (one refund), "refund_total" (all refunds of a charge, where a provider
// sums them up) or "dispute" (the bank's claim to have it back).
type FactKind string

const (
	attemptFact     FactKind = "attempt"
	promiseFact     FactKind = "promise"
	refundFact      FactKind = "refund"
	refundTotalFact FactKind = "refund_total"
	disputeFact     FactKind = "dispute"
)

// factStates lists the states of each kind by rank: of two facts of one object at the same
// time, the one with the higher rank holds. A dispute that is "unknown" may be in any.
var factStates = map[FactKind][]string{
	attemptFact:     {"pending", "authorised", "failed", "expired", "voided", "captured"},
	promiseFact:     {"open", "promised", "expired", "failed"},
	refundFact:      {"requires_action", "pending", "succeeded", "canceled", "failed"},
	refundTotalFact: {"total"},
	disputeFact:     {"warning", "closed", "unknown", "needs_response", "under_review", "prevented", "won", "lost"},
}

// Check returns an Invalid error for a fact that no provider can mean.
func (f Fact) Check() error {
	states, ok := factStates[f.Kind]
	switch {
	case !ok:
		return Errorf(Invalid, "unknown kind of fact %q", f.Kind)
	case !slices.Contains(states, f.State):
		return Errorf(Invalid, "unknown state %q of a fact of kind %s: the states are %s", f.State, f.Kind, strings.Join(states, ", "))
	case f.Amount < 0:
		return Errorf(Invalid, "the amount of a fact must not be negative")
	case f.Amount > 0 && f.Currency == "":
		return Errorf(Invalid, "the amount of a fact needs a currency")
	}
	return CheckRef("the object of a fact", f.Object)
}

// Known merges two reports of the same object and state; their order does not matter.
func (f Fact) Known(other Fact) Fact {
	if later(f, other) < 0 {
		return other
	}
	return f
}

// distinct merges the facts of the same object and state.
func distinct(facts []Fact) []Fact {
	type key struct {
		kind          FactKind
		object, state string
	}
	known := make(map[key]int)
	var all []Fact
	for _, f := range facts {
		k := key{f.Kind, f.Object, f.State}
		if i, ok := known[k]; ok {
			all[i] = all[i].Known(f)
			continue
		}
		known[k] = len(all)
		all = append(all, f)
	}
	return all
}

// later orders facts of one state by time; at the same time, one that leaves less money
// comes later.
func later(a, b Fact) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Amount, b.Amount), cmp.Compare(a.Currency, b.Currency),
		cmp.Compare(a.Reason, b.Reason), a.Until.Compare(b.Until))
}

// oneWay orders the facts of an object that never goes back: by state, then by time.
func oneWay(a, b Fact) int { return cmp.Or(cmp.Compare(a.rank(), b.rank()), later(a, b)) }

// byTime orders the facts of an object that can go back: by time, then by state.
func byTime(a, b Fact) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.rank(), b.rank()), later(a, b))
}

func (f Fact) rank() int { return slices.Index(factStates[f.Kind], f.State) }

// holding returns the fact that holds for each object, by the order of its kind.
func holding(facts []Fact, k FactKind, order func(a, b Fact) int) []Fact {
	byObject := make(map[string]Fact)
	for _, f := range facts {
		if f.Kind != k {
			continue
		}
		if known, ok := byObject[f.Object]; !ok || order(known, f) < 0 {
			byObject[f.Object] = f
		}
	}
	all := make([]Fact, 0, len(byObject))
	for _, f := range byObject {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Fact) int { return cmp.Compare(a.Object, b.Object) })
	return all
}
