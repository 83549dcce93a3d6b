package stripe

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// The metadata that a marketplace sets on a Checkout Session. Nothing else of
// it is kept.
const (
	metaCustomer = "customer_id"     // where client_reference_id is not used
	metaPlan     = "plan"            // what is bought
	metaStarts   = "starts_at"       // RFC 3339, of an appointment
	metaExtends  = "extends_session" // the live session whose minutes are bought
)

// The longest texts that are kept, in bytes.
const (
	maxEmail    = 320
	maxName     = 200
	maxMetadata = 500 // as Stripe itself says
)

// checkoutSession is what is read of Stripe's Checkout Session, whose API
// version may be another than the library's.
type checkoutSession struct {
	ID                string                              `json:"id"`
	AmountTotal       int64                               `json:"amount_total"`
	ClientReferenceID string                              `json:"client_reference_id"`
	Currency          string                              `json:"currency"`
	CustomerDetails   contact                             `json:"customer_details"`
	Metadata          map[string]string                   `json:"metadata"`
	Mode              stripe.CheckoutSessionMode          `json:"mode"`
	PaymentIntent     reference                           `json:"payment_intent"`
	PaymentStatus     stripe.CheckoutSessionPaymentStatus `json:"payment_status"`
}

type contact struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// payment translates. What cannot be used as it stands is left out and never
// guessed, cut or corrected, so that the payment is held: without a customer
// where the customer's id is none, without a plan where the plan or what it
// depends on cannot be read. The metadata then tells an operator what stood
// there.
func (s checkoutSession) payment() curfew.Payment {
	p := curfew.Payment{
		Ref:        s.ID,
		PaymentID:  string(s.PaymentIntent),
		CustomerID: usable(s.customer()),
		Plan:       usable(s.Metadata[metaPlan]),
		Amount:     s.AmountTotal,
		Currency:   strings.ToLower(s.Currency),
		Email:      shown(s.CustomerDetails.Email, maxEmail),
		Name:       shown(s.CustomerDetails.Name, maxName),
		Extends:    usable(s.Metadata[metaExtends]),
		Metadata:   s.kept(),
		Paid:       s.paid(),
	}
	start, ok := s.startsAt()
	p.StartsAt = start
	if !ok || p.Extends != s.Metadata[metaExtends] {
		p.Plan = ""
	}
	return p
}

// paid reports whether the money is there. Saving a card for later needs no
// payment either, and buys nothing.
func (s checkoutSession) paid() bool {
	switch s.PaymentStatus {
	case stripe.CheckoutSessionPaymentStatusPaid, stripe.CheckoutSessionPaymentStatusNoPaymentRequired:
		return s.Mode != stripe.CheckoutSessionModeSetup
	}
	return false
}

func (s checkoutSession) customer() string {
	if s.ClientReferenceID != "" {
		return s.ClientReferenceID
	}
	return s.Metadata[metaCustomer]
}

// startsAt is false if there is a time that is none: an appointment must not
// become a session of now.
func (s checkoutSession) startsAt() (time.Time, bool) {
	text := s.Metadata[metaStarts]
	if text == "" {
		return time.Time{}, true
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, false
	}
	return at.UTC().Truncate(time.Microsecond), true
}

func (s checkoutSession) kept() map[string]string {
	kept := map[string]string{}
	for _, key := range []string{metaCustomer, metaPlan, metaStarts, metaExtends} {
		if value := shown(s.Metadata[key], maxMetadata); value != "" {
			kept[key] = value
		}
	}
	return kept
}

// usable is an id as it is, or none: half an id is another's. What does not show
// in it is lifecycle's to refuse, which keeps for an operator what stood there.
func usable(id string) string {
	if len(id) > curfew.MaxID || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return ""
	}
	return id
}

// shown is text that is only ever shown: without control characters, cut at a
// whole character.
func shown(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
