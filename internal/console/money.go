package console

import (
	"net/url"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
)

// moneyView is what operators see of a payment's money.
func moneyView(l record.Ledger, c curfew.Checkout, pages providerPages) Money {
	b := l.Money()
	m := Money{Notes: timeline.MoneyNotes(l, c), Provider: pages.of(l)}
	for _, s := range []struct {
		amount     int64
		name, tone string
	}{
		{b.Captured, map[bool]string{true: "reported by the shop alone", false: "charged"}[b.State == "reported"], ""},
		{b.Refunded, "given back", ""},
		{b.Refunding, "being given back", "warning"},
		{b.Disputed, "disputed by the bank", "warning"},
		{b.Lost, "taken back by the bank", "critical"},
	} {
		if s.amount > 0 {
			m.Sums = append(m.Sums, Sum{curfew.Amount(s.amount, b.Currency), s.name, s.tone})
		}
	}
	if b.Captured > 0 && b.Worth() != b.Captured {
		m.Sums = append(m.Sums, Sum{curfew.Amount(b.Worth(), b.Currency), "worth now", ""})
	}
	return m
}

// moneyForCustomer is what the customer sees of it.
func moneyForCustomer(l record.Ledger, c curfew.Checkout) Money {
	b := l.Money()
	m := Money{Notes: timeline.MoneyNotesForCustomer(l, c)}
	for _, s := range []struct {
		amount     int64
		name, tone string
	}{
		{b.Captured, map[bool]string{true: "paid, as the shop reported", false: "charged"}[b.State == "reported"], ""},
		{b.Refunded, "given back", ""},
		{b.Refunding, "on its way back to you", ""},
		{b.Disputed, "disputed by your bank", ""},
		{b.Lost, "given back by your bank", ""},
	} {
		if s.amount > 0 {
			m.Sums = append(m.Sums, Sum{curfew.Amount(s.amount, b.Currency), s.name, s.tone})
		}
	}
	return m
}

// providerPages knows where providers show payments. Test is whether they are of the
// provider's test mode.
type providerPages struct{ test bool }

// of is where the provider shows a payment; zero: unknown.
func (pp providerPages) of(l record.Ledger) Link {
	if l.Provider != "stripe" || l.Name == "" {
		return Link{}
	}
	path := []string{"https://dashboard.stripe.com"}
	if l.Account != "" {
		path = append(path, url.PathEscape(l.Account))
	}
	if pp.test || slices.ContainsFunc(l.References, func(ref string) bool { return strings.HasPrefix(ref, "cs_test_") }) {
		path = append(path, "test")
	}
	return Link{Name: "Show at Stripe", Path: strings.Join(append(path, "payments", url.PathEscape(l.Name)), "/")}
}
