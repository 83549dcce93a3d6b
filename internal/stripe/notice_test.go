package stripe_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// What the fake tells is whole objects of the library's types, as Stripe sends them.
func TestNotice_OfWhatTheFakeTells(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	ref := fake.Pay(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 2900, Account: "acct_1"})
	fake.SetRefunds(gostripe.RefundStatusPending, "processing")
	id := fake.RefundByHand(ref, 900)
	fake.ChangeRefund(id, gostripe.RefundStatusFailed, "declined")
	fake.Dispute(ref)
	fake.CloseDispute(ref, gostripe.DisputeStatusLost)

	var got []curfew.Fact
	h := hook(t, func(o *stripe.HookOptions) { o.Accounts = []string{"acct_1"} })
	for _, event := range fake.Events() {
		notice, err := h.Read(signed(stripetest.Sign(secret, noon, event.Body())), event.Body())
		if err != nil || notice.Unread != "" || notice.ID != event.ID || notice.Account != "acct_1" || notice.Name != "pi_00000001" {
			t.Fatalf("%s: %+v, %v", event.Type, notice, err)
		}
		got = append(got, notice.Facts...)
	}
	failed := because(eur("refund", id, "failed", 900), "declined")
	dispute := because(eur("dispute", "du_00000001", "needs_response", 2900), "product_not_received")
	lost := dispute
	lost.State = "lost"
	want := []curfew.Fact{
		eur("attempt", "pi_00000001", "captured", 2900),
		eur("attempt", "ch_00000001", "captured", 2900), eur("refund_total", "ch_00000001", "total", 900),
		failed, failed, failed, dispute, dispute, lost,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A hold is told by its charge, its intent and its checkout, in whatever order.
func TestNotice_OfTheFakesHolds(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		ends func(f *stripetest.Fake, ref string)
		want curfew.Balance
	}{
		"reserved": {
			func(*stripetest.Fake, string) {},
			curfew.Balance{State: "authorised", Authorised: 2900, AuthorisedUntil: noon.AddDate(0, 0, 7), Currency: "eur"},
		},
		"captured":         {func(f *stripetest.Fake, ref string) { f.Holds().Capture(ref, 2900) }, curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"}},
		"captured in part": {func(f *stripetest.Fake, ref string) { f.Holds().Capture(ref, 2000) }, curfew.Balance{State: "captured", Captured: 2000, Currency: "eur"}},
		"released":         {func(f *stripetest.Fake, ref string) { f.Holds().Release(ref) }, curfew.Balance{State: "failed"}},
		"lapsed":           {func(f *stripetest.Fake, ref string) { f.Holds().Lapse(ref) }, curfew.Balance{State: "failed"}},
		"a capture succeeds later": {
			func(f *stripetest.Fake, ref string) { underWay(f.Holds(), ref); f.Holds().SucceedCapture(ref) },
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"},
		},
		"a capture fails later": {
			func(f *stripetest.Fake, ref string) {
				underWay(f.Holds(), ref)
				f.Holds().FailCapture(ref, "expired_card")
			},
			curfew.Balance{State: "failed"},
		},
		"captured in part, and refunded in part": {
			func(f *stripetest.Fake, ref string) { f.Holds().Capture(ref, 2000); f.RefundByHand(ref, 300) },
			curfew.Balance{State: "captured", Captured: 2000, Refunded: 300, Currency: "eur"},
		},
	} {
		fake := stripetest.New(t, stripetest.Options{Now: atNoon})
		row.ends(fake, fake.Holds().Authorise(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 2900}))
		var reported, asked curfew.Payment
		for _, event := range fake.Events() {
			notice, err := hook(t).Read(signed(stripetest.Sign(secret, noon, event.Body())), event.Body())
			if err != nil || notice.Unread != "" || notice.Name != "pi_00000001" {
				t.Fatalf("%s: %+v, %v", event.Type, notice, err)
			}
			reported.Facts = append(reported.Facts, notice.Facts...)
		}
		for notice, err := range client(t, fake).Paid(t.Context(), noon) {
			if err != nil {
				t.Fatal(err)
			}
			asked.Facts = append(asked.Facts, notice.Facts...)
		}
		for from, payment := range map[string]curfew.Payment{"told": reported, "asked": asked} {
			if diff := cmp.Diff(row.want, payment.Balance(0, "")); diff != "" {
				t.Errorf("%s, %s: %s", sentence, from, diff)
			}
		}
	}
}

func TestNotice_OfWhatTheMarketplaceWroteInTheMetadata(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", curfew.MaxID+1)
	for sentence, row := range map[string]struct {
		change map[string]any
		want   func(*curfew.Order)
	}{
		"the customer stands in the metadata": {
			map[string]any{"client_reference_id": nil, "metadata": map[string]string{"plan": "chat10", "customer_id": "cus-2"}},
			func(o *curfew.Order) { o.CustomerID = "cus-2"; with(o, "customer_id", "cus-2") },
		},
		"the metadata comes first: a client_reference_id is often a cart": {
			map[string]any{"client_reference_id": "cart_991", "metadata": map[string]string{"plan": "chat10", "customer_id": "cus-2"}},
			func(o *curfew.Order) { o.CustomerID = "cus-2"; with(o, "customer_id", "cus-2") },
		},
		"nobody's": {
			map[string]any{"client_reference_id": nil},
			func(o *curfew.Order) { o.CustomerID = "" },
		},
		"a customer's id that is a number": {
			map[string]any{"client_reference_id": 4711},
			func(o *curfew.Order) { o.CustomerID = "4711" },
		},
		"a client_reference_id that is too long is not cut to another's": {
			map[string]any{"client_reference_id": long},
			func(o *curfew.Order) {
				o.CustomerID, o.Flaw = "", "the customer's id in client_reference_id must have at most 128 bytes, not 129"
				with(o, "client_reference_id", long)
			},
		},
		"nor one with control characters": {
			map[string]any{"client_reference_id": "a\x00b"},
			func(o *curfew.Order) {
				o.CustomerID, o.Flaw = "", "the customer's id in client_reference_id must not contain control characters (U+0000)"
				with(o, "client_reference_id", "ab")
			},
		},
		"a bad id in the metadata is not replaced by a cart": {
			map[string]any{"client_reference_id": "cart_991", "metadata": map[string]string{"plan": "chat10", "customer_id": "a\nb"}},
			func(o *curfew.Order) {
				o.CustomerID, o.Flaw = "", "the metadata's customer_id must not contain control characters (U+000A)"
				with(o, "customer_id", "ab")
			},
		},
		"a client_reference_id that does not count may be anything": {
			map[string]any{"client_reference_id": long, "metadata": map[string]string{"plan": "chat10", "customer_id": "cus-2"}},
			func(o *curfew.Order) { o.CustomerID = "cus-2"; with(o, "customer_id", "cus-2") },
		},
		"no plan, no metadata": {
			map[string]any{"metadata": nil},
			func(o *curfew.Order) { o.Plan, o.Metadata = "", map[string]string{} },
		},
		"metadata that is none": {
			map[string]any{"metadata": []string{"plan"}},
			func(o *curfew.Order) { o.Plan, o.Metadata = "", map[string]string{} },
		},
		"only what is needed is kept": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "cart": "4711", "phone": "555"}},
			func(*curfew.Order) {},
		},
		"an appointment": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "starts_at": "2026-12-01T10:00:00.1234567+01:00"}},
			func(o *curfew.Order) {
				o.StartsAt = time.Date(2026, time.December, 1, 9, 0, 0, 123456000, time.UTC)
				with(o, "starts_at", "2026-12-01T10:00:00.1234567+01:00")
			},
		},
		"an appointment without a time zone": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "starts_at": "2026-12-20T10:00"}},
			func(o *curfew.Order) {
				o.Flaw = `starts_at "2026-12-20T10:00" has no time zone; write 2026-12-20T10:00:00Z or with an offset`
				with(o, "starts_at", "2026-12-20T10:00")
			},
		},
		"an appointment without a time": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "starts_at": "2026-12-20"}},
			func(o *curfew.Order) {
				o.Flaw = `starts_at "2026-12-20" has no time of day; write it like 2026-12-20T10:00:00Z`
				with(o, "starts_at", "2026-12-20")
			},
		},
		"an appointment that nobody can read is no session of now": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "starts_at": "tomorrow at ten"}},
			func(o *curfew.Order) {
				o.Flaw = `starts_at "tomorrow at ten" is not a time; write it like 2026-12-20T10:00:00Z`
				with(o, "starts_at", "tomorrow at ten")
			},
		},
		"minutes for a live session": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "extends_session": "0197-a"}},
			func(o *curfew.Order) { o.Extends = "0197-a"; with(o, "extends_session", "0197-a") },
		},
		"minutes for a session that cannot be are no session": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "extends_session": long}},
			func(o *curfew.Order) {
				o.Flaw = "the metadata's extends_session must have at most 128 bytes, not 129"
				with(o, "extends_session", long)
			},
		},
		"a plan of absurd length": {
			map[string]any{"metadata": map[string]string{"plan": strings.Repeat("é", 600)}},
			func(o *curfew.Order) {
				o.Plan, o.Flaw = "", "the metadata's plan must have at most 128 bytes, not 1200"
				with(o, "plan", strings.Repeat("é", 250))
			},
		},
		"two flaws": {
			map[string]any{"client_reference_id": long, "metadata": map[string]string{"plan": "chat10", "starts_at": "2026-12-20T10:00:30"}},
			func(o *curfew.Order) {
				o.CustomerID, o.Flaw = "", "the customer's id in client_reference_id must have at most 128 bytes, not 129; "+
					`starts_at "2026-12-20T10:00:30" has no time zone; write 2026-12-20T10:00:30Z or with an offset`
				with(o, "client_reference_id", long)
				with(o, "starts_at", "2026-12-20T10:00:30")
			},
		},
		"three of them": {
			map[string]any{"metadata": map[string]any{"plan": "chat10", "quantity": 3}},
			func(o *curfew.Order) { o.Quantity = 3; with(o, "quantity", "3") },
		},
		"the line says how many": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "quantity": "3"}, "line_items": map[string]any{"data": []any{map[string]any{"quantity": 2}}}},
			func(o *curfew.Order) { o.Quantity = 2; with(o, "quantity", "3") },
		},
		"several lines do not": {
			map[string]any{"line_items": map[string]any{"data": []any{map[string]any{"quantity": 2}, map[string]any{"quantity": 5}}}},
			func(*curfew.Order) {},
		},
		"as many as nobody can read": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "quantity": "a few"}},
			func(o *curfew.Order) {
				o.Flaw = `the metadata's quantity is "a few"; it must be a number from 1 to 100`
				with(o, "quantity", "a few")
			},
		},
		"none of them": {
			map[string]any{"line_items": map[string]any{"data": []any{map[string]any{"quantity": 0}}}},
			func(o *curfew.Order) { o.Flaw = `the line's quantity is "0"; it must be a number from 1 to 100` },
		},
		"a contact with control characters, or far too long": {
			map[string]any{"customer_details": map[string]any{"email": "ada@example.com\r\nBcc: x", "name": strings.Repeat("n", 300)}},
			func(o *curfew.Order) { o.Email, o.Name = "ada@example.comBcc: x", strings.Repeat("n", 200) },
		},
		"no contact": {
			map[string]any{"customer_details": nil},
			func(o *curfew.Order) { o.Email, o.Name = "", "" },
		},
		"a contact that is none": {
			map[string]any{"customer_details": "ada"},
			func(o *curfew.Order) { o.Email, o.Name = "", "" },
		},
		"no price before discounts": {
			map[string]any{"amount_subtotal": nil},
			func(o *curfew.Order) { o.Price = 500 },
		},
		"fields of another API version": {
			map[string]any{"total_details": "text", "shipping": []int{1}, "currency": "USD"},
			func(*curfew.Order) {},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			object := map[string]any{
				"id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid", "amount_total": 500, "amount_subtotal": 600, "currency": "usd",
				"client_reference_id": "cus-1", "payment_intent": "pi_1", "metadata": map[string]string{"plan": "chat10"},
				"customer_details": map[string]any{"email": "ada@example.com", "name": "Ada"},
			}
			maps.Copy(object, row.change)
			want := curfew.Order{
				CustomerID: "cus-1", Plan: "chat10", Quantity: 1, Amount: 500, Price: 600, Currency: "usd", Email: "ada@example.com", Name: "Ada",
				Metadata: map[string]string{"plan": "chat10"},
			}
			row.want(&want)
			got, err := read(t, hook(t), gostripe.Event{}, object)
			if diff := cmp.Diff(&want, got.Order); diff != "" || err != nil || got.Unread != "" {
				t.Error(err, got.Unread, diff)
			}
		})
	}
}

// An app that sold before Curfew has names of its own.
func TestNotice_TheMetadatasKeysAreSettings(t *testing.T) {
	t.Parallel()
	keys := stripe.Keys{Customer: []string{"user", "supabase_user_id"}, Plan: "product", StartsAt: "slot", Extends: "more"}
	h := hook(t, func(o *stripe.HookOptions) { o.Keys = keys })
	metadata := map[string]string{
		"supabase_user_id": "ada", "product": "chat10", "slot": "2026-12-01T10:00:00Z", "more": "0197-a", "plan": "gold", "customer_id": "cus-1", "starts_at": "?",
	}
	got, err := read(t, h, gostripe.Event{}, map[string]any{
		"id": "cs_1", "payment_status": "paid", "amount_total": 500, "currency": "usd", "client_reference_id": "cart", "metadata": metadata,
	})
	want := &curfew.Order{
		CustomerID: "ada", Plan: "chat10", Quantity: 1, Amount: 500, Price: 500, Currency: "usd", Extends: "0197-a",
		StartsAt: time.Date(2026, time.December, 1, 10, 0, 0, 0, time.UTC),
		Metadata: map[string]string{"supabase_user_id": "ada", "product": "chat10", "slot": "2026-12-01T10:00:00Z", "more": "0197-a"},
	}
	if diff := cmp.Diff(want, got.Order); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := stripe.NewHook(stripe.HookOptions{Secrets: []string{secret}, Keys: stripe.Keys{Plan: "a\nb"}}); err == nil {
		t.Error("a key with a line's end is taken")
	}
}
