package provider_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/provider"
)

// body is the paid event with other fields; nil removes one.
func body(t testing.TB, change map[string]any) string {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(paid), &fields); err != nil {
		t.Fatal(err)
	}
	maps.Copy(fields, change)
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var at = time.Date(2026, time.November, 28, 10, 0, 0, 0, time.UTC)

func TestAPaymentIsTranslatedWhole(t *testing.T) {
	t.Parallel()
	got := read(t, `{"id":"e1","type":"authorised","provider":"my_bank-2","account":"acc 1","references":["auth-1","order-1"],
		"paymentName":"order-1","object":"try-1","amount":2900,"currency":"EUR","reason":"a\ncard","at":"2026-11-28T11:00:00.1234567+01:00",
		"until":"2026-12-05T10:00:00Z","order":{"customerId":"kim","plan":"chat10","quantity":2,"amount":2800,"price":3000,"email":"kim@example.org",
		"name":"Kim","startsAt":"2026-12-01T09:00:00+01:00","extends":"s1","renewal":true,"metadata":{"cart":"7"}}}`)
	want := curfew.Notice{
		ID: "e1", Type: "authorised", Provider: "my_bank-2", Account: "acc 1", At: at.Add(123456 * time.Microsecond),
		References: []string{"auth-1", "order-1"}, Name: "order-1",
		Facts: []curfew.Fact{{
			Kind: "attempt", Object: "try-1", State: "authorised", Amount: 2900, Currency: "eur", Reason: "acard",
			At: at.Add(123456 * time.Microsecond), Until: at.AddDate(0, 0, 7),
		}},
		Order: &curfew.Order{
			CustomerID: "kim", Plan: "chat10", Quantity: 2, Amount: 2800, Price: 3000, Currency: "eur", Email: "kim@example.org", Name: "Kim",
			StartsAt: time.Date(2026, time.December, 1, 8, 0, 0, 0, time.UTC), Extends: "s1", Renewal: true, Metadata: map[string]string{"cart": "7"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryTypeTellsAFact(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct {
		change map[string]any
		want   curfew.Fact
	}{
		"authorised":   {nil, curfew.Fact{Kind: "attempt", State: "authorised"}},
		"paid":         {nil, curfew.Fact{Kind: "attempt", State: "captured"}},
		"promised":     {nil, curfew.Fact{Kind: "promise", State: "promised"}},
		"declined":     {map[string]any{"order": nil}, curfew.Fact{Kind: "attempt", State: "failed"}},
		"failed":       {map[string]any{"order": nil}, curfew.Fact{Kind: "promise", State: "failed"}},
		"expired":      {map[string]any{"order": nil}, curfew.Fact{Kind: "attempt", State: "expired"}},
		"voided":       {map[string]any{"order": nil}, curfew.Fact{Kind: "attempt", State: "voided"}},
		"refund_total": {map[string]any{"order": nil}, curfew.Fact{Kind: "refund_total", State: "total"}},
		"refund":       {map[string]any{"order": nil, "object": "r1", "state": "pending"}, curfew.Fact{Kind: "refund", Object: "r1", State: "pending"}},
		"dispute":      {map[string]any{"order": nil, "object": "d1", "state": "won"}, curfew.Fact{Kind: "dispute", Object: "d1", State: "won"}},
	} {
		change := map[string]any{"type": kind}
		maps.Copy(change, c.change)
		want := c.want
		want.Amount, want.Currency, want.At = 2900, "eur", at
		if want.Object == "" {
			want.Object = "p1"
		}
		got := read(t, body(t, change))
		if diff := cmp.Diff([]curfew.Fact{want}, got.Facts); diff != "" || got.Unread != "" {
			t.Errorf("%s: %s %s", kind, got.Unread, diff)
		}
	}
}

// An order number of the shop's own and the provider's names are one payment's, once somebody says so.
func TestAnEventMayOnlyNameAPayment(t *testing.T) {
	t.Parallel()
	named := map[string]any{"type": "named", "references": []string{"p1", "order-1"}, "amount": nil, "currency": nil, "order": nil}
	got := read(t, body(t, named))
	want := curfew.Notice{ID: "e1", Type: "named", Provider: "paypal", At: at, References: []string{"p1", "order-1"}, Naming: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	named["paymentName"] = "order-1"
	if got := read(t, body(t, named)); got.Name != "order-1" || got.Unread != "" {
		t.Errorf("with the name that refunds use: %+v", got)
	}
	for sentence, change := range map[string]map[string]any{
		"one name":         {"references": []string{"p1"}},
		"an amount":        {"amount": 2900, "currency": "EUR"},
		"an object":        {"object": "r1"},
		"a state":          {"state": "lost"},
		"an order":         {"order": map[string]any{"plan": "chat10"}},
		"no time":          {"at": nil},
		"a time of lapses": {"until": "2026-12-05T10:00:00Z"},
	} {
		wrong := maps.Clone(named)
		maps.Copy(wrong, change)
		if got := read(t, body(t, wrong)); got.Unread == "" || got.Naming {
			t.Errorf("with %s: %+v", sentence, got)
		}
	}
}

// Every state that a refund or a dispute can have can be told.
func TestEveryStateCanBeTold(t *testing.T) {
	t.Parallel()
	reported := map[string]bool{}
	for _, kind := range []curfew.FactKind{"refund", "dispute"} {
		_, list, _ := strings.Cut(curfew.Fact{Kind: kind, State: "x"}.Check().Error(), "the states are ")
		for state := range strings.SplitSeq(list, ", ") {
			reported[state] = true
			got := read(t, body(t, map[string]any{"type": kind, "object": "o1", "state": state, "order": nil}))
			if got.Unread != "" || got.Facts[0].State != state {
				t.Errorf("%s %s: %+v", kind, state, got)
			}
		}
	}
	if documented := enum(t, "State"); !slices.Equal(documented, slices.Sorted(maps.Keys(reported))) {
		t.Errorf("documented are %v, not %v", documented, reported)
	}
}

func TestEveryTypeIsDocumented(t *testing.T) {
	t.Parallel()
	types := slices.Sorted(slices.Values(provider.Types()))
	if documented := enum(t, "Type"); !slices.Equal(documented, types) {
		t.Errorf("documented are %v, not %v", documented, types)
	}
}

// enum is what the description of a field allows, in order.
func enum(t *testing.T, field string) []string {
	t.Helper()
	f, ok := reflect.TypeFor[provider.PaymentEvent]().FieldByName(field)
	if !ok {
		t.Fatalf("there is no field %s", field)
	}
	return slices.Sorted(strings.SplitSeq(f.Tag.Get("enum"), ","))
}

func TestWhatIsGenuineAndOddIsKept(t *testing.T) {
	t.Parallel()
	const unnamed = "events"
	for sentence, c := range map[string]struct {
		body     string
		why      string
		provider string
	}{
		"no JSON":                          {"paid=1", "not one JSON value", unnamed},
		"nothing":                          {"", "not one JSON value", unnamed},
		"no object":                        {"[]", "no JSON object", unnamed},
		"null":                             {"null", "no JSON object", unnamed},
		"two values":                       {paid + paid, "not one JSON value", unnamed},
		"an unknown field":                 {body(t, map[string]any{"customer": "kim"}), `no field "customer"`, "paypal"},
		"a field in other letters":         {body(t, map[string]any{"Amount": 1}), `no field "Amount"`, "paypal"},
		"a field twice":                    {strings.Replace(paid, "{", `{"amount":1,`, 1), "given twice", "paypal"},
		"an unknown field of the order":    {body(t, map[string]any{"order": map[string]any{"customer": "kim"}}), `no field "customer"`, "paypal"},
		"an order that is none":            {body(t, map[string]any{"order": "chat10"}), "order must be an object", "paypal"},
		"no id":                            {body(t, map[string]any{"id": nil}), "id", "paypal"},
		"an id of many lines":              {body(t, map[string]any{"id": "a\nb"}), "id", "paypal"},
		"an unknown type":                  {body(t, map[string]any{"type": "bought"}), `unknown type "bought"`, "paypal"},
		"no provider":                      {body(t, map[string]any{"provider": nil}), "provider must name", unnamed},
		"a provider in capitals":           {body(t, map[string]any{"provider": "PayPal"}), "lower-case", unnamed},
		"Stripe":                           {body(t, map[string]any{"provider": "stripe"}), "/api/stripe/webhook", unnamed},
		"an account that is none":          {body(t, map[string]any{"account": strings.Repeat("a", 129)}), "account", "paypal"},
		"no reference":                     {body(t, map[string]any{"references": []string{}}), "references", "paypal"},
		"too many references":              {body(t, map[string]any{"references": strings.Split(strings.Repeat("a", 21), "")}), "references", "paypal"},
		"an empty reference":               {body(t, map[string]any{"references": []string{"p1", ""}}), "references", "paypal"},
		"a name that is no reference":      {body(t, map[string]any{"paymentName": "p2"}), "paymentName", "paypal"},
		"an amount as text":                {body(t, map[string]any{"amount": "2900"}), "amount must be a whole number", "paypal"},
		"an amount in euros":               {strings.Replace(paid, "2900", "29.00", 1), "amount must be a whole number", "paypal"},
		"an amount as nobody writes it":    {strings.Replace(paid, "2900", "29e2", 1), "exponent", "paypal"},
		"no amount":                        {body(t, map[string]any{"amount": nil}), "paid needs an amount", "paypal"},
		"a null amount":                    {strings.Replace(paid, "2900", "null", 1), "paid needs an amount", "paypal"},
		"a negative amount":                {body(t, map[string]any{"amount": -1}), "negative", "paypal"},
		"an amount without a currency":     {body(t, map[string]any{"currency": nil}), "needs a currency", "paypal"},
		"a currency by its sign":           {body(t, map[string]any{"currency": "€"}), "ISO 4217", "paypal"},
		"no time":                          {body(t, map[string]any{"at": nil}), "at must be a time", "paypal"},
		"a time without a zone":            {body(t, map[string]any{"at": "2026-11-28T10:00:00"}), "time zone", "paypal"},
		"a time before there was any":      {body(t, map[string]any{"at": "0001-01-01T00:00:00Z"}), "at must be a time", "paypal"},
		"a state of what has none":         {body(t, map[string]any{"state": "succeeded"}), "state belongs to", "paypal"},
		"a refund without a state":         {body(t, map[string]any{"type": "refund", "object": "r1", "order": nil}), "needs a state", "paypal"},
		"a refund without an object":       {body(t, map[string]any{"type": "refund", "state": "pending", "order": nil}), "needs an object", "paypal"},
		"a refund that is won":             {body(t, map[string]any{"type": "refund", "object": "r1", "state": "won", "order": nil}), `unknown state "won"`, "paypal"},
		"a dispute that succeeded":         {body(t, map[string]any{"type": "dispute", "object": "d1", "state": "succeeded", "order": nil}), `unknown state "succeeded"`, "paypal"},
		"an order of a refund":             {body(t, map[string]any{"type": "refund", "object": "r1", "state": "pending"}), "order belongs to", "paypal"},
		"until of what is paid":            {body(t, map[string]any{"until": "2026-12-01T00:00:00Z"}), "until belongs to", "paypal"},
		"until at no time":                 {body(t, map[string]any{"type": "authorised", "until": "soon"}), "until must be", "paypal"},
		"an order in another currency":     {body(t, map[string]any{"order": map[string]any{"currency": "usd"}}), "different currencies", "paypal"},
		"an order's amount below nothing":  {body(t, map[string]any{"order": map[string]any{"amount": -1}}), "in the order", "paypal"},
		"an order's price below nothing":   {body(t, map[string]any{"order": map[string]any{"price": -1}}), "price", "paypal"},
		"an order's amount in euros":       {body(t, map[string]any{"order": map[string]any{"amount": 29.5}}), "order.amount must be a whole number", "paypal"},
		"an order's amount in no currency": {body(t, map[string]any{"type": "promised", "amount": nil, "currency": nil, "order": map[string]any{"amount": 1}}), "needs a currency", "paypal"},
		"metadata that is no text":         {body(t, map[string]any{"order": map[string]any{"metadata": map[string]any{"cart": 7}}}), "order.metadata must be a text", "paypal"},
	} {
		got := read(t, c.body)
		if !strings.Contains(got.Unread, c.why) || got.Unread == "" || string(got.Body) != c.body {
			t.Errorf("%s: why is %q, want %q", sentence, got.Unread, c.why)
		}
		if got.Provider != c.provider || got.ID == "" || got.References != nil || got.Facts != nil || got.Order != nil {
			t.Errorf("%s: kept is %+v", sentence, got)
		}
	}
}

// What is kept is known again when it comes again: by its own id, else by the delivery's.
func TestWhatIsKeptHasAnID(t *testing.T) {
	t.Parallel()
	if got := read(t, body(t, map[string]any{"amount": -1})); got.ID != "e1" || got.Type != "paid" || !got.At.Equal(at) {
		t.Errorf("%+v", got)
	}
	if got := read(t, body(t, map[string]any{"id": nil})); got.ID != "delivery-1" {
		t.Errorf("%+v", got)
	}
	text := body(t, map[string]any{"id": nil})
	header := signed(t, noon, text, current)
	long := strings.Repeat("d", 300)
	header.Set("webhook-id", long)
	header.Set("webhook-signature", signature(t, long, text))
	got, err := hook(t).Read(header, []byte(text))
	if err != nil || !strings.HasPrefix(got.ID, "sha256:") {
		t.Errorf("%+v, %v", got, err)
	}
}

// An order that cannot be carried out does not make the money unreadable.
func TestAFlawHoldsThePaymentAndKeepsItsFacts(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 51 {
		many[strings.Repeat("k", i+1)] = "v"
	}
	for sentence, c := range map[string]struct {
		order map[string]any
		flaw  string
	}{
		"nothing is wrong":               {map[string]any{"customerId": "kim"}, ""},
		"a customer's id that is none":   {map[string]any{"customerId": strings.Repeat("a", 129)}, "order.customerId"},
		"a plan that is none":            {map[string]any{"plan": "a\tb"}, "order.plan"},
		"a session that is none":         {map[string]any{"extends": "\u0001"}, "order.extends"},
		"a start without a time zone":    {map[string]any{"startsAt": "2026-12-01T10:00"}, "order.startsAt must be a time with a time zone"},
		"a quantity of nothing":          {map[string]any{"quantity": 0}, "order.quantity is 0"},
		"a quantity that is a mistake":   {map[string]any{"quantity": 101}, "order.quantity is 101"},
		"more metadata than can be kept": {map[string]any{"metadata": many}, "order.metadata has 51 entries"},
		"an address that is none":        {map[string]any{"email": "kim"}, ""}, // nobody is written to
	} {
		got := read(t, body(t, map[string]any{"order": c.order}))
		if got.Unread != "" || len(got.Facts) != 1 || got.Order == nil {
			t.Errorf("%s: %+v", sentence, got)
			continue
		}
		if o := got.Order; !strings.Contains(o.Flaw, c.flaw) || (o.Flaw == "") != (c.flaw == "") || o.Email != "" || o.Amount != 2900 || o.Price != 2900 {
			t.Errorf("%s: %+v", sentence, o)
		}
	}
}
