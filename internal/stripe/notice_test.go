package stripe_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// The events are the fake's: whole objects of the library's types, as Stripe
// sends them.
func TestNotice_OfEveryEvent(t *testing.T) {
	t.Parallel()
	sold := stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 1999, Currency: "usd", Email: "ada@example.com", Name: "Ada"}
	paid := curfew.Payment{
		Ref: "cs_test_00000001", PaymentID: "pi_00000001", CustomerID: "cus-1", Plan: "chat10", Amount: 1999, Currency: "usd",
		Email: "ada@example.com", Name: "Ada", Metadata: map[string]string{"plan": "chat10"}, Paid: true, PaidAt: noon,
	}
	unpaid := paid
	unpaid.Paid, unpaid.PaidAt = false, time.Time{}
	free := paid
	free.Amount, free.PaymentID = 0, ""
	money := curfew.Payment{PaymentID: "pi_00000001", Amount: 1999, Currency: "usd"}
	part, whole := money, money
	part.Refunded, whole.Refunded = 500, 1999

	for sentence, row := range map[string]struct {
		event   gostripe.EventType
		happens func(*stripetest.Fake)
		kind    curfew.NoticeKind
		payment curfew.Payment
	}{
		"paid at once": {
			gostripe.EventTypeCheckoutSessionCompleted, func(f *stripetest.Fake) { f.Pay(sold) }, curfew.NoticePaid, paid,
		},
		"nothing to pay": {
			gostripe.EventTypeCheckoutSessionCompleted, func(f *stripetest.Fake) { gift := sold; gift.Amount = 0; f.Pay(gift) }, curfew.NoticePaid, free,
		},
		"completed, but the money has not come": {
			gostripe.EventTypeCheckoutSessionCompleted, func(f *stripetest.Fake) { f.CompleteUnpaid(sold) }, curfew.NoticeOther, unpaid,
		},
		"the money has come later": {
			gostripe.EventTypeCheckoutSessionAsyncPaymentSucceeded, func(f *stripetest.Fake) { f.SucceedPayment(f.CompleteUnpaid(sold)) }, curfew.NoticePaid, paid,
		},
		"the money will not come": {
			gostripe.EventTypeCheckoutSessionAsyncPaymentFailed, func(f *stripetest.Fake) { f.FailPayment(f.CompleteUnpaid(sold)) }, curfew.NoticeFailed, unpaid,
		},
		"nobody paid": {
			gostripe.EventTypeCheckoutSessionExpired, func(f *stripetest.Fake) { f.Expire(f.Open(sold)) }, curfew.NoticeExpired, unpaid,
		},
		"a part is given back": {
			gostripe.EventTypeChargeRefunded, func(f *stripetest.Fake) { f.RefundByHand(f.Pay(sold), 500) }, curfew.NoticeRefunded, part,
		},
		"all is given back": {
			gostripe.EventTypeChargeRefunded, func(f *stripetest.Fake) { f.RefundByHand(f.Pay(sold), 1999) }, curfew.NoticeRefunded, whole,
		},
		"the bank asks for it": {
			gostripe.EventTypeChargeDisputeCreated, func(f *stripetest.Fake) { f.Dispute(f.Pay(sold)) }, curfew.NoticeDisputed, money,
		},
		"the bank has taken it": {
			gostripe.EventTypeChargeDisputeFundsWithdrawn, func(f *stripetest.Fake) { f.Dispute(f.Pay(sold)) }, curfew.NoticeDisputed, money,
		},
		"the bank keeps it": {
			gostripe.EventTypeChargeDisputeClosed, verdict(sold, gostripe.DisputeStatusLost), curfew.NoticeDisputed, money,
		},
		"the bank gives it back": {
			gostripe.EventTypeChargeDisputeClosed, verdict(sold, gostripe.DisputeStatusWon), curfew.NoticeOther, curfew.Payment{},
		},
		"the bank only asked": {
			gostripe.EventTypeChargeDisputeClosed, verdict(sold, gostripe.DisputeStatusWarningClosed), curfew.NoticeOther, curfew.Payment{},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fake := stripetest.New(t, stripetest.Options{Now: atNoon})
			row.happens(fake)
			event := last(t, fake, row.event)
			body := event.Body()
			got, err := hook(t).Read(stripetest.Sign(secret, noon, body), body)
			if err != nil {
				t.Fatal(err)
			}
			want := curfew.Notice{ID: event.ID, Kind: row.kind, Payment: row.payment, At: noon}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func verdict(sold stripetest.Checkout, status gostripe.DisputeStatus) func(*stripetest.Fake) {
	return func(f *stripetest.Fake) {
		ref := f.Pay(sold)
		f.Dispute(ref)
		f.CloseDispute(ref, status)
	}
}

func last(t *testing.T, fake *stripetest.Fake, kind gostripe.EventType) *stripetest.Event {
	t.Helper()
	var found *stripetest.Event
	for _, event := range fake.Events() {
		if event.Type == kind {
			found = event
		}
	}
	if found == nil {
		t.Fatalf("there is no %s", kind)
	}
	return found
}

func TestNotice_EverythingElseChangesNothing(t *testing.T) {
	t.Parallel()
	charge := map[string]any{"id": "ch_1", "amount": 5, "amount_refunded": 5, "payment_intent": nil}
	for _, kind := range []gostripe.EventType{
		"payment_intent.succeeded", "charge.succeeded", "charge.dispute.updated", "charge.dispute.funds_reinstated", "refund.created", "ping", "charge.refunded",
	} {
		notice, err := read(t, hook(t), gostripe.Event{Type: kind}, charge)
		want := curfew.Notice{ID: "evt_1", Kind: curfew.NoticeOther, At: noon}
		if diff := cmp.Diff(want, notice); diff != "" || err != nil {
			t.Errorf("%s: %v %s", kind, err, diff)
		}
	}
}

func TestNotice_OfWhatTheMarketplaceWroteInTheMetadata(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", curfew.MaxID+1)
	for sentence, row := range map[string]struct {
		change map[string]any
		want   func(*curfew.Payment)
	}{
		"the customer stands in the metadata": {
			map[string]any{"client_reference_id": nil, "metadata": map[string]string{"plan": "chat10", "customer_id": "cus-2"}},
			func(p *curfew.Payment) {
				p.CustomerID, p.Metadata = "cus-2", map[string]string{"plan": "chat10", "customer_id": "cus-2"}
			},
		},
		"client_reference_id comes first": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "customer_id": "cus-2"}},
			func(p *curfew.Payment) { p.Metadata["customer_id"] = "cus-2" },
		},
		"nobody's": {
			map[string]any{"client_reference_id": nil},
			func(p *curfew.Payment) { p.CustomerID = "" },
		},
		"a customer's id that is none is not cut to another's": {
			map[string]any{"client_reference_id": long},
			func(p *curfew.Payment) { p.CustomerID = "" },
		},
		"nor put in the metadata's stead": {
			map[string]any{"client_reference_id": "a\x00b", "metadata": map[string]string{"plan": "chat10", "customer_id": "cus-2"}},
			func(p *curfew.Payment) { p.CustomerID, p.Metadata["customer_id"] = "", "cus-2" },
		},
		"no plan, no metadata": {
			map[string]any{"metadata": nil},
			func(p *curfew.Payment) { p.Plan, p.Metadata = "", map[string]string{} },
		},
		"only what is needed is kept": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "cart": "4711", "phone": "555"}},
			func(*curfew.Payment) {},
		},
		"an appointment": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "starts_at": "2026-12-01T10:00:00.1234567+01:00"}},
			func(p *curfew.Payment) {
				p.StartsAt = time.Date(2026, time.December, 1, 9, 0, 0, 123456000, time.UTC)
				p.Metadata["starts_at"] = "2026-12-01T10:00:00.1234567+01:00"
			},
		},
		"an appointment that nobody can read is no session of now": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "starts_at": "tomorrow at ten"}},
			func(p *curfew.Payment) { p.Plan, p.Metadata["starts_at"] = "", "tomorrow at ten" },
		},
		"minutes for a live session": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "extends_session": "0197-a"}},
			func(p *curfew.Payment) { p.Extends, p.Metadata["extends_session"] = "0197-a", "0197-a" },
		},
		"minutes for a session that cannot be are no session": {
			map[string]any{"metadata": map[string]string{"plan": "chat10", "extends_session": long}},
			func(p *curfew.Payment) { p.Plan, p.Metadata["extends_session"] = "", long },
		},
		"values of absurd length": {
			map[string]any{"metadata": map[string]string{"plan": strings.Repeat("é", 600)}},
			func(p *curfew.Payment) { p.Plan, p.Metadata["plan"] = "", strings.Repeat("é", 250) },
		},
		"a contact with control characters, or far too long": {
			map[string]any{"customer_details": map[string]any{"email": "ada@example.com\r\nBcc: x", "name": strings.Repeat("n", 300)}},
			func(p *curfew.Payment) { p.Email, p.Name = "ada@example.comBcc: x", strings.Repeat("n", 200) },
		},
		"no contact": {
			map[string]any{"customer_details": nil},
			func(p *curfew.Payment) { p.Email, p.Name = "", "" },
		},
		"the payment intent expanded": {
			map[string]any{"payment_intent": map[string]any{"id": "pi_1", "amount": "of another version's form"}},
			func(*curfew.Payment) {},
		},
		"fields of another API version": {
			map[string]any{"total_details": "text", "shipping": []int{1}, "currency": "USD"},
			func(*curfew.Payment) {},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			object := map[string]any{
				"id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid", "amount_total": 500, "currency": "usd",
				"client_reference_id": "cus-1", "payment_intent": "pi_1", "metadata": map[string]string{"plan": "chat10"},
				"customer_details": map[string]any{"email": "ada@example.com", "name": "Ada"},
			}
			maps.Copy(object, row.change)
			want := curfew.Payment{
				Ref: "cs_1", PaymentID: "pi_1", CustomerID: "cus-1", Plan: "chat10", Amount: 500, Currency: "usd", Email: "ada@example.com", Name: "Ada",
				Metadata: map[string]string{"plan": "chat10"}, Paid: true, PaidAt: noon,
			}
			row.want(&want)
			got, err := read(t, hook(t), gostripe.Event{}, object)
			if diff := cmp.Diff(want, got.Payment); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestNotice_ASavedCardIsNoPayment(t *testing.T) {
	t.Parallel()
	notice, err := read(t, hook(t), gostripe.Event{}, json.RawMessage(`{"id":"cs_1","mode":"setup","payment_status":"no_payment_required"}`))
	if err != nil || notice.Kind != curfew.NoticeOther || notice.Payment.Paid {
		t.Errorf("read %+v, %v", notice, err)
	}
}
