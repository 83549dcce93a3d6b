package console

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The words of the pages.

// noun is the singular and the plural of a noun.
type noun struct{ one, many string }

// of returns a count with the noun: 1 session, 3 sessions.
func (n noun) of(count int) string {
	if count == 1 {
		return "1 " + n.one
	}
	return grouped(count) + " " + n.many
}

// grouped returns a number with commas between the thousands.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func things(one string) noun { return noun{one, one + "s"} }

// ruleNouns names the sessions that each rule ends.
var ruleNouns = map[curfew.RuleName]noun{
	curfew.OldWaiting: things("old waiting session"),
	curfew.Orphans:    things("orphan"),
	curfew.Forgotten:  {"session that goes back into the queue", "sessions that go back into the queue"},
	curfew.Absences:   things("unattended session"),
	curfew.NoShows:    things("no-show"),
	curfew.Overruns:   things("overrun session"),
	curfew.Due:        {"appointment that begins", "appointments that begin"},
	curfew.Misses:     things("missed appointment"),
}

// statNouns names what the figures of a run count.
var statNouns = map[curfew.RuleName]noun{
	curfew.OldWaiting:      ruleNouns[curfew.OldWaiting],
	curfew.ExpiredRequests: things("expired request"),
	curfew.Orphans:         ruleNouns[curfew.Orphans],
	curfew.Forgotten:       {"session put back into the queue", "sessions put back into the queue"},
	curfew.Absences:        {"row of unattended sessions", "rows of unattended sessions"},
	curfew.NoShows:         {"row of no-shows", "rows of no-shows"},
	curfew.Overruns:        {"row of overrun sessions", "rows of overrun sessions"},
	curfew.Misses:          {"row of missed appointments", "rows of missed appointments"},
}

// statOrder is the order in which they are listed.
var statOrder = []curfew.RuleName{
	curfew.OldWaiting, curfew.ExpiredRequests, curfew.Orphans, curfew.Absences, curfew.NoShows, curfew.Overruns, curfew.Misses, curfew.Forgotten,
}

// cleanedUp says what a run did: 2 old waiting sessions and 2 expired requests.
func cleanedUp(stats curfew.Stats) string {
	var parts []string
	for _, name := range statOrder {
		if n := stats.Of(name); n > 0 {
			parts = append(parts, statNouns[name].of(n))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return listed(parts)
}

// listed returns a, b and c.
func listed(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// becomes completes a sentence that begins with the word it: what will become of a payment.
var becomes = map[curfew.Outcome]string{
	curfew.Fulfilled: "pays for a session.",
	curfew.Deferred:  "waits for the slot: the session follows when the open one has ended.",
	curfew.Held:      "is held: somebody has to look at it.",
	curfew.Credited:  "is credited: it pays for the next session of its plan.",
	curfew.RefundDue: "will be refunded.",
	curfew.Refunding: "is being refunded.",
	curfew.Refunded:  "was refunded.",
	curfew.Forfeited: "is used up: its customer did not come.",
	curfew.Promised:  "is promised: the money has not come yet.",
	curfew.Void:      "failed, or was taken back: nothing is owed for it.",
	curfew.Ignored:   "is for something not sold here.",
}

// became says what became of a payment. It does not mention money if the session was free.
func became(c curfew.Checkout) string {
	switch {
	case c.Free() && c.Outcome != curfew.Fulfilled:
		return "was free: nothing is owed."
	case record.SamePayment(c):
		return "is the same payment as another one: it bought nothing of its own."
	case c.Outcome == curfew.Void:
		return nothingOwed(c)
	case c.Outcome == curfew.RefundDue && c.Concern == record.RefundFailed:
		return "could not be refunded by the bank: it has to be paid back in another way."
	case c.Outcome == curfew.RefundDue && !c.DisputedAt.IsZero():
		return "will be refunded if the bank does not take it back: it is disputed."
	}
	return becomes[c.Outcome]
}

// becameOf is became with the facts of the payment.
func becameOf(c curfew.Checkout, l record.Ledger) string {
	if c.Outcome != curfew.Void || c.Capture != "" || record.SamePayment(c) || c.Free() {
		return became(c)
	}
	switch b := l.Money(); {
	case b.Lost > 0:
		return "was taken back by the bank: nothing is owed for it."
	case b.State == "failed":
		return "failed: nothing is owed for it."
	}
	return became(c)
}

// nothingOwed says why a payment is void.
func nothingOwed(c curfew.Checkout) string {
	switch c.Capture {
	case "releasing":
		return "was reserved and not charged: it is being released."
	case "released":
		return "was reserved and not charged: it was released."
	case "failed":
		return "was refused by the bank: nothing was taken."
	}
	return becomes[c.Outcome]
}

// settlements says in a word what a payment would become.
var settlements = map[curfew.Outcome]string{
	curfew.Fulfilled: "stays paid", curfew.Credited: "credit", curfew.RefundDue: "refund", curfew.Forfeited: "used up",
	curfew.Void: "void", curfew.Held: "held", curfew.Refunded: "refunded",
}

// paid returns what a payment was, for people.
func paid(c curfew.Checkout) string {
	switch {
	case c.Free():
		return "free"
	case c.Amount == 0 && c.Currency == "":
		return "unknown amount" // the shop did not say
	}
	return curfew.Amount(c.Amount, c.Currency)
}

// moments makes the times of a page as seen at the moment it is written.
type moments struct{ now time.Time }

func (m moments) at(t time.Time) Moment { return Moment{At: t.UTC(), Now: m.now} }

// customerPath returns the address of a customer's timeline.
func customerPath(id string) string {
	return "/console/customer?q=" + url.QueryEscape(id)
}

// jsonOf returns the body of an action.
func jsonOf(body any) string {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // bodies are structs of strings and flags
	}
	return string(text)
}

// capital capitalizes the first letter of a sentence, which begins with an ASCII letter or digit.
func capital(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-'a'+'A') + text[1:]
}
