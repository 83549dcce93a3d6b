package mail

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The notices, by the name of their template.
const (
	accepted  = "accepted"  // a mechanic has taken the session
	expired   = "expired"   // nobody did in time
	missed    = "missed"    // an appointment's slot was taken at its start
	noShow    = "no_show"   // accepted, and not both came
	cancelled = "cancelled" // by somebody
	deferred  = "deferred"  // a payment waits for the customer's other session
	refunded  = "refunded"  // the money went back
)

// Kinds lists the notices.
func Kinds() []string {
	return []string{accepted, expired, missed, noShow, cancelled, deferred, refunded}
}

// courtesies are the notices that can be unsubscribed: none of them is about
// money.
var courtesies = []string{accepted}

// kindOf is the notice that an event is worth; empty: none.
func kindOf(h record.OutsideEnrichedEvent) string {
	switch h.Kind {
	case "session." + curfew.AcceptedReason:
		return accepted
	case "session." + string(curfew.Cancelled):
		return kindOfEnd(h.Session.EndReason)
	case "checkout." + string(curfew.Deferred):
		return deferred
	case "checkout." + string(curfew.Refunded):
		return refunded
	}
	return ""
}

func kindOfEnd(reason curfew.EndReason) string {
	switch reason {
	case curfew.Expired, curfew.Orphaned:
		return expired
	case curfew.Missed:
		return missed
	case curfew.NoShow:
		return noShow
	}
	return cancelled
}

// Notice is what templates are executed with.
type Notice struct {
	Kind string
	Name string // the customer's, fit to greet with; empty: there is none
	Plan string
	Type string // chat, video or diagnostic; empty: there was no session
	// By is who did it: customer, mechanic, or us.
	By     string
	Reason string // why the session ended: see curfew.EndReason
	// Joined: the customer was there.
	Joined   bool
	StartsAt time.Time // of an appointment
	JoinBy   time.Time // accepted: the session is given up then
	RefundBy time.Time // deferred: a refund is due then
	// Money is what becomes of what was paid: free, settling (not decided yet),
	// spent (on a later session), or the outcome of the checkout: deferred, held,
	// credited, refund_due, refunding, refunded, forfeited. Empty: nothing was
	// decided, the session goes on.
	Money string
	// Amount is what was paid and Refund what is given back of it: «19.99 EUR».
	// Empty: it is not known here.
	Amount, Refund string
	// Unsubscribe is the address that stops such notices; empty: these do not
	// stop.
	Unsubscribe string
}

// noticeOf is the notice of an event in the words that are true now.
func noticeOf(kind string, h record.OutsideEnrichedEvent) Notice {
	s, c := h.Session, h.Checkout
	n := Notice{
		Kind: kind, Name: greeting(c.Name), Plan: s.Plan, Type: string(s.Kind), By: by(h.Actor), Reason: string(s.EndReason),
		Joined: !s.CustomerJoinedAt.IsZero(), StartsAt: s.StartsAt.UTC(), RefundBy: c.RetryUntil.UTC(), Money: money(h),
		Amount: amount(c.Amount, c.Currency),
	}
	if n.Plan == "" {
		n.Plan = c.Plan
	}
	if s.Status == curfew.Waiting {
		n.JoinBy = s.ExpiresAt.UTC()
	}
	if slices.Contains([]curfew.Outcome{curfew.RefundDue, curfew.Refunding, curfew.Refunded}, c.Outcome) {
		n.Refund = amount(c.Due, c.Currency)
	}
	return n
}

// pointless reports whether a notice would say what is no longer so, or
// nothing.
func (n Notice) pointless(s curfew.OutsideSession) bool {
	switch n.Kind {
	case accepted:
		return s.Status.Ended() || s.MechanicID == ""
	case deferred:
		return n.Money == string(curfew.Fulfilled)
	case refunded:
		return n.Money == "free"
	}
	return false
}

// money is what became of what was paid. Lesson 21: only what never had a
// payment is free, whatever amount the marketplace told.
func money(h record.OutsideEnrichedEvent) string {
	c := h.Checkout
	switch {
	case c.Ref == "" && c.PaymentID == "" && c.Amount == 0:
		return "free"
	case c.MoneyDue:
		return "settling"
	case c.Outcome != curfew.Fulfilled || !h.OfSession():
		return string(c.Outcome)
	case h.Session.Status == curfew.Cancelled:
		return "spent"
	}
	return ""
}

func amount(minor int64, currency string) string {
	if minor == 0 || currency == "" {
		return ""
	}
	return curfew.Amount(minor, currency)
}

func by(a curfew.OutsideRole) string {
	if a == curfew.OutsideCustomer || a == curfew.OutsideMechanic {
		return string(a)
	}
	return "us"
}

const longestName = 64

// greeting is a name that a letter can begin with; empty where it is none.
// Whoever pays writes the name and the address: nothing but letters keeps
// Curfew from carrying somebody's text to a stranger.
func greeting(name string) string {
	name = strings.TrimSpace(name)
	plain := strings.TrimSuffix(strings.ReplaceAll(name, ". ", " "), ".") // no dot that could make an address
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !strings.ContainsRune(" '’-", r)
	}
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > longestName || strings.ContainsFunc(plain, odd) {
		return ""
	}
	return name
}
