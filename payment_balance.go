package curfew

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Balance is what is left of a payment's money, by everything that is known of it. Amounts
// are in the currency's minor unit. It depends on the facts alone, not on their order.
type Balance struct {
	// State is what became of the money: "reported" (by the shop alone), "promised" (a bank
	// says later), "authorised" (reserved, not taken), "captured", or "failed" (it will not
	// come: declined, expired or cancelled). Empty: nobody has said that anything was paid.
	State    string
	Currency string
	// Authorised is reserved at the bank until AuthorisedUntil, and not captured.
	Authorised      int64
	AuthorisedUntil time.Time
	Captured        int64 // or reported, while no provider has said anything
	Refunded        int64
	Refunding       int64 // refunds that are under way
	Lost            int64 // disputes that the bank decided for the customer
	Disputed        int64 // disputes that are undecided
	// Refusal is the provider's reason for the newest refund that failed.
	Refusal string
}

// Gone is how much of the captured money was refunded or lost.
func (b Balance) Gone() int64 { return min(b.Captured, b.Refunded+b.Lost) }

// Open is how much of it may still go, to refunds under way and undecided disputes.
func (b Balance) Open() int64 { return min(b.Captured-b.Gone(), b.Refunding+b.Disputed) }

// Worth is what the payment can pay for. A refund and a dispute of the same money count
// once.
func (b Balance) Worth() int64 { return b.Captured - b.Gone() - b.Open() }

// Balance sums up the payment. reported is what the shop says was paid; it counts until
// the provider reports an amount.
func (p Payment) Balance(reported int64, currency string) Balance {
	b := Balance{State: "reported", Captured: max(reported, 0), Currency: strings.ToLower(currency)}
	facts := distinct(p.Facts)
	b.collect(facts)
	b.giveBack(facts)
	b.dispute(facts)
	return b
}

// collect applies what the provider reports about collecting the money, which happens
// once, however many tries it takes.
func (b *Balance) collect(facts []Fact) {
	attempt, tried := collected(facts)
	promise, asked := promised(facts)
	switch {
	case tried && attempt.State == "captured":
		*b = Balance{State: "captured", Captured: attempt.Amount, Currency: attempt.Currency}
	case tried && attempt.State == "authorised" && (!asked || promise.State != "failed" && promise.State != "expired"):
		*b = Balance{State: "authorised", Authorised: attempt.Amount, AuthorisedUntil: authorisedUntil(facts), Currency: attempt.Currency}
	case asked && (promise.State == "failed" || promise.State == "expired"), tried && final(attempt, promise, asked, facts):
		*b = Balance{State: "failed", Currency: b.Currency}
	case asked && promise.State == "promised", tried && attempt.State == "pending":
		*b = Balance{State: "promised", Currency: b.Currency}
	case b.Captured == 0 && (tried || asked):
		b.State = ""
	}
}

// collected returns the try that counts: the one that got the most money, else the last.
func collected(facts []Fact) (best Fact, ok bool) {
	for _, f := range holding(facts, attemptFact, capturedFirst) {
		if !ok || cmp.Or(cmp.Compare(captured(best), captured(f)), byTime(best, f)) < 0 {
			best, ok = f, true
		}
	}
	return best, ok
}

// authorisedUntil is when the reservation lapses: of an intent and its charge, only the
// charge says so.
func authorisedUntil(facts []Fact) (first time.Time) {
	for _, f := range holding(facts, attemptFact, capturedFirst) {
		if f.State == "authorised" && !f.Until.IsZero() && (first.IsZero() || f.Until.Before(first)) {
			first = f.Until
		}
	}
	return first
}

// capturedFirst orders the facts of one try: what was captured stays so, and anything else
// goes by time.
func capturedFirst(a, b Fact) int {
	return cmp.Or(cmp.Compare(min(captured(a), 0), min(captured(b), 0)), byTime(a, b))
}

// captured is how much of the money a try got; -1: none.
func captured(f Fact) int64 {
	if f.State != "captured" {
		return -1
	}
	return f.Amount
}

// promised returns the promise that holds: the newest of all objects.
func promised(facts []Fact) (best Fact, ok bool) {
	for _, f := range holding(facts, promiseFact, oneWay) {
		if !ok || byTime(best, f) < 0 {
			best, ok = f, true
		}
	}
	return best, ok
}

// final reports whether the end of the last try ends the payment. A card that was declined
// may be followed by another; an authorization that lapsed or was cancelled is not, and
// neither is a bank's debit that had been under way, or money that had been reserved.
func final(attempt, promise Fact, asked bool, facts []Fact) bool {
	switch attempt.State {
	case "voided", "expired":
		return true
	case "failed":
		waited := slices.ContainsFunc(facts, func(f Fact) bool {
			return f.Kind == attemptFact && (f.State == "pending" || f.State == "authorised")
		})
		return waited || asked && promise.State == "promised" && !promise.At.After(attempt.At)
	}
	return false
}

// giveBack applies refunds. A provider's sum counts only as far as individually known
// refunds of the same age do not explain it.
func (b *Balance) giveBack(facts []Fact) {
	total, until := b.total(facts)
	var refused Fact
	var explained int64
	for _, f := range holding(facts, refundFact, oneWay) {
		if undone(f) {
			if refused.Object == "" || later(refused, f) < 0 {
				refused = f
			}
			continue
		}
		if f.State == "succeeded" {
			b.Refunded += b.share(f)
		} else {
			b.Refunding += b.share(f)
		}
		if !firstReported(facts, f).After(until) {
			explained += b.share(f)
		}
	}
	b.Refunded += max(total-explained, 0)
	if refused.Object != "" {
		b.Refusal = strings.TrimSuffix("refund "+refused.Object+" is "+refused.State+": "+refused.Reason, ": ")
	}
}

// total is the sum of refunds that providers report, and the time up to which it counts.
// It still contains a refund that failed later.
func (b *Balance) total(facts []Fact) (sum int64, until time.Time) {
	for _, total := range holding(facts, refundTotalFact, byTime) {
		amount := b.share(total)
		for _, f := range holding(facts, refundFact, oneWay) {
			if undone(f) && !f.At.Before(total.At) {
				amount -= f.Amount
			}
		}
		sum += max(amount, 0)
		if total.At.After(until) {
			until = total.At
		}
	}
	return sum, until
}

// firstReported is the time of the first fact of an object.
func firstReported(facts []Fact, of Fact) time.Time {
	first := of.At
	for _, f := range facts {
		if f.Kind == of.Kind && f.Object == of.Object && f.At.Before(first) {
			first = f.At
		}
	}
	return first
}

// undone reports whether a refund gave nothing back after all.
func undone(f Fact) bool { return f.State == "failed" || f.State == "canceled" }

// dispute applies the claims of the customer's bank.
func (b *Balance) dispute(facts []Fact) {
	for _, f := range holding(facts, disputeFact, byTime) {
		switch f.State {
		case "needs_response", "under_review", "unknown":
			b.Disputed += b.share(f)
		case "lost":
			b.Lost += b.share(f)
		}
	}
}

// share is how much of the captured money a refund or a dispute concerns. In another
// currency that is unknown: a dispute then counts for all of it, like one without an
// amount, and a refund for none, because a person has to look at it.
func (b *Balance) share(f Fact) int64 {
	other := f.Currency != "" && b.Currency != "" && !strings.EqualFold(f.Currency, b.Currency)
	switch {
	case f.Kind == disputeFact && (other || f.Amount == 0):
		return b.Captured
	case other:
		return 0
	}
	return f.Amount
}
