package wire

import (
	"cmp"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
)

// payment converts what the customer may see of a checkout's payment.
func payment(l record.Ledger, c curfew.Checkout) *api.Payment {
	b := l.Money()
	return &api.Payment{
		State: cmp.Or(b.State, "unpaid"), Capture: c.Capture, Sentence: strings.Join(timeline.MoneyForCustomer(l, c), " "),
		Currency: b.Currency, Captured: b.Captured, Authorised: b.Authorised, AuthorisedUntil: b.AuthorisedUntil.UTC(),
		Refunded: b.Refunded, Refunding: b.Refunding,
	}
}

// insidePayment converts a checkout's payment for admins and services.
func insidePayment(l record.Ledger, c curfew.Checkout) *api.Payment {
	p, b := payment(l, c), l.Money()
	worth := b.Worth()
	p.Sentence = strings.Join(timeline.Money(l, c), " ")
	p.Disputed, p.Lost, p.Worth, p.Refusal = &b.Disputed, &b.Lost, &worth, b.Refusal
	p.Provider, p.ID, p.Account, p.References = l.Provider, l.Name, l.Account, l.References
	return p
}
