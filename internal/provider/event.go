package provider

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// PaymentEvent is a marketplace's report of one fact about a payment.
type PaymentEvent struct {
	ID          string        `json:"id" minLength:"1" maxLength:"255" doc:"The event's own id, the same when the event is sent again"`
	Type        string        `json:"type" enum:"authorised,paid,declined,promised,failed,expired,voided,refund,refund_total,dispute,named" doc:"What happened. authorised: the money is reserved; paid: it was taken; declined: one attempt failed, and another may follow; promised: a bank sends the money later; failed: the payment will not be made; expired, voided: the authorization or the payment ended unused; refund: the state of one refund; refund_total: everything given back so far, where the provider reports only the sum; dispute: the state of one chargeback or claim; named: nothing happened, but all references name the same payment"`
	Provider    string        `json:"provider" pattern:"^[a-z][a-z0-9_-]{0,31}$" doc:"Who holds the money: paypal, mollie, bank. Not stripe, which has a route of its own"`
	Account     string        `json:"account,omitempty" maxLength:"128" doc:"The provider's account that received the money, if you have several"`
	References  []string      `json:"references" nullable:"false" minItems:"1" maxItems:"20" doc:"The names of the payment: the provider's, and the shop's own. The first becomes the reference of its checkout. Never a customer, a subscription or anything else that has several payments"`
	PaymentName string        `json:"paymentName,omitempty" maxLength:"255" doc:"Which of the references refunds at the provider use; absent: the first"`
	Object      string        `json:"object,omitempty" maxLength:"255" doc:"The provider's id of the refund or the dispute, required for these; for other types the id of the attempt to collect the money, if it differs from the payment's reference"`
	State       string        `json:"state,omitempty" enum:"requires_action,pending,succeeded,canceled,failed,warning,closed,unknown,needs_response,under_review,prevented,won,lost" doc:"For a refund: requires_action, pending, succeeded, canceled, failed. For a dispute: warning, closed, unknown, needs_response, under_review, prevented, won, lost. Absent for everything else"`
	Amount      *int64        `json:"amount,omitempty" minimum:"0" doc:"In the currency's minor unit: what was reserved or taken; for refund, what it gives back; for refund_total, everything given back so far; for dispute, what is claimed (absent: all of it). Required for authorised, paid, refund and refund_total"`
	Currency    string        `json:"currency,omitempty" pattern:"^[A-Za-z]{3}$" doc:"ISO 4217; required with an amount"`
	Reason      string        `json:"reason,omitempty" doc:"Why, in the provider's words, for operators"`
	At          string        `json:"at" format:"date-time" doc:"When it happened, by the provider's clock, with a time zone. Of two events about the same thing the later one counts, so do not use the time of sending"`
	Until       string        `json:"until,omitempty" format:"date-time" doc:"When an authorization lapses"`
	Order       *PaymentOrder `json:"order,omitempty" doc:"What was bought; allowed with authorised, paid and promised. The first event with an order creates the checkout"`
}

// eventType is what an event of one type reports.
type eventType struct {
	name   string          // the type
	kind   curfew.FactKind // empty: it only names a payment
	state  string          // empty: the event says which
	amount bool            // it must have one
	sells  bool            // it may have an order
}

// eventTypes are all of them. TestEveryTypeIsDocumented compares them with the tag.
var eventTypes = []eventType{
	{"authorised", "attempt", "authorised", true, true},
	{"paid", "attempt", "captured", true, true},
	{"declined", "attempt", "failed", false, false},
	{"promised", "promise", "promised", false, true},
	{"failed", "promise", "failed", false, false},
	{"expired", "attempt", "expired", false, false},
	{"voided", "attempt", "voided", false, false},
	{"refund", "refund", "", true, false},
	{"refund_total", "refund_total", "total", true, false},
	{"dispute", "dispute", "", false, false},
	{"named", "", "", false, false},
}

func typeNames() []string {
	var all []string
	for _, t := range eventTypes {
		all = append(all, t.name)
	}
	return all
}

// decode reads a body strictly. As much as can be read is returned even with an error.
func decode(body []byte) (e PaymentEvent, err error) {
	plain, unfit := strictjson.Plain(body, fieldsOf(e))
	if unfit == nil {
		body = plain
	}
	misfit := json.Unmarshal(body, &e)
	var parts struct{ Order json.RawMessage }
	switch {
	case unfit != nil:
		return e, fmt.Errorf("the body cannot be read: %w", unfit)
	case !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		return e, errors.New("the body is no JSON object")
	case json.Unmarshal(body, &parts) == nil && parts.Order != nil:
		if err := strictjson.Check(parts.Order, fieldsOf(PaymentOrder{})); err != nil {
			return e, fmt.Errorf("order cannot be read: %w", err)
		}
	}
	return e, inWords(misfit)
}

// fieldsOf lists the names of a struct's fields in JSON.
func fieldsOf(of any) []string {
	var names []string
	for f := range reflect.TypeOf(of).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// inWords says which field has a value of the wrong type.
func inWords(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	want := map[reflect.Kind]string{
		reflect.String: "a text", reflect.Bool: "true or false", reflect.Int64: "a whole number", reflect.Slice: "a list", reflect.Struct: "an object", reflect.Map: "an object",
	}[wrong.Type.Kind()]
	return fmt.Errorf("%s must be %s, not a JSON %s", clip(wrong.Field, maxShown), want, clip(wrong.Value, maxShown))
}

// unnamed stands for a provider that an event does not name as it must. Metrics have the same
// name for messages that are not read.
const unnamed = "events"

// envelope is what can be said of an event that cannot be used. Without a usable id it has that
// of the delivery, or the digest of the body, so that it is known when it comes again.
func (e PaymentEvent) envelope(delivery string, body []byte) curfew.Notice {
	n := curfew.Notice{ID: e.ID, Type: clip(e.Type, maxShown), Provider: e.Provider}
	n.At, _ = instant("at", e.At)
	if curfew.CheckRef("id", n.ID) != nil {
		n.ID = delivery
	}
	if curfew.CheckRef("id", n.ID) != nil {
		sum := sha256.Sum256(body)
		n.ID = "sha256:" + hex.EncodeToString(sum[:])
	}
	if checkProvider(n.Provider) != nil {
		n.Provider = unnamed
	}
	if curfew.CheckID("account", e.Account) == nil {
		n.Account = e.Account
	}
	return n
}

// notice translates an event. The error says what is wrong with it.
func (e PaymentEvent) notice() (n curfew.Notice, err error) {
	if err := e.check(); err != nil {
		return n, err
	}
	t, err := e.eventType()
	if err != nil {
		return n, err
	}
	n = curfew.Notice{
		ID: e.ID, Type: e.Type, Provider: e.Provider, Account: e.Account, References: e.References, Name: e.name(),
	}
	if t.kind == "" {
		n.Name, n.Naming = e.PaymentName, true
		n.At, err = instant("at", e.At)
		return n, err
	}
	f, err := e.fact(t)
	if err != nil {
		return n, err
	}
	n.At, n.Facts = f.At, []curfew.Fact{f}
	if e.Order != nil {
		n.Order, err = e.order()
	}
	return n, err
}

// check returns what is wrong with what all events have.
func (e PaymentEvent) check() error {
	if err := curfew.CheckRef("id", e.ID); err != nil {
		return err
	}
	if err := checkProvider(e.Provider); err != nil {
		return err
	}
	if e.Account != "" {
		if err := curfew.CheckID("account", e.Account); err != nil {
			return err
		}
	}
	return e.checkReferences()
}

// maxReferences is how many names a payment may get by one event.
const maxReferences = 20

func (e PaymentEvent) checkReferences() error {
	if n := len(e.References); n == 0 || n > maxReferences {
		return fmt.Errorf("references must name the payment, by one name to %d", maxReferences)
	}
	for _, ref := range e.References {
		if err := curfew.CheckRef("one of the references", ref); err != nil {
			return err
		}
	}
	if e.PaymentName != "" && !slices.Contains(e.References, e.PaymentName) {
		return errors.New("paymentName must be one of the references")
	}
	return nil
}

// checkProvider refuses a name that could be taken for another in a metric or a table.
func checkProvider(name string) error {
	strange := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-' }
	switch {
	case name == "":
		return errors.New("provider must name who has the money, such as paypal")
	case len(name) > 32 || strings.ContainsFunc(name, strange) || name[0] < 'a' || name[0] > 'z':
		return errors.New("provider must be a name of at most 32 lower-case letters, digits, - and _, such as paypal")
	case name == "stripe":
		return errors.New("provider must not be stripe: its messages go to POST /api/stripe/webhook as they are")
	}
	return nil
}

func (e PaymentEvent) eventType() (eventType, error) {
	i := slices.IndexFunc(eventTypes, func(t eventType) bool { return t.name == e.Type })
	if i < 0 {
		return eventType{}, fmt.Errorf("unknown type %q: the types are %s", clip(e.Type, maxShown), strings.Join(typeNames(), ", "))
	}
	t := eventTypes[i]
	switch {
	case t.kind == "":
		return t, e.checkNaming()
	case t.state == "" && e.State == "":
		return t, fmt.Errorf("a %s needs a state", e.Type)
	case t.state != "" && e.State != "":
		return t, fmt.Errorf("state belongs to a refund or a dispute, not to %s", e.Type)
	case t.state == "" && e.Object == "":
		return t, fmt.Errorf("a %s needs an object: the provider's id of it", e.Type)
	case t.amount && e.Amount == nil:
		return t, fmt.Errorf("%s needs an amount", e.Type)
	case e.Order != nil && !t.sells:
		return t, fmt.Errorf("order belongs to authorised, paid or promised, not to %s", e.Type)
	case e.Until != "" && e.Type != "authorised":
		return t, fmt.Errorf("until belongs to authorised, not to %s", e.Type)
	}
	return t, nil
}

// checkNaming refuses what an event would say beside names.
func (e PaymentEvent) checkNaming() error {
	said := e
	said.ID, said.Type, said.Provider, said.Account, said.References, said.PaymentName, said.At = "", "", "", "", nil, "", ""
	switch {
	case len(e.References) < 2:
		return errors.New("named needs two references at least: they are names of one payment")
	case !reflect.DeepEqual(said, PaymentEvent{}):
		return errors.New("named says nothing of a payment but its names")
	}
	return nil
}

// name is what refunds call the payment.
func (e PaymentEvent) name() string {
	if e.PaymentName == "" {
		return e.References[0]
	}
	return e.PaymentName
}

func (e PaymentEvent) fact(t eventType) (f curfew.Fact, err error) {
	f = curfew.Fact{Kind: t.kind, Object: e.Object, State: t.state + e.State, Reason: clip(e.Reason, maxReason)}
	if f.Object == "" {
		f.Object = e.name()
	}
	if f.Amount, f.Currency, err = money(e.Amount, e.Currency); err != nil {
		return f, err
	}
	if f.At, err = instant("at", e.At); err != nil {
		return f, err
	}
	if e.Until != "" {
		if f.Until, err = instant("until", e.Until); err != nil {
			return f, err
		}
	}
	return f, f.Check()
}

// money reads an amount, which may be absent. One without a currency could be any.
func money(amount *int64, code string) (int64, string, error) {
	code = strings.ToLower(code)
	strange := func(r rune) bool { return r < 'a' || r > 'z' }
	switch {
	case code != "" && (len(code) != 3 || strings.ContainsFunc(code, strange)):
		return 0, "", errors.New("currency must be three letters (ISO 4217)")
	case amount == nil:
		return 0, code, nil
	case *amount < 0:
		return 0, "", errors.New("amount must not be negative: it is what was taken or given back, not a change of a balance")
	case code == "":
		return 0, "", errors.New("an amount needs a currency")
	}
	return *amount, code, nil
}

// instant reads a time with a zone, with the precision of databases.
func instant(field, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Year() < 1970 || at.Year() > 9998 {
		return time.Time{}, fmt.Errorf("%s must be a time with a time zone, written like 2026-12-20T10:00:00Z", field)
	}
	return at.UTC().Truncate(time.Microsecond), nil
}
