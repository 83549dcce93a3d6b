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

// The notices, named like their templates.
const (
	accepted   = "accepted"   // a mechanic has taken the session
	expired    = "expired"    // nobody accepted in time
	missed     = "missed"     // an appointment's slot was taken at its start
	unaccepted = "unaccepted" // nobody has accepted yet: to the operators
	forgotten  = "forgotten"  // the mechanic did not come: it waits for another
	unattended = "unattended" // the mechanic did not come, and it may wait no longer
	noShow     = "no_show"    // accepted, but somebody did not join
	cancelled  = "cancelled"  // by somebody
	deferred   = "deferred"   // a payment waits for the customer's other session
	refunded   = "refunded"   // the money went back

	promised      = "promised"       // a bank sends the money later
	paymentFailed = "payment_failed" // it did not come, or was taken back
	refundFailed  = "refund_failed"  // the customer's bank refused it
)

// Kinds lists the notices.
func Kinds() []string {
	return []string{accepted, unaccepted, forgotten, expired, missed, unattended, noShow, cancelled, deferred, refunded, promised, paymentFailed, refundFailed}
}

// courtesies are the notices that customers can unsubscribe from. None is about money.
var courtesies = []string{accepted}

// kindOf returns the notice for an event, or nothing.
func kindOf(h record.OutsideEnrichedEvent) string {
	switch h.Kind {
	case "session." + curfew.AcceptedReason:
		return accepted
	case "session." + unaccepted:
		return unaccepted
	case "session." + string(curfew.Forgotten):
		return forgotten
	case "session." + string(curfew.Cancelled):
		return kindOfEnd(h.Session.EndReason)
	case "checkout." + string(curfew.Deferred):
		return deferred
	case "checkout." + string(curfew.Refunded):
		return refunded
	case "checkout." + string(curfew.Promised):
		return promised
	case "checkout." + string(curfew.Void):
		return kindOfVoid(h)
	case "checkout." + string(curfew.RefundDue):
		if h.Checkout.RefundFailed {
			return refundFailed
		}
	}
	return ""
}

// kindOfVoid leaves out voids that the end of the session already reports, and payments that nobody
// made.
func kindOfVoid(h record.OutsideEnrichedEvent) string {
	if h.From == string(curfew.Fulfilled) || h.Checkout.Duplicate {
		return ""
	}
	return paymentFailed
}

func kindOfEnd(reason curfew.EndReason) string {
	switch reason {
	case curfew.Expired, curfew.Orphaned:
		return expired
	case curfew.Missed:
		return missed
	case curfew.Unattended:
		return unattended
	case curfew.NoShow:
		return noShow
	}
	return cancelled
}

// Notice is what templates are executed with.
type Notice struct {
	Kind string
	// Session and Since are for operators: which session waits, and since when.
	Session string
	Since   time.Time
	Name    string // the customer's, safe for a greeting; may be empty
	Plan    string
	Type    string // chat, video or diagnostic; empty without a session
	// By is who caused it: customer, mechanic, or us.
	By     string
	Reason string // why the session ended: see curfew.EndReason
	// Joined reports whether the customer joined.
	Joined   bool
	StartsAt time.Time // of an appointment
	JoinBy   time.Time // accepted: when the session is given up; zero: as long as the mechanic has not joined, it goes on
	WaitBy   time.Time // forgotten: when it ends, if nobody accepts
	RefundBy time.Time // deferred: when a refund is due
	// Money is what happens to the payment: free, settling (not decided yet), spent (on a later
	// session), released (it was only reserved), refused (by the bank that had reserved it),
	// refund_failed (the bank refused the refund), or the outcome of the checkout: promised,
	// deferred, held, credited, refund_due, refunding, refunded, forfeited, void, ignored. Empty if
	// nothing was decided and the session continues.
	Money string
	// Capture is how far the charging of reserved money is: due, capturing, captured, ….
	// Empty if it was charged at payment.
	Capture string
	// Amount is what was paid and Refund what is refunded, like 19.99 EUR. Empty if
	// unknown.
	Amount, Refund string
	// Unsubscribe is the link that stops such notices, if they can be stopped.
	Unsubscribe string
}

// noticeOf returns the notice of an event, describing the current state.
func noticeOf(kind string, h record.OutsideEnrichedEvent) Notice {
	s, c := h.Session, h.Checkout
	n := Notice{
		Kind: kind, Name: greeting(c.Name), Plan: s.Plan, Type: string(s.Kind), By: by(h.Actor), Reason: string(s.EndReason),
		Joined: !s.CustomerJoinedAt.IsZero(), StartsAt: s.StartsAt.UTC(), RefundBy: c.RetryUntil.UTC(), Money: money(h),
		Amount: amount(c.Amount, c.Currency), Capture: c.Capture,
	}
	if n.Plan == "" {
		n.Plan = c.Plan
	}
	if kind == unaccepted {
		n.Session, n.Since = s.ID, curfew.Session(s).QueuedAt().UTC()
	}
	switch {
	case s.Status == curfew.Waiting && s.MechanicID == "":
		n.WaitBy = s.ExpiresAt.UTC()
	case s.Status == curfew.Waiting && !s.MechanicJoinedAt.IsZero():
		n.JoinBy = s.ExpiresAt.UTC()
	}
	if slices.Contains([]curfew.Outcome{curfew.RefundDue, curfew.Refunding, curfew.Refunded}, c.Outcome) {
		n.Refund = amount(c.Due, c.Currency)
	}
	return n
}

// pointless reports whether a notice is outdated, or says nothing.
func (n Notice) pointless(s curfew.OutsideSession) bool {
	switch n.Kind {
	case accepted:
		return s.Status.Ended() || s.MechanicID == ""
	case forgotten, unaccepted:
		return s.Status != curfew.Waiting || s.MechanicID != ""
	case deferred:
		return n.Money == string(curfew.Fulfilled)
	case refunded:
		return n.Money == "free"
	case promised:
		return n.Money != string(curfew.Promised)
	case paymentFailed:
		return !slices.Contains([]string{string(curfew.Void), moneyReleased, moneyRefused}, n.Money)
	case refundFailed:
		return n.Money != moneyUnrefunded
	}
	return false
}

// Values of Notice.Money besides the outcomes of a checkout.
const (
	moneyReleased   = "released"
	moneyRefused    = "refused"
	moneyUnrefunded = "refund_failed"
)

// money returns what happens to the payment. A session is free only if there is no payment,
// whatever amount the marketplace reported.
func money(h record.OutsideEnrichedEvent) string {
	c := h.Checkout
	switch {
	case c.Ref == "" && c.PaymentID == "" && c.Amount == 0:
		return "free"
	case c.MoneyDue:
		return "settling"
	case c.Outcome == curfew.RefundDue && c.RefundFailed:
		return moneyUnrefunded
	case c.Outcome == curfew.Void && (c.Capture == "releasing" || c.Capture == "released"):
		return moneyReleased
	case c.Outcome == curfew.Void && c.Capture == "failed":
		return moneyRefused
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

// greeting returns a name that is safe for a greeting, or "". Whoever pays chooses both name and
// address; allowing only letters keeps Curfew from sending a stranger somebody else's text.
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
