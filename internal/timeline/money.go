package timeline

import (
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Money describes the state of a checkout's money to operators, in sentences. A free
// checkout has none.
func Money(l record.Ledger, c curfew.Checkout) []string {
	if c.Free() {
		return nil
	}
	b := l.Money()
	said := append([]string{gotForOperators(l, c, b)}, gone(b)...)
	said = append(said, unrefunded(l, b)...)
	if b.Captured > 0 && b.Worth() != b.Captured {
		said = append(said, "It is worth "+curfew.Amount(b.Worth(), b.Currency)+" now.")
	}
	return said
}

// MoneyNotes is the part of Money besides the sums: why there is no money, whether there will
// be, and what somebody has to do.
func MoneyNotes(l record.Ledger, c curfew.Checkout) []string {
	b := l.Money()
	var said []string
	if b.State != "captured" && b.State != "reported" && !c.Free() {
		said = append(said, gotForOperators(l, c, b))
	}
	return append(said, unrefunded(l, b)...)
}

// unrefunded says that a refund failed, and what to do about it.
func unrefunded(l record.Ledger, b curfew.Balance) []string {
	if b.Refusal == "" || b.Refunded+b.Refunding >= b.Captured {
		return nil
	}
	f := undone(l.Facts)
	return []string{
		"Refund " + f.Object + " failed" + because(f) + ": the provider cannot repeat it; somebody has to pay the customer in another way, and record that.",
	}
}

// gotForOperators says what was paid.
func gotForOperators(l record.Ledger, c curfew.Checkout, b curfew.Balance) string {
	switch b.State {
	case "reported":
		if b.Captured == 0 && b.Currency == "" {
			return "Only the shop has reported it, without an amount: no provider has confirmed it."
		}
		return "Only the shop has reported " + curfew.Amount(b.Captured, b.Currency) + ": no provider has confirmed it."
	case "promised":
		return "The bank has not sent the money yet."
	case "authorised":
		return reserved(c, b, "the customer's bank")
	case "captured":
		return curfew.Amount(b.Captured, b.Currency) + " was charged" + on(chargedAt(l)) + "."
	case "failed":
		return nothing(l, c, "the customer's bank", because(refused(l.Facts)))
	}
	return "Nobody has said yet whether anything was paid."
}

// MoneyForCustomer says the same to the customer, without what only operators act on.
func MoneyForCustomer(l record.Ledger, c curfew.Checkout) []string {
	if c.Free() {
		return nil
	}
	b := l.Money()
	said := append([]string{gotForCustomer(l, c, b)}, goneForCustomer(b)...)
	return append(said, unrefundedToCustomer(b)...)
}

// MoneyNotesForCustomer is what MoneyForCustomer says beside the sums.
func MoneyNotesForCustomer(l record.Ledger, c curfew.Checkout) []string {
	b := l.Money()
	var said []string
	if b.State != "captured" && b.State != "reported" && !c.Free() {
		said = append(said, gotForCustomer(l, c, b))
	}
	return append(said, unrefundedToCustomer(b)...)
}

func unrefundedToCustomer(b curfew.Balance) []string {
	if b.Refusal == "" || b.Refunded+b.Refunding >= b.Captured {
		return nil
	}
	return []string{"A refund did not reach you: your bank refused it. The shop has to pay you in another way; ask it if you have heard nothing."}
}

func gotForCustomer(l record.Ledger, c curfew.Checkout, b curfew.Balance) string {
	switch b.State {
	case "reported":
		if b.Captured == 0 && b.Currency == "" {
			return "The shop reported your payment."
		}
		return "The shop reported your payment of " + curfew.Amount(b.Captured, b.Currency) + "."
	case "promised":
		return "Your bank has not sent the money yet."
	case "authorised":
		return reserved(c, b, "your bank")
	case "captured":
		return curfew.Amount(b.Captured, b.Currency) + " was charged" + on(chargedAt(l)) + "."
	case "failed":
		return nothing(l, c, "your bank", "")
	}
	return "Your payment is not complete."
}

// reserved says how far the taking of reserved money is.
func reserved(c curfew.Checkout, b curfew.Balance, bank string) string {
	sum := curfew.Amount(b.Authorised, b.Currency)
	switch c.Capture {
	case "due", "capturing":
		return sum + " is reserved at " + bank + ", and is being charged now."
	case "failed":
		return capital(bank) + " refused to pay " + sum + ": nothing was taken."
	case "releasing":
		return sum + " is reserved at " + bank + ", and is being released: nothing is taken."
	case "released":
		return released(bank)
	}
	if b.AuthorisedUntil.IsZero() {
		return sum + " is reserved at " + bank + ": nothing is charged yet."
	}
	return sum + " is reserved at " + bank + " until " + instant(b.AuthorisedUntil) + ": nothing is charged yet."
}

func released(bank string) string {
	return "The reservation was released: nothing was taken. " + capital(bank) + " may show it for some days."
}

// nothing says why no money came.
func nothing(l record.Ledger, c curfew.Checkout, bank, why string) string {
	last := lastWord(l.Facts)
	switch {
	case c.Capture == "released", last.State == "voided":
		return released(bank)
	case last.Kind == "promise" && last.State == "expired":
		return "It was not paid: the checkout lapsed, and nothing was taken."
	case last.State == "expired":
		return "The reservation lapsed: nothing was taken."
	}
	return capital(bank) + " refused it" + why + ": nothing was taken."
}

// because gives a fact's reason, where it has one.
func because(f curfew.Fact) string {
	if f.Reason == "" {
		return ""
	}
	return " (" + curfew.Visible(f.Reason) + ")"
}

// lastWord is the newest fact that says that no money comes.
func lastWord(facts []curfew.Fact) curfew.Fact {
	return newest(facts, func(f curfew.Fact) bool {
		return (f.Kind == "attempt" || f.Kind == "promise") && (f.State == "voided" || f.State == "expired" || f.State == "failed")
	})
}

// refused is the newest try that failed for a reason.
func refused(facts []curfew.Fact) curfew.Fact {
	return newest(facts, func(f curfew.Fact) bool { return f.Kind == "attempt" && f.State == "failed" && f.Reason != "" })
}

// undone is the newest refund that gave nothing back.
func undone(facts []curfew.Fact) curfew.Fact {
	return newest(facts, func(f curfew.Fact) bool { return f.Kind == "refund" && (f.State == "failed" || f.State == "canceled") })
}

func newest(facts []curfew.Fact, is func(curfew.Fact) bool) curfew.Fact {
	var last curfew.Fact
	for _, f := range facts {
		if is(f) && (last.Object == "" || f.At.After(last.At)) {
			last = f
		}
	}
	return last
}

// chargedAt is when the money was taken.
func chargedAt(l record.Ledger) curfew.Fact {
	var first curfew.Fact
	for _, f := range l.Facts {
		if f.Kind == "attempt" && f.State == "captured" && (first.Object == "" || f.At.Before(first.At)) {
			first = f
		}
	}
	return first
}

func on(f curfew.Fact) string {
	if f.At.IsZero() {
		return ""
	}
	return " on " + instant(f.At)
}

// gone says what was given back or taken back, or may be.
func gone(b curfew.Balance) []string {
	var said []string
	say := func(amount int64, text string) {
		if amount > 0 {
			said = append(said, curfew.Amount(amount, b.Currency)+" "+text)
		}
	}
	say(b.Refunded, "was given back.")
	say(b.Refunding, "is being given back: the bank has not finished.")
	say(b.Disputed, "is disputed by the customer's bank: answer at the provider; it decides nothing yet.")
	say(b.Lost, "was taken back by the customer's bank: the dispute is lost.")
	return said
}

func goneForCustomer(b curfew.Balance) []string {
	var said []string
	say := func(amount int64, text string) {
		if amount > 0 {
			said = append(said, curfew.Amount(amount, b.Currency)+" "+text)
		}
	}
	say(b.Refunded, "was given back: your bank may take some days to show it.")
	say(b.Refunding, "is on its way back to you.")
	say(b.Disputed, "is disputed by your bank, which has not decided yet.")
	say(b.Lost, "was given back to you by your bank.")
	return said
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
