package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

// A payment that buys a plan several times has a line for each, and a line is a checkout.
// The first one is the payment's own: it stands for all of it, with the whole amount, until
// something comes of it. Then it keeps its share, and each further line becomes a credit.

// Lines is how many lines a payment has, and how much it is in all, in minor units.
type Lines struct {
	Count int64
	Total int64
}

// MaxLines is how many lines a payment can have. More is a mistake.
const MaxLines = 100

// Keys of a checkout's metadata that are Curfew's own. Nobody else can set them.
const (
	ownKeys    = "curfew_"
	linesKey   = ownKeys + "lines"   // of the first line: "3 of 8700", how many and how much in all
	lineKey    = ownKeys + "line"    // of a further one: "cs_1 line 2 of 3"
	renewalKey = ownKeys + "renewal" // of a subscription's later payment: "true"
)

// Ordered returns the lines of an order. However many minutes are bought for a session, it
// is extended once.
func Ordered(o curfew.Order) Lines {
	n := Lines{max(o.Quantity, 1), o.Amount}
	if o.Extends != "" || n.Count > MaxLines {
		n.Count = 1
	}
	return n
}

// LinesOf returns the lines of the payment whose first line a checkout is. Of a further
// line it is that alone.
func LinesOf(c curfew.Checkout) Lines {
	var n Lines
	if _, err := fmt.Sscanf(c.Metadata[linesKey], "%d of %d", &n.Count, &n.Total); err != nil || c.Line > 1 || n.Count < 2 || n.Count > MaxLines {
		return Lines{1, c.Amount}
	}
	return n
}

// Share returns what one line costs. The first one has what cannot be divided.
func (n Lines) Share(line int64) int64 {
	share := n.Total / n.Count
	if line <= 1 {
		return n.Total - (n.Count-1)*share
	}
	return share
}

// Undivided reports whether a checkout stands for several lines, because nothing has come
// of it yet.
func Undivided(c curfew.Checkout) bool {
	n := LinesOf(c)
	return n.Count > 1 && c.Amount == n.Total && !bought(c.Outcome)
}

// bought reports whether something comes, or came, of a payment with this outcome.
func bought(o curfew.Outcome) bool {
	switch o {
	case curfew.Fulfilled, curfew.Deferred, curfew.Credited, curfew.Forfeited:
		return true
	}
	return false
}

// Divided returns a checkout with the share of its line, where it stood for several.
func Divided(c curfew.Checkout) curfew.Checkout {
	if Undivided(c) {
		c.Amount = LinesOf(c).Share(1)
	}
	return c
}

// Remembered returns the metadata of an order's checkout, with what Curfew has to know of
// the order later.
func Remembered(o curfew.Order) map[string]string {
	m := map[string]string{}
	maps.Copy(m, Metadata(o.Metadata))
	if n := Ordered(o); n.Count > 1 && n.Total >= 0 {
		m[linesKey] = n.String()
	}
	if o.Renewal {
		m[renewalKey] = "true"
	}
	return m
}

// String is how the first line remembers the lines.
func (n Lines) String() string { return fmt.Sprintf("%d of %d", n.Count, n.Total) }

// Metadata returns what others say of a checkout, without the keys that are Curfew's own.
func Metadata(m map[string]string) map[string]string {
	own := func(key, _ string) bool { return strings.HasPrefix(key, ownKeys) }
	for key := range m {
		if own(key, "") {
			m = maps.Clone(m)
			maps.DeleteFunc(m, own)
			break
		}
	}
	return m
}

// Renewal reports whether a checkout is for a later period of a subscription.
func Renewal(c curfew.Checkout) bool { return c.Metadata[renewalKey] != "" }

// Title returns what people call a checkout: its payment's reference, and which line of it
// it is. Empty: nothing was paid for it.
func Title(c curfew.Checkout) string {
	if c.Ref == "" {
		return c.Metadata[lineKey]
	}
	return c.Ref
}

// NewLine returns a further line of a payment, as it is recorded. Its id is the same whoever
// records it, and sorts beside the payment's.
func (l Ledger) NewLine(first curfew.Checkout, line int64) curfew.Checkout {
	n, m := LinesOf(first), map[string]string{}
	maps.Copy(m, Metadata(first.Metadata))
	m[lineKey] = fmt.Sprintf("%s line %d of %d", first.Ref, line, n.Count)
	if Renewal(first) {
		m[renewalKey] = "true"
	}
	return curfew.Checkout{
		ID: lineID(l.ID, line), LineOf: l.ID, Line: line, Version: l.Version, Outcome: curfew.Credited, CustomerID: first.CustomerID,
		Plan: first.Plan, Amount: n.Share(line), Currency: first.Currency, Email: first.Email, Name: first.Name, PaymentID: first.PaymentID, Metadata: m,
	}
}

// SamePayment reports whether a checkout is void because another one has the same payment.
func SamePayment(c curfew.Checkout) bool {
	return c.Outcome == curfew.Void && (c.Note == string(curfew.Duplicate) || c.LineOf != "" && c.Line <= 1)
}

// lineID is a UUIDv7 with the time of the payment's id.
func lineID(paymentID string, line int64) string {
	const timed = len("00000000-0000-")
	sum := sha256.Sum256(fmt.Appendf(nil, "%s line %d", paymentID, line))
	h := hex.EncodeToString(sum[:])
	return fmt.Sprintf("%s7%s-%x%s-%s", paymentID[:timed], h[:3], 8+sum[15]&3, h[3:6], h[6:18])
}

// First returns the checkout that stands for the first line; false: there is none.
func (l Ledger) First() (curfew.Checkout, bool) { return l.Holder(1) }

// Holder returns the checkout that stands for a line; false: there is none.
func (l Ledger) Holder(line int64) (first curfew.Checkout, ok bool) {
	for _, c := range l.Checkouts {
		if max(c.Line, 1) == max(line, 1) && (!ok || farther(c, first) < 0) {
			first, ok = c, true
		}
	}
	return first, ok
}

// Missing returns the lines that have no checkout yet, although something has come of the
// first one.
func (l Ledger) Missing() (lines []int64) {
	first, ok := l.First()
	if !ok || Undivided(first) {
		return nil
	}
	for line := int64(2); line <= LinesOf(first).Count; line++ {
		if _, ok := l.Holder(line); !ok {
			lines = append(lines, line)
		}
	}
	return lines
}

// Duplicate reports whether a checkout is for a line that another one stands for: the one
// that is farther, and of those the oldest.
func (l Ledger) Duplicate(c curfew.Checkout) bool {
	return slices.ContainsFunc(l.Checkouts, func(other curfew.Checkout) bool {
		return other.ID != c.ID && max(other.Line, 1) == max(c.Line, 1) && farther(other, c) < 0
	})
}

// Doubled returns the lines that have several checkouts, with these.
func (l Ledger) Doubled() [][]curfew.Checkout {
	lines := map[int64][]curfew.Checkout{}
	for _, c := range l.Checkouts {
		lines[max(c.Line, 1)] = append(lines[max(c.Line, 1)], c)
	}
	var all [][]curfew.Checkout
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		if len(lines[line]) > 1 {
			all = append(all, lines[line])
		}
	}
	return all
}

// progress orders outcomes by how far a payment has come.
var progress = []curfew.Outcome{
	curfew.Void, curfew.Ignored, curfew.RefundDue, curfew.Refunding, curfew.Refunded, curfew.Held, curfew.Promised, curfew.Deferred,
	curfew.Credited, curfew.Forfeited, curfew.Fulfilled,
}

// Progress is how far a payment with this outcome has come.
func Progress(o curfew.Outcome) int { return slices.Index(progress, o) }
