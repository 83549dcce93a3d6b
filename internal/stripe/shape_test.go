package stripe_test

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// shape is an object of an event, as Stripe sends it, and what it says.
type shape struct {
	kind   gostripe.EventType
	object string
	refs   []string
	name   string
	facts  []curfew.Fact
	order  *curfew.Order
}

func eur(kind curfew.FactKind, object, state string, amount int64) curfew.Fact {
	return curfew.Fact{Kind: kind, Object: object, State: state, Amount: amount, Currency: "eur", At: noon}
}

// since is a fact that had been true before the message: since the object was made.
func since(f curfew.Fact) curfew.Fact {
	f.At = time.Unix(1795000000, 0).UTC()
	return f
}

func because(f curfew.Fact, reason string) curfew.Fact {
	f.Reason = reason
	return f
}

func until(f curfew.Fact, at time.Time) curfew.Fact {
	f.Until = at
	return f
}

// sold is an order for a plan of one session at 29.00 EUR.
func sold(change func(*curfew.Order)) *curfew.Order {
	o := curfew.Order{
		CustomerID: "kim", Plan: "chat10", Quantity: 1, Amount: 2900, Price: 2900, Currency: "eur", Email: "kim@example.org",
		Metadata: map[string]string{"plan": "chat10", "customer_id": "kim"},
	}
	if change != nil {
		change(&o)
	}
	return &o
}

func with(o *curfew.Order, key, value string) { o.Metadata[key] = value }

func shapes() map[string]shape {
	all := map[string]shape{}
	for _, some := range []map[string]shape{sessionShapes(), intentShapes(), chargeShapes(), refundShapes(), disputeShapes(), invoiceShapes()} {
		maps.Copy(all, some)
	}
	return all
}

func TestNotice_OfEveryShape(t *testing.T) {
	t.Parallel()
	for sentence, row := range shapes() {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			body := eventBody(t, row.kind, row.object)
			got, err := hook(t).Read(signed(stripetest.Sign(secret, noon, body)), body)
			want := curfew.Notice{
				ID: "evt_1", Type: string(row.kind), Provider: "stripe", At: noon,
				References: row.refs, Name: row.name, Facts: row.facts, Order: row.order,
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
			checkNotice(t, got, body)
		})
	}
}

// Every event that is read is told by some shape.
func TestEvents_AreAllTried(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, row := range shapes() {
		tried[string(row.kind)] = true
	}
	for _, kind := range stripe.Events() {
		if !tried[kind] {
			t.Errorf("no shape of %s", kind)
		}
	}
}

// eventBody is an event about an object, which Stripe's library must be able to read.
func eventBody(t testing.TB, kind gostripe.EventType, object string) []byte {
	t.Helper()
	if err := json.Unmarshal([]byte(object), librarys(t, kind)); err != nil {
		t.Fatalf("Stripe's library does not read %s: %v", object, err)
	}
	body, err := json.Marshal(gostripe.Event{
		ID: "evt_1", Object: "event", Type: kind, Created: noon.Unix(), APIVersion: gostripe.APIVersion, Data: &gostripe.EventData{Raw: json.RawMessage(object)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// librarys is what Stripe's library makes of an event's object.
func librarys(t testing.TB, kind gostripe.EventType) any {
	t.Helper()
	switch stripeObject(kind) {
	case "checkout.session":
		return &gostripe.CheckoutSession{}
	case "payment_intent":
		return &gostripe.PaymentIntent{}
	case "charge":
		return &gostripe.Charge{}
	case "refund":
		return &gostripe.Refund{}
	case "dispute":
		return &gostripe.Dispute{}
	case "invoice":
		return &gostripe.Invoice{}
	case "invoice_payment":
		return &gostripe.InvoicePayment{}
	}
	t.Fatalf("an event of no kind: %s", kind)
	return nil
}

// stripeObject is the kind of object that an event is about.
func stripeObject(kind gostripe.EventType) string {
	for _, each := range []struct{ prefix, object string }{
		{"charge.dispute.", "dispute"},
		{"charge.refund.", "refund"},
		{"checkout.session.", "checkout.session"},
		{"payment_intent.", "payment_intent"},
		{"charge.", "charge"},
		{"refund.", "refund"},
		{"invoice.", "invoice"},
		{"invoice_payment.", "invoice_payment"},
	} {
		if strings.HasPrefix(string(kind), each.prefix) {
			return each.object
		}
	}
	return ""
}

// docs/stripe.md lists the events that an endpoint needs.
func TestEvents_AreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/stripe.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "```")
	if len(parts) < 2 {
		t.Fatal("docs/stripe.md has no list of events")
	}
	if diff := cmp.Diff(stripe.Events(), strings.Fields(parts[1])); diff != "" {
		t.Error(diff)
	}
}
