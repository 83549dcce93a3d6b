package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// Erasure removes a customer's data. It is a plan until it is carried out.
type Erasure struct {
	ID         string
	CustomerID string // once it was carried out: what it has become
	Pseudonym  string // what the customer's id becomes; empty: it stays
	Version    int64  // of what was held when it was planned
	Held       map[string]int64
	Actor      curfew.Actor
	Reason     string // for operators; it stays
	PlannedAt  time.Time
	ErasedAt   time.Time // zero: it was not carried out
}

// ErasurePlanLife is how long a plan can be carried out.
const ErasurePlanLife = 24 * time.Hour

// Becomes returns the customer's id once it is carried out.
func (e Erasure) Becomes() string {
	if e.Pseudonym != "" {
		return e.Pseudonym
	}
	return e.CustomerID
}

const (
	pseudonym = "erased-" // and a UUID
	// Erased stands for a text that was erased.
	Erased = "erased"
)

// Pseudonym returns what replaces a customer's id. The unique part is a UUID.
func Pseudonym(unique string) string { return pseudonym + unique }

// IsPseudonym reports whether an id is what an erasure has put in place of a customer's.
func IsPseudonym(customerID string) bool {
	return strings.HasPrefix(customerID, pseudonym) && len(customerID) == len(pseudonym)+len("00000000-0000-0000-0000-000000000000")
}

// Held is the data about a customer on which the decision about an erasure depends.
type Held struct {
	Version   int64            // how many events there are: whatever happens raises it
	Unended   []curfew.Session // with their id and status alone
	Checkouts []curfew.Checkout
	Words     []Words
	Rows      map[string]int64 // how many there are, by table
}

// Words is who did something, as a row of an event names it, and why.
type Words struct{ Actor, Reason string }

// Obstacle is a reason why an erasure is not possible yet.
type Obstacle struct {
	Noun  string // session or payment
	ID    string
	State string
}

// Obstacles returns what forbids an erasure: sessions that have not ended and payments
// without an outcome. A credit could not be spent by anybody once the customer's id is
// replaced.
func (h Held) Obstacles(replaced bool) []Obstacle {
	var all []Obstacle
	for _, s := range h.Unended {
		all = append(all, Obstacle{"session", s.ID, string(s.Status)})
	}
	for _, c := range h.Checkouts {
		switch {
		case unsettled(c):
			all = append(all, Obstacle{"payment", c.ID, string(c.Outcome)})
		case c.MoneyDue:
			all = append(all, Obstacle{"payment", c.ID, "money due"})
		case slices.Contains([]string{"authorised", "due", "capturing", "releasing"}, c.Capture):
			all = append(all, Obstacle{"payment", c.ID, "money " + c.Capture})
		case replaced && c.Outcome == curfew.Credited:
			all = append(all, Obstacle{"payment", c.ID, string(c.Outcome)})
		}
	}
	return all
}

func unsettled(c curfew.Checkout) bool {
	return slices.Contains([]curfew.Outcome{curfew.Promised, curfew.Deferred, curfew.Held, curfew.RefundDue, curfew.Refunding}, c.Outcome)
}

// Permit returns the error that refuses an erasure, of kind Conflict, or nil.
func (h Held) Permit(e Erasure) error {
	if all := h.Obstacles(e.Pseudonym != ""); len(all) > 0 {
		return curfew.Errorf(curfew.Conflict, "%s %s is %s: nothing is erased while a session is open or a payment has no outcome", all[0].Noun, all[0].ID, all[0].State)
	}
	if h.Version != e.Version {
		return curfew.Errorf(curfew.Conflict, "something has happened to the customer since the preview (version %d, now %d): preview again", e.Version, h.Version)
	}
	return nil
}

// Identifiers returns the texts that name the customer wherever they stand: addresses, names,
// and the id if it is replaced. Short ones could be anybody's.
func (h Held) Identifiers(e Erasure) []string {
	const shortest = 6
	found := map[string]bool{}
	add := func(text string) {
		if text = strings.TrimSpace(text); len(text) >= shortest {
			found[text] = true
		}
	}
	for _, c := range h.Checkouts {
		add(c.Email)
		add(c.Name)
	}
	if e.Pseudonym != "" {
		add(e.CustomerID)
	}
	return slices.Sorted(maps.Keys(found))
}

// Emails returns the addresses that the customer paid with.
func (h Held) Emails() []string {
	found := map[string]bool{}
	for _, c := range h.Checkouts {
		if c.Email != "" {
			found[c.Email] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// ErasedWords returns the words of events that an erasure changes, with what they become.
func (h Held) ErasedWords(e Erasure) map[Words]Words {
	names, changed := h.Identifiers(e), map[Words]Words{}
	for _, w := range h.Words {
		if became := w.erased(e, names); became != w {
			changed[w] = became
		}
	}
	return changed
}

func (w Words) erased(e Erasure, names []string) Words {
	who := ParseActor(w.Actor)
	ours := who.Role == curfew.System
	if own := (curfew.Actor{Role: curfew.Customer, ID: e.CustomerID}); who == own {
		w.Actor = curfew.Actor{Role: curfew.Customer, ID: e.Becomes()}.String()
	}
	if w.Reason != "" && (!ours || named(w.Reason, names)) {
		if w.Reason = ownPart(w.Reason); w.Reason == "" {
			w.Reason = Erased
		}
	}
	return w
}

// named reports whether a text has one of the names in it.
func named(text string, names []string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(text, strings.ToLower(name)) })
}

// theirRow begins the reasons of what a program of the marketplace did to its own row.
const theirRow = "their row"

// ownPart returns what of a reason is one of Curfew's own, without what somebody added.
func ownPart(reason string) string {
	code, _, _ := strings.Cut(reason, ": ")
	theirs := strings.HasPrefix(code, "their ")
	nothing := curfew.Event{From: "-", To: "-"}
	if (curfew.Event{From: "-", To: "-", Reason: code}).Code() == nothing.Code() || theirs && !strings.HasPrefix(code, theirRow) {
		return ""
	}
	return code
}

// ErasedCheckout returns a checkout without what is personal in it. Curfew's own keys of the
// metadata stay, because lines of a payment are told apart by them.
func ErasedCheckout(c curfew.Checkout) curfew.Checkout {
	own := map[string]string{}
	for key, value := range c.Metadata {
		if strings.HasPrefix(key, ownKeys) {
			own[key] = value
		}
	}
	c.Email, c.Name, c.Metadata, c.Note = "", "", own, ownPart(c.Note)
	return c
}

// PersonalTable is a table that holds something of customers.
type PersonalTable struct {
	Table
	// Of is the condition on its rows, with the customer as $1. Names of tables are in braces.
	Of string
}

// PersonalTables lists what is exported of a customer. Left out are ids that prove something (of
// sign-ins), and what is about several customers at once (runs, previews).
func PersonalTables() []PersonalTable {
	const ofCustomer = "customer_id = $1"
	payments := "(SELECT coalesce(c.line_of, c.id) FROM {checkouts} c WHERE c.customer_id = $1)"
	of := map[string]string{
		"sessions": ofCustomer, "session_requests": ofCustomer, "checkouts": ofCustomer, "events": ofCustomer, "deliveries": ofCustomer,
		"idempotency_keys": ofCustomer, "refusals": ofCustomer, "mechanic_slots": ofCustomer, "absences": ofCustomer,
		"payment_refs":       "checkout_id IN " + payments,
		"payment_facts":      "payment IN " + payments,
		"payment_repayments": "payment_id IN (SELECT p.ref FROM {payment_refs} p WHERE p.checkout_id IN " + payments + ")",
		"revocations":        "noun = 'subject' AND name = 'customer:' || $1",
	}
	all := []PersonalTable{{table("sign_ins", 0, `role text, subject text, browser text, created_at time, seen_at time, ended_at time`), "role = 'customer' AND subject = $1"}}
	for _, t := range Tables() {
		if condition := of[t.Name]; condition != "" {
			all = append(all, PersonalTable{t, condition})
		}
	}
	return all
}

// PersonalRows is the rows that a table holds of a customer, each value with the Go type of its
// column's kind.
type PersonalRows struct {
	Table Table
	Rows  [][]any
}

// String names an obstacle for people.
func (o Obstacle) String() string { return fmt.Sprintf("%s %s is %s", o.Noun, o.ID, o.State) }

// AddressHash is under which an address is kept that wants no more mail, whatever the case of
// its letters.
func AddressHash(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	return hex.EncodeToString(sum[:])
}

// Quoted returns a text as it stands in a document.
func Quoted(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // no text fails
	return strings.TrimSuffix(b.String(), "\n")
}

// QuietSearch looks for customers of whom nothing has happened for a time.
type QuietSearch struct {
	For   time.Duration
	After string // a customer; those behind are looked at, in order
	Limit int    // how many are looked at
}

// QuietCustomer is a customer that was looked at.
type QuietCustomer struct {
	ID     string
	Quiet  bool // nothing has happened for so long
	Erased bool // and what is personal was erased since
}
