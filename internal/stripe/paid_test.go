package stripe_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

func TestPaid_ListsWhatIsCompletedAndNothingElse(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	sold := stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 1999, Currency: "usd", Email: "ada@example.com", Name: "Ada"}
	gift := sold
	gift.Amount = 0

	paid := fake.Pay(sold)
	fake.Dispute(paid)
	part := fake.Pay(sold)
	fake.RefundByHand(part, 500)
	free := fake.Pay(gift)
	fake.Open(sold)
	fake.Expire(fake.Open(sold))
	undecided := fake.CompleteUnpaid(sold)
	failed := fake.CompleteUnpaid(sold)
	fake.FailPayment(failed)
	came := fake.CompleteUnpaid(sold)
	fake.SucceedPayment(came)

	notice := func(order *curfew.Order, refs []string, facts ...curfew.Fact) curfew.Notice {
		n := curfew.Notice{Type: "checkout.session", Provider: "stripe", At: noon, References: refs, Facts: facts, Order: order}
		if len(refs) > 1 {
			n.Name = refs[1]
		}
		return n
	}
	paidOrder := curfew.Order{
		CustomerID: "cus-1", Plan: "chat10", Quantity: 1, Amount: 1999, Price: 2000, Currency: "usd", Email: "ada@example.com", Name: "Ada",
		Metadata: map[string]string{"plan": "chat10"},
	}
	freeOrder := paidOrder
	freeOrder.Amount, freeOrder.Price = 0, 1
	captured := func(n string) []curfew.Fact {
		return []curfew.Fact{usd("attempt", "pi_"+n, "captured", 1999), usd("attempt", "ch_"+n, "captured", 1999)}
	}
	names := func(ref, n string) []string { return []string{ref, "pi_" + n, "ch_" + n} }
	want := []curfew.Notice{
		notice(&paidOrder, names(came, "00000008"), append(captured("00000008"), usd("refund_total", "ch_00000008", "total", 0))...),
		notice(&paidOrder, names(failed, "00000007"), usd("promise", failed, "promised", 1999),
			because(usd("attempt", "ch_00000007", "failed", 1999), "payment_intent_payment_attempt_failed")),
		notice(&paidOrder, names(undecided, "00000006")[:2], usd("promise", undecided, "promised", 1999),
			usd("attempt", "pi_00000006", "pending", 1999)),
		notice(&freeOrder, []string{free}, usd("attempt", free, "captured", 0)),
		notice(&paidOrder, names(part, "00000002"), append(captured("00000002"), usd("refund_total", "ch_00000002", "total", 500))...),
		notice(&paidOrder, names(paid, "00000001"), append(captured("00000001"), usd("refund_total", "ch_00000001", "total", 0),
			because(usd("dispute", "du_00000001", "needs_response", 1999), "product_not_received"))...),
	}
	var got []curfew.Notice
	for notice, err := range client(t, fake).Paid(t.Context(), noon) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, notice)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func usd(kind curfew.FactKind, object, state string, amount int64) curfew.Fact {
	return curfew.Fact{Kind: kind, Object: object, State: state, Amount: amount, Currency: "usd", At: noon}
}

func TestPaid_ReadsEveryPageAndNoMore(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	for i := range 250 {
		fake.Pay(stripetest.Checkout{CustomerID: fmt.Sprint("cus-", i), Plan: "chat10", Amount: 1})
	}
	seen := map[string]bool{}
	for payment, err := range client(t, fake).Paid(t.Context(), time.Now()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[payment.References[0]] = true
	}
	if len(seen) != 250 {
		t.Errorf("%d of 250 were listed", len(seen))
	}
	for _, err := range client(t, fake).Paid(t.Context(), time.Now()) {
		if err != nil {
			t.Error(err)
		}
		break // whoever has seen enough may go
	}
}

// A checkout lives up to a day before it is paid, and is listed by its opening.
func TestPaid_SinceIsWhenItWasPaid(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return *now.Load() }})
	set(noon)
	slow := fake.CompleteUnpaid(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 5})
	set(noon.Add(23 * time.Hour))
	fake.SucceedPayment(slow)
	for since, want := range map[time.Duration]int{22 * time.Hour: 1, 24 * time.Hour: 1, 25 * time.Hour: 0} {
		n := 0
		for _, err := range client(t, fake).Paid(t.Context(), noon.Add(since)) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != want {
			t.Errorf("since %s: %d are listed, want %d", since, n, want)
		}
	}
}

// One call in two is not answered at first: the list goes on behind what it has, also where it
// has to look at a dispute.
func TestPaid_GoesOnWhereStripeDidNotAnswer(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Seed: 1, Faults: stripetest.Faults{Busy: .2, Failed: .1, Cut: .2}})
	for i := range 450 {
		if ref := fake.Pay(stripetest.Checkout{CustomerID: fmt.Sprint("cus-", i), Plan: "chat10", Amount: 1}); i%200 == 100 {
			fake.Dispute(ref)
		}
	}
	seen := map[string]bool{}
	for payment, err := range client(t, fake).Paid(t.Context(), time.Now()) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[payment.References[0]] {
			t.Errorf("%s again", payment.References[0])
		}
		seen[payment.References[0]] = true
	}
	if struck := fake.InjectedFaults(); len(seen) != 450 || len(struck) < 2 {
		t.Errorf("%d of 450 were listed through %v", len(seen), struck)
	}
}

func TestPaid_AnErrorEndsItAndIsNoEnd(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Faults: stripetest.Faults{Down: 1}})
	paidOnce(fake)
	var errs []error
	for payment, err := range client(t, fake).Paid(t.Context(), time.Time{}) {
		if errs = append(errs, err); payment.References != nil {
			t.Errorf("%+v beside an error", payment)
		}
	}
	if len(errs) != 1 || !errors.Is(errs[0], curfew.Unavailable) {
		t.Errorf("the errors are %v", errs)
	}
}

func TestRefunds_ReadsEveryPage(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{})
	paid := paidOnce(fake)
	for range 205 {
		fake.RefundByHand(paid.Ref, 1)
	}
	paidOnce(fake)
	got, err := client(t, fake).Refunds(t.Context(), "", paid.PaymentID)
	if err != nil || len(got) != 205 || got[0].Object != "re_00000205" {
		t.Errorf("%d refunds, %v", len(got), err)
	}
	if none, err := client(t, fake).Refunds(t.Context(), "", fake.Paid()[1].PaymentID); err != nil || len(none) != 0 {
		t.Errorf("of another payment: %v, %v", none, err)
	}
	if _, err := client(t, fake).Refunds(t.Context(), "", "pi_none"); !errors.Is(err, curfew.NotFound) {
		t.Errorf("of none: %v", err)
	}
}
