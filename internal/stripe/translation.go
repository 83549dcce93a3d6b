package stripe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// translation is a message while it is being read, either an event or a response of the API.
type translation struct {
	keys Keys
	kind string    // the event's type; empty: the API's answer
	at   time.Time // of the event, or of the answer
	// changed means that the response is to a call that changed the object at that time.
	changed bool

	asked   []string // the checkout session and the invoice
	intent  string
	charges []string
	facts   []curfew.Fact
	order   *curfew.Order
	// disputed are the charges in a response that are or were disputed.
	disputed []object
	broken   error // the first thing that should be readable and is not
}

// answered reports whether this is a response, whose time is not that of a change.
func (t *translation) answered() bool { return t.kind == "" }

// settled returns the time of a state that is final, such as captured, by which the books count.
// Not every message about it belongs to the change itself: a response of the API, a charge that was
// refunded later, or a refund that received its bank's reference only says that the state was
// reached by then, and the object's own time is closer.
func (t *translation) settled(o object) time.Time {
	own := o.time("created")
	switch {
	case own.IsZero(), t.answered() && t.changed:
	case t.answered(), o.text("object") == "refund",
		t.kind == string(stripe.EventTypeChargeRefunded), t.kind == string(stripe.EventTypeChargeUpdated):
		return own
	}
	return t.at
}

func (t *translation) fail(o object, err error) {
	if t.broken == nil && err != nil {
		t.broken = fmt.Errorf("%s: %w", named(o), err)
	}
}

// named returns how to name an object in a reason.
func named(o object) string {
	name := strings.TrimSpace(o.text("object") + " " + o.text("id"))
	if name == "" {
		return "the object"
	}
	return shown(name, maxShown)
}

// id is the object's own.
func (t *translation) id(o object) string {
	id := o.text("id")
	if id == "" {
		t.fail(o, errors.New("it has no id"))
	}
	return id
}

// amount returns an amount that must be present.
func (t *translation) amount(o object, name string) int64 {
	n, err := o.int(name)
	if err == nil && n < 0 {
		err = fmt.Errorf("%s is %d, which is negative", name, n)
	}
	t.fail(o, err)
	return n
}

// amountOr returns an amount that may be absent or null.
func (t *translation) amountOr(o object, name string, absent int64) int64 {
	if o.field(name) == nil {
		return absent
	}
	return t.amount(o, name)
}

// currency returns the object's currency; empty if it has none.
func (t *translation) currency(o object) string {
	code := strings.ToLower(strings.TrimSpace(o.text("currency")))
	strange := func(r rune) bool { return r < 'a' || r > 'z' }
	if code != "" && (len(code) != 3 || strings.ContainsFunc(code, strange)) {
		t.fail(o, fmt.Errorf("the currency is %q", shown(code, maxShown)))
		return ""
	}
	return code
}

// money adds a fact about an object in its currency.
func (t *translation) money(o object, f curfew.Fact) {
	f.Currency, f.Reason = t.currency(o), shown(f.Reason, maxReason)
	if f.Object == "" {
		f.Object = t.id(o)
	}
	if f.At.IsZero() {
		f.At = t.at
	}
	t.facts = append(t.facts, f)
}

// notice returns what was read, or an error if something could not be.
func (t *translation) notice() (curfew.Notice, error) {
	n := curfew.Notice{Provider: Provider, Type: t.kind, At: t.at}
	facts, err := t.checked()
	if err != nil {
		return n, err
	}
	refs := t.references()
	for _, ref := range refs {
		if err := curfew.CheckRef("a reference of the payment", ref); err != nil {
			return n, err
		}
	}
	if len(refs) > 0 {
		n.References, n.Name, n.Facts, n.Order = refs, t.name(), facts, t.order
	}
	return n, nil
}

// checked returns the facts if all of them could be read.
func (t *translation) checked() ([]curfew.Fact, error) {
	if t.broken != nil {
		return nil, t.broken
	}
	facts := unique(t.facts)
	for _, f := range facts {
		if err := f.Check(); err != nil {
			return nil, fmt.Errorf("%s %s: %w", f.Kind, shown(f.Object, maxShown), err)
		}
	}
	return facts, nil
}

// references never include a customer, a subscription or a payment link: those have many payments.
func (t *translation) references() []string {
	all := slices.Concat(t.asked, []string{t.intent}, t.charges)
	var refs []string
	for _, ref := range all {
		if ref != "" && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// name is the payment's name for refunds.
func (t *translation) name() string {
	if t.intent == "" && len(t.charges) > 0 {
		return t.charges[0]
	}
	return t.intent
}

// unique merges facts that are reported twice because one object contains another.
func unique(facts []curfew.Fact) []curfew.Fact {
	var all []curfew.Fact
	for _, f := range facts {
		same := func(known curfew.Fact) bool {
			return known.Kind == f.Kind && known.Object == f.Object && known.State == f.State
		}
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i] = all[i].Known(f)
			continue
		}
		all = append(all, f)
	}
	return all
}
