package provider

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/curfewhq/curfew"
)

// PaymentOrder is what was bought.
type PaymentOrder struct {
	CustomerID string            `json:"customerId,omitempty" maxLength:"128" doc:"The marketplace's own id. Absent if it is not known whose payment it is: the payment is then held for an operator"`
	Plan       string            `json:"plan,omitempty" maxLength:"128" doc:"One of Curfew's plans. A payment for any other plan is ignored or held, depending on stripe.ignore_foreign"`
	Quantity   *int64            `json:"quantity,omitempty" minimum:"1" maximum:"100" doc:"How many are bought; absent: 1"`
	Amount     *int64            `json:"amount,omitempty" minimum:"0" doc:"What is paid for it, in the currency's minor unit; the event's amount if absent"`
	Price      *int64            `json:"price,omitempty" minimum:"0" doc:"The amount before discounts, tax and shipping, which is compared with the plan's price; absent: the amount"`
	Currency   string            `json:"currency,omitempty" pattern:"^[A-Za-z]{3}$" doc:"Absent: the event's currency"`
	Email      string            `json:"email,omitempty" maxLength:"320"`
	Name       string            `json:"name,omitempty" maxLength:"200" doc:"Shown to mechanics"`
	StartsAt   string            `json:"startsAt,omitempty" format:"date-time" doc:"Start of an appointment, with a time zone"`
	Extends    string            `json:"extends,omitempty" maxLength:"128" doc:"The live session for which it buys more time"`
	Renewal    bool              `json:"renewal,omitempty" doc:"It pays for a later period of a subscription, so it becomes a credit for its plan: nobody is asking for a session at that moment"`
	Metadata   map[string]string `json:"metadata,omitempty" maxProperties:"50"`
}

// Limits of what is kept.
const (
	maxQuantity = 100 // more is a mistake
	maxMetadata = 50  // entries
	maxName     = 200
	maxValue    = 500 // of an entry of the metadata
	maxReason   = 200
	maxShown    = 64 // of a value that is wrong
)

// order translates what was bought. What cannot be used as it is is left out, never guessed, cut
// or corrected, and is a flaw: the money came all the same, so the payment is held for an
// operator.
func (e PaymentEvent) order() (*curfew.Order, error) {
	o := e.Order
	amount, currency := cmp.Or(o.Amount, e.Amount), cmp.Or(o.Currency, e.Currency)
	out := &curfew.Order{Name: clip(o.Name, maxName), Renewal: o.Renewal, Metadata: map[string]string{}}
	var err error
	if out.Amount, out.Currency, err = money(amount, currency); err != nil {
		return nil, fmt.Errorf("in the order, %w", err)
	}
	if out.Price = out.Amount; o.Price != nil {
		if out.Price, _, err = money(o.Price, currency); err != nil {
			return nil, fmt.Errorf("in the order, price: %w", err)
		}
	}
	if e.Currency != "" && out.Currency != strings.ToLower(e.Currency) {
		return nil, errors.New("the order and its event have different currencies")
	}
	if curfew.CheckEmail("email", o.Email) == nil { // without one, nobody is written to
		out.Email = o.Email
	}
	out.Flaw = strings.Join(o.fill(out), "; ")
	return out, nil
}

// fill copies what decides what becomes of the money, and returns the flaws.
func (o *PaymentOrder) fill(out *curfew.Order) (flaws []string) {
	for _, id := range []struct {
		name, text string
		to         *string
	}{{"customerId", o.CustomerID, &out.CustomerID}, {"plan", o.Plan, &out.Plan}, {"extends", o.Extends, &out.Extends}} {
		if id.text == "" {
			continue
		}
		if err := curfew.CheckID("order."+id.name, id.text); err != nil {
			flaws = append(flaws, err.Error())
			continue
		}
		*id.to = id.text
	}
	if o.StartsAt != "" {
		at, err := instant("order.startsAt", o.StartsAt)
		if err != nil {
			flaws = append(flaws, err.Error())
		}
		out.StartsAt = at
	}
	out.Quantity = 1
	if q := o.Quantity; q != nil && (*q < 1 || *q > maxQuantity) {
		flaws = append(flaws, fmt.Sprintf("order.quantity is %d; it must be from 1 to %d", *q, maxQuantity))
	} else if q != nil {
		out.Quantity = *q
	}
	if len(o.Metadata) > maxMetadata {
		return append(flaws, fmt.Sprintf("order.metadata has %d entries; at most %d are kept", len(o.Metadata), maxMetadata))
	}
	for key, value := range o.Metadata {
		out.Metadata[clip(key, maxShown)] = clip(value, maxValue)
	}
	return flaws
}

// clip returns text for display: without control characters, and cut between characters.
func clip(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
