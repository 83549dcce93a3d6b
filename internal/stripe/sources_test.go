package stripe_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// message is what Stripe tells in one event.
type message struct {
	kind   gostripe.EventType
	object string
}

// A payment is one, in whatever order and however often its messages come, and whichever of its objects they are about.
func TestNotice_OnePaymentOfEverySource(t *testing.T) {
	t.Parallel()
	const (
		link    = `"object":"checkout.session","mode":"payment","currency":"eur","payment_link":"plink_1","client_reference_id":"kim","metadata":{"plan":"chat10"},"customer_details":{"email":"kim@example.org"},`
		renewal = `"object":"checkout.session","mode":"subscription","currency":"eur","customer":"cus_1","subscription":"sub_1","invoice":"in_1","client_reference_id":"kim","metadata":{"plan":"chat10"},`
		charged = `"object":"charge","amount":2900,"amount_captured":2900,"amount_refunded":0,"captured":true,"currency":"eur","status":"succeeded","customer":"cus_1",`
		parent  = `"parent":{"type":"subscription_details","subscription_details":{"subscription":"sub_1","metadata":{"plan":"chat10","customer_id":"kim"}}},`
		line    = `"lines":{"object":"list","data":[{"id":"il_1","object":"line_item","quantity":3,"metadata":{"plan":"chat10","customer_id":"kim"},"parent":{"type":"subscription_item_details"}}]},`
		paid    = `"status":"complete","payment_status":"paid","amount_total":2900,"amount_subtotal":2900,`
	)
	intentDone := message{gostripe.EventTypePaymentIntentSucceeded, `{"id":"pi_1",` + intent + `"status":"succeeded","amount_received":2900,"latest_charge":"ch_1","metadata":{}}`}
	chargeDone := message{gostripe.EventTypeChargeSucceeded, `{"id":"ch_1",` + charged + `"payment_intent":"pi_1"}`}
	invoicePaid := message{gostripe.EventTypeInvoicePaymentPaid, `{"id":"inpay_1","object":"invoice_payment","invoice":"in_1","status":"paid","amount_paid":2900,"currency":"eur","payment":{"type":"payment_intent","payment_intent":"pi_1"}}`}
	for sentence, row := range map[string]struct {
		reported []message
		names    []string
		plan     string
		customer string
		quantity int64
	}{
		"a payment link, whose line says how many": {
			[]message{
				{gostripe.EventTypeCheckoutSessionCompleted, `{"id":"cs_1",` + link + paid + `"payment_intent":"pi_1","line_items":{"object":"list","data":[{"id":"li_1","object":"item","quantity":3}]}}`},
				intentDone, chargeDone,
			},
			[]string{"ch_1", "cs_1", "pi_1"},
			"chat10", "kim", 3,
		},
		"a checkout, whose metadata say how many": {
			[]message{
				{gostripe.EventTypeCheckoutSessionCompleted, `{"id":"cs_1","object":"checkout.session","mode":"payment","currency":"eur","metadata":{"plan":"chat10","customer_id":"kim","quantity":"2"},` + paid + `"payment_intent":"pi_1"}`},
				intentDone, chargeDone,
			},
			[]string{"ch_1", "cs_1", "pi_1"},
			"chat10", "kim", 2,
		},
		"an intent without a checkout": {
			[]message{
				{gostripe.EventTypePaymentIntentProcessing, `{"id":"pi_1",` + intent + `"status":"processing","metadata":{"plan":"chat10","customer_id":"kim"}}`},
				{gostripe.EventTypePaymentIntentSucceeded, `{"id":"pi_1",` + intent + `"status":"succeeded","amount_received":2900,"latest_charge":"ch_1","metadata":{"plan":"chat10","customer_id":"kim"}}`},
				chargeDone,
			},
			[]string{"ch_1", "pi_1"},
			"chat10", "kim", 1,
		},
		"a subscription's first payment is told by its checkout and its invoice": {
			[]message{
				{gostripe.EventTypeCheckoutSessionCompleted, `{"id":"cs_1",` + renewal + paid + `"payment_intent":null}`},
				{gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + parent + `"status":"paid","amount_paid":2900,"billing_reason":"subscription_create"}`},
				invoicePaid, intentDone, chargeDone,
			},
			[]string{"ch_1", "cs_1", "in_1", "pi_1"},
			"chat10", "kim", 1,
		},
		"a subscription's first payment, in an older version": {
			[]message{
				{gostripe.EventTypeCheckoutSessionCompleted, `{"id":"cs_1",` + renewal + paid + `"payment_intent":null}`},
				{gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + `"subscription":"sub_1","subscription_details":{"metadata":{"plan":"chat10","customer_id":"kim"}},
					"status":"paid","amount_paid":2900,"payment_intent":"pi_1","charge":"ch_1"}`},
				intentDone,
			},
			[]string{"ch_1", "cs_1", "in_1", "pi_1"},
			"chat10", "kim", 1,
		},
		"a later payment of a subscription has an invoice alone, and its line says how many": {
			[]message{
				{gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + line + `"status":"paid","amount_paid":2900,"billing_reason":"subscription_cycle"}`},
				{gostripe.EventTypeInvoicePaymentSucceeded, `{"id":"in_1",` + invoice + line + `"status":"paid","amount_paid":2900,"billing_reason":"subscription_cycle"}`},
				invoicePaid, intentDone,
			},
			[]string{"ch_1", "in_1", "pi_1"},
			"chat10", "kim", 3,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			var all []curfew.Notice
			for _, reported := range row.reported {
				body := eventBody(t, reported.kind, reported.object)
				n, err := hook(t).Read(signed(stripetest.Sign(secret, noon, body)), body)
				if err != nil || n.Unread != "" {
					t.Fatalf("%+v, %v", n, err)
				}
				if n.Order != nil && (n.Order.Plan != row.plan || n.Order.CustomerID != row.customer || n.Order.Quantity != row.quantity || n.Order.Amount != 2900 || n.Order.Flaw != "") {
					t.Errorf("%s sells %+v", reported.kind, *n.Order)
				}
				all = append(all, n)
			}
			permute(all, func(order []curfew.Notice) {
				twice := slices.Concat(order, order)
				names, facts := joined(t, twice)
				if diff := cmp.Diff(row.names, names); diff != "" {
					t.Error(diff)
				}
				b := (curfew.Payment{Facts: facts}).Balance(0, "")
				if diff := cmp.Diff(curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"}, b); diff != "" {
					t.Error(diff)
				}
			})
			if !slices.ContainsFunc(all, func(n curfew.Notice) bool { return n.Order != nil }) {
				t.Error("nothing says what was bought")
			}
		})
	}
}

// joined is the one payment that messages are about.
func joined(t *testing.T, reported []curfew.Notice) (names []string, facts []curfew.Fact) {
	t.Helper()
	groups := map[string]int{}
	for i, n := range reported {
		for _, ref := range n.References {
			if j, ok := groups[ref]; ok {
				for name, group := range groups {
					if group == j {
						groups[name] = i
					}
				}
			}
			groups[ref] = i
		}
		facts = append(facts, n.Facts...)
	}
	for name, group := range groups {
		if group != groups[reported[0].References[0]] {
			t.Errorf("%s is of another payment", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, facts
}

// permute calls for every order of what it gets.
func permute[T any](all []T, each func([]T)) {
	var place func(n int)
	place = func(n int) {
		if n == len(all) {
			each(slices.Clone(all))
		}
		for i := n; i < len(all); i++ {
			all[n], all[i] = all[i], all[n]
			place(n + 1)
			all[n], all[i] = all[i], all[n]
		}
	}
	place(0)
}

// An app has its customers under the name that it gave them.
func TestNotice_OfOtherKeys(t *testing.T) {
	t.Parallel()
	const object = `{"id":"pi_1","object":"payment_intent","amount":2900,"amount_received":2900,"currency":"eur","status":"succeeded",
		"metadata":{"supabase_user_id":"7f3c","customer_id":"cart-9","product":"chat10","plan":"pro","begins":"2026-12-01T10:00:00Z","more_of":"s-1"}}`
	body := eventBody(t, gostripe.EventTypePaymentIntentSucceeded, object)
	h := hook(t, func(o *stripe.HookOptions) {
		o.Keys = stripe.Keys{Customer: []string{"supabase_user_id", "customer_id"}, Plan: "product", StartsAt: "begins", Extends: "more_of"}
	})
	n, err := h.Read(signed(stripetest.Sign(secret, noon, body)), body)
	if err != nil || n.Order == nil {
		t.Fatalf("%+v, %v", n, err)
	}
	if o := n.Order; o.CustomerID != "7f3c" || o.Plan != "chat10" || o.StartsAt.IsZero() || o.Extends != "s-1" || o.Flaw != "" {
		t.Errorf("it sells %+v", *o)
	}
}

// What the API lists says how many, where the message does not.
func TestPaid_SaysHowMany(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	fake.Pay(stripetest.Checkout{CustomerID: "kim", Plan: "chat10", Amount: 2900})
	fake.Pay(stripetest.Checkout{CustomerID: "kim", Plan: "chat10", Amount: 8700, Quantity: 3})
	var got []int64
	for n, err := range client(t, fake).Paid(t.Context(), noon) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n.Order.Quantity)
	}
	if diff := cmp.Diff([]int64{3, 1}, got); diff != "" {
		t.Error(diff)
	}
}
