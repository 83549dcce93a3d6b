package stripe

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// The metadata that a marketplace sets on a Checkout Session. No other metadata is
// kept.
const (
	metaCustomer = "customer_id"     // if client_reference_id is not used
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

// checkoutSession declares the fields of Stripe's Checkout Session that are read.
// Its API version may differ from the library's.
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

// payment returns the session as a payment. A value that cannot be used as it is
// is left out, never guessed, cut or corrected, so that the payment is held: it
// has no customer if the customer's id is invalid, and no plan if the plan or what
// it depends on cannot be read. The metadata shows operators the original value.
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

// paid reports whether the money has arrived. Saving a card for later needs no
// payment either, but buys nothing.
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

// startsAt reports false for an invalid time: an appointment must not become a
// session that starts now.
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

// usable returns an id unchanged, or nothing if it cannot be used: a shortened id
// would be somebody else's. Lifecycle rejects invisible characters, and keeps the
// original for operators.
func usable(id string) string {
	if len(id) > curfew.MaxID || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return ""
	}
	return id
}

// shown returns text for display: without control characters, and cut between
// characters.
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
