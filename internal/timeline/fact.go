package timeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// money is what providers said of the customer's payments, at the times that they gave.
func (x *Explainer) money(_ context.Context, t facts, before curfew.Cursor, _ int) ([]Entry, error) {
	entries := t.moneyEntries()
	return slices.DeleteFunc(entries, func(en Entry) bool { return !en.behind(before) }), nil
}

func (t facts) moneyEntries() []Entry {
	var entries []Entry
	listed := make(map[string]bool)
	for _, c := range slices.Backward(t.checkouts) { // the oldest checkout of a payment names it
		l, ok := t.ledgers[c.Payment()]
		if !ok || listed[l.ID] {
			continue
		}
		listed[l.ID] = true
		for _, f := range shown(l.Facts) {
			entries = append(entries, factEntry(l, c, f))
		}
	}
	return entries
}

func factEntry(l record.Ledger, c curfew.Checkout, f curfew.Fact) Entry {
	at := f.At
	if at.IsZero() {
		at = c.CreatedAt
	}
	key := uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join([]string{l.ID, string(f.Kind), f.Object, f.State}, "\n")))
	return Entry{
		At: at, Kind: PaymentEntry, ID: c.ID, To: f.State, Actor: curfew.Provider, Reason: curfew.Visible(f.Reason),
		Sentence: factSentence(l, c, f), key: key.String(),
	}
}

// shown leaves out facts that say what another one says: a charge and its intent, a total of
// refunds that are known one by one, a debit's try and its promise.
func shown(all []curfew.Fact) []curfew.Fact {
	var kept []curfew.Fact
	for _, f := range all {
		if !slices.ContainsFunc(kept, func(k curfew.Fact) bool { return same(k, f) }) && !implied(all, f) {
			kept = append(kept, f)
		}
	}
	slices.SortStableFunc(kept, func(a, b curfew.Fact) int { return a.At.Compare(b.At) })
	return kept
}

// sameMoment is how far the times are apart that a provider gives for one thing.
const sameMoment = time.Minute

// same reports whether two facts of different objects are one event. Money is captured once.
func same(a, b curfew.Fact) bool {
	if a.Kind != "attempt" || b.Kind != "attempt" || a.State != b.State {
		return false
	}
	return a.State == "captured" || a.At.Sub(b.At).Abs() < sameMoment
}

// implied reports whether other facts say at least as much.
func implied(all []curfew.Fact, f curfew.Fact) bool {
	has := func(kind curfew.FactKind, states ...string) bool {
		return slices.ContainsFunc(all, func(o curfew.Fact) bool { return o.Kind == kind && slices.Contains(states, o.State) })
	}
	switch {
	case f.Kind == "promise" && f.State == "open":
		return true
	case f.Kind == "promise" && f.State == "promised":
		return has("attempt", "authorised")
	case f.Kind == "attempt" && f.State == "pending":
		return has("promise", "promised")
	case f.Kind == "attempt" && f.State == "failed" && f.Reason == "":
		return has("promise", "failed")
	case f.Kind == "promise" && f.State == "failed":
		return refused(all).Reason != ""
	case f.Kind == "refund_total":
		return f.Amount <= refundsOf(all, f.Currency)
	}
	return false
}

// refundsOf is how much the refunds that are known one by one asked for.
func refundsOf(all []curfew.Fact, currency string) int64 {
	amounts := make(map[string]int64)
	for _, f := range all {
		if f.Kind == "refund" && strings.EqualFold(f.Currency, currency) {
			amounts[f.Object] = f.Amount
		}
	}
	var sum int64
	for _, amount := range amounts {
		sum += amount
	}
	return sum
}

// factTexts say what a fact means. The verbs are the amount, the payment and the object.
var factTexts = map[curfew.FactKind]map[string]string{
	"attempt": {
		"pending":    "The customer's bank was asked for %[1]s for payment %[2]s, and answers later (%[3]s)",
		"authorised": "%[1]s was reserved at the customer's bank for payment %[2]s: nothing was charged yet (%[3]s)",
		"captured":   "%[1]s was charged for payment %[2]s (%[3]s)",
		"failed":     "A try to get the money of payment %[2]s failed (%[3]s)",
		"expired":    "What was reserved for payment %[2]s lapsed: nothing was taken (%[3]s)",
		"voided":     "What was reserved for payment %[2]s was released: nothing was taken, and the customer's bank may show it for some days (%[3]s)",
	},
	"promise": {
		"promised": "The customer promised %[1]s for payment %[2]s, and the bank sends it later (%[3]s)",
		"failed":   "The bank did not send the money of payment %[2]s: nothing was paid (%[3]s)",
		"expired":  "The customer did not pay for payment %[2]s in time: nothing was taken (%[3]s)",
	},
	"refund": {
		"requires_action": "A refund of %[1]s of payment %[2]s waits for the customer (%[3]s)",
		"pending":         "A refund of %[1]s of payment %[2]s is under way (%[3]s)",
		"succeeded":       "%[1]s of payment %[2]s was given back (%[3]s)",
		"failed": "A refund of %[1]s of payment %[2]s failed, and the money came back: the provider cannot repeat it, " +
			"somebody has to pay the customer in another way (%[3]s)",
		"canceled": "A refund of %[1]s of payment %[2]s was cancelled: it gave nothing back (%[3]s)",
	},
	"refund_total": {"total": "%[1]s of payment %[2]s has been given back in all (%[3]s)"},
	"dispute": {
		"warning":        "The customer's bank asks about %[1]s of payment %[2]s: nothing was taken back (%[3]s)",
		"closed":         "The customer's bank asks about payment %[2]s no longer: nothing was taken back (%[3]s)",
		"unknown":        "The customer's bank disputes payment %[2]s: see at the provider how that stands (%[3]s)",
		"needs_response": "The customer's bank disputes %[1]s of payment %[2]s: answer at the provider (%[3]s)",
		"under_review":   "The customer's bank has an answer to its dispute of payment %[2]s, and has not decided (%[3]s)",
		"prevented":      "A dispute of payment %[2]s was settled before it began: nothing was taken back (%[3]s)",
		"won":            "The dispute of payment %[2]s was won: %[1]s of it stays (%[3]s)",
		"lost":           "The dispute of payment %[2]s was lost: the customer's bank took %[1]s back (%[3]s)",
	},
}

// factSentence says what a provider said.
func factSentence(l record.Ledger, c curfew.Checkout, f curfew.Fact) string {
	text := factTexts[f.Kind][f.State]
	if f.Kind == "attempt" && f.State == "failed" && l.Money().State == "failed" && debit(l.Facts) {
		text = factTexts["promise"]["failed"]
	}
	amount := "the money"
	if f.Amount > 0 {
		amount = curfew.Amount(f.Amount, f.Currency)
	}
	object := f.Object
	if f.Reason != "" {
		object += ": " + curfew.Visible(f.Reason)
	}
	if !f.Until.IsZero() {
		object += ", until " + instant(f.Until)
	}
	text = cmp.Or(text, "Something was said of payment %[2]s: "+f.State+", %[1]s (%[3]s)")
	return capital(fmt.Sprintf(text, amount, cmp.Or(record.Title(c), c.ID), object)) + "."
}

// debit reports whether the money was to come later.
func debit(all []curfew.Fact) bool {
	return slices.ContainsFunc(all, func(f curfew.Fact) bool {
		return f.Kind == "promise" && f.State == "promised" || f.Kind == "attempt" && f.State == "pending"
	})
}
