package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// readsOldRows tests rows of an older release, which wrote the provider's name of the payment into
// the checkout and did not claim that name.
func readsOldRows(f *fixture) {
	old := f.record("ada", curfew.Held)
	f.repaidBefore(old.PaymentID, 90)
	l, err := f.Store.LedgerOf(f.Context(), old.PaymentID)
	f.must(err)
	kept := []curfew.Fact{
		{Kind: "attempt", Object: old.PaymentID, State: "captured", Amount: 990, Currency: "eur", At: old.CreatedAt},
		{Kind: "dispute", Object: old.PaymentID, State: "unknown"},
		{Kind: "refund_total", Object: old.PaymentID, State: "total", Amount: 90, Currency: "eur"},
	}
	given := cmpopts.IgnoreFields(curfew.Fact{}, "At")
	f.same("its facts", l.Facts, kept, given)
	f.same("its time", l.Facts[0].At, old.CreatedAt)
	f.sameLedger("the payment", l, record.Ledger{
		Payment:   curfew.Payment{ID: old.ID, Name: old.PaymentID, References: []string{old.Ref}, Facts: l.Facts},
		Checkouts: []curfew.Checkout{old},
	})
	f.sameLedger("by its id", f.ledger(old.ID), l)

	warning := curfew.Fact{Kind: "promise", Object: "cs-1", State: "open"}
	l = f.reports(reported([]curfew.Fact{warning}, old.PaymentID, "ch-1"))
	f.same("told of something else", l.Facts, append(kept, warning), given)
	f.same("its names", []any{l.ID, l.References, l.Version}, []any{old.ID, []string{"ch-1", old.Ref, old.PaymentID}, int64(1)},
		cmpopts.SortSlices(func(a, b string) bool { return a < b }))
	r, err := f.Store.Reference(f.Context(), old.PaymentID)
	f.must(err)
	f.same("by the name", r.Checkout.ID, old.ID)
}

// repaidBefore writes what an older release recorded about a payment that was partly refunded and
// disputed.
func (f *fixture) repaidBefore(paymentID string, amount int64) {
	f.Helper()
	f.exec("INSERT INTO {payment_repayments} (payment_id, amount, currency, disputed_at) SELECT $1, $2, 'eur', min(created_at) FROM {checkouts}",
		paymentID, amount)
}

// replacesOldRows tests that if two checkouts have the same payment name, the payment belongs to
// the older one.
func replacesOldRows(f *fixture) {
	old, twin := f.record("ada", curfew.Held), unrecorded("bob", curfew.Held)
	twin.PaymentID = old.PaymentID
	f.must(failed(f.Store.Record(f.Context(), twin, shop, "recorded")))
	f.repaidBefore(old.PaymentID, 90)
	said := []curfew.Fact{
		{Kind: "attempt", Object: "ch-1", State: "failed"},
		{Kind: "dispute", Object: "du-1", State: "won"},
		{Kind: "refund", Object: "re-1", State: "failed", Amount: 90, Currency: "eur"},
	}
	for n, fact := range said {
		l := f.reports(reported([]curfew.Fact{fact}, old.PaymentID))
		f.same(fmt.Sprint("fact ", n), []any{l.ID, len(l.Facts), len(l.Checkouts)}, []any{old.ID, 3, 1})
	}
	l := f.reports(reported(said, old.Ref))
	f.same("the facts", l.Facts, said)
	f.same("the other keeps its own", []any{f.ledger(twin.ID).Name, f.ledger(twin.ID).Facts[0].Amount}, []any{old.PaymentID, int64(990)})
}

func freesNames(f *fixture) {
	c := f.record("ada", curfew.Held)
	l := f.reports(reported(nil, c.Ref, "pi-1"))
	f.guardsOff()
	f.corrupt("DELETE FROM {events} WHERE subject_id = $1", c.ID)
	f.exec("DELETE FROM {checkouts} WHERE id = $1", c.ID)
	claim, err := f.Store.LostCheckout(f.Context(), "pi-1")
	f.must(err)
	f.same("whose it was", []any{claim.CustomerID, claim.CheckoutID}, []any{"ada", c.ID})
	f.must(f.Store.Unclaim(f.Context(), claim))
	_, err = f.Store.LostCheckout(f.Context(), "pi-1")
	f.kind(err, curfew.NotFound)
	f.same("its names", f.ledger(l.ID).References, l.References)
	f.must(failed(f.Store.Admit(f.Context(), admissionOf("bob", l))))
}

func reassignsNames(f *fixture) {
	c := admissionOf(curfew.Nobody, f.reports(reported(nil, "cs-1", "pi-1"))).Checkout
	c.Outcome = curfew.Held
	r, err := f.Store.Record(f.Context(), c, shop, "recorded")
	f.must(err)
	got := f.reassign(r.Checkout, "ada")
	for _, ref := range []string{"cs-1", "pi-1", c.Ref} {
		r, err := f.Store.Reference(f.Context(), ref)
		f.must(err)
		f.same("by the name "+ref, r.Checkout, got)
	}
}

func readsPayments(f *fixture) {
	free := admission("bob")
	free.Checkout.Ref = ""
	st, err := f.Store.Admit(f.Context(), free)
	f.must(err)
	reported := f.reports(reported([]curfew.Fact{paid("ch-1", 990, time.Now())}, f.paidBy(f.admit("ada")).Ref, "pi-1"))
	unknown := newID()
	ids := []string{unknown, reported.ID, "no id", st.CheckoutID, reported.ID}
	got, err := f.Store.Payments(f.Context(), ids)
	f.must(err)
	f.same("the payments", got, []curfew.Payment{{ID: unknown}, reported.Payment, {ID: "no id"}, {ID: st.CheckoutID}, reported.Payment})
	f.same("of a free session", f.ledger(st.CheckoutID).Checkouts, []curfew.Checkout{f.paidBy(st)})
	got, err = f.Store.Payments(f.Context(), nil)
	f.must(err)
	f.same("none", got, []curfew.Payment(nil))
}

func keepsMessages(f *fixture) {
	m := record.ProviderMessage{Provider: "stripe", ID: "evt-1", Type: "odd", Body: `{"amount": null}`, Reason: "it has no amount"}
	other := m
	other.Account, other.At = "acct-1", time.Now()
	for _, kept := range []record.ProviderMessage{m, other, m, other} {
		f.must(f.Store.KeepMessage(f.Context(), kept))
	}
	f.same("kept", f.rows("SELECT account, type, body, reason FROM {provider_messages} ORDER BY account"),
		[]string{`|odd|{"amount": null}|it has no amount`, `acct-1|odd|{"amount": null}|it has no amount`})
}

func changesConcern(f *fixture) {
	c := f.credited("ada")
	due := f.refundStep(record.CheckoutChange{From: c, To: curfew.RefundDue, Refund: 100, Concern: record.RefundFailed})
	f.same("due", []any{due.RefundAmount, due.Concern, due.Due()}, []any{int64(100), record.RefundFailed, int64(100)})
	due = f.refundStep(record.CheckoutChange{From: due, To: curfew.Refunding})
	f.same("under way", []any{due.RefundAmount, due.Concern}, []any{int64(100), ""})
	due = f.refundStep(record.CheckoutChange{From: due, To: curfew.RefundDue, Refund: 90})
	f.same("less", due.RefundAmount, int64(90))
	void := f.refundStep(record.CheckoutChange{From: due, To: curfew.Void})
	f.same("void", void.RefundAmount, int64(0))
	f.counted()
}

func concerns(f *fixture) {
	c := f.paidBy(f.admit("ada"))
	a := record.Annotation{From: c, Reason: "looked at", Actor: shop, Concern: record.PaymentLost}
	got, err := f.Store.Annotate(f.Context(), a)
	f.must(err)
	f.same("of concern", got.Concern, record.PaymentLost)
	got, err = f.Store.Annotate(f.Context(), record.Annotation{From: got, Reason: "looked at", Actor: shop})
	f.must(err)
	f.same("still", got.Concern, record.PaymentLost)
	got, err = f.Store.Annotate(f.Context(), record.Annotation{From: got, Reason: "looked at", Actor: shop, Concern: record.NoConcern})
	f.must(err)
	f.same("of no concern", got.Concern, "")
}

// concernsInTime tests that a concern is counted for a week after the checkout's last change.
func concernsInTime(f *fixture) {
	f.same("none", f.checkoutFigures().ByConcern, map[string]int64{
		record.RefundFailed: 0, record.CaptureFailed: 0, record.PaymentLost: 0, record.Disagreement: 0,
	})
	for i, age := range []time.Duration{0, record.ConcernWindow - time.Hour, record.ConcernWindow + time.Hour} {
		c := f.paidBy(f.admit(fmt.Sprint("customer-", i)))
		f.must(failed(f.Store.Annotate(f.Context(), record.Annotation{From: c, Reason: "x", Actor: shop, Concern: record.PaymentLost})))
		f.exec("UPDATE {checkouts} SET updated_at = "+f.past(age)+" WHERE id = $1", c.ID)
	}
	f.must(failed(f.Store.Annotate(f.Context(), record.Annotation{
		From: f.paidBy(f.admit("ada")), Reason: "x", Actor: shop, Concern: record.Disagreement,
	})))
	got := f.checkoutFigures().ByConcern
	f.same("counted", []int64{got[record.PaymentLost], got[record.Disagreement]}, []int64{2, 1})
	all, err := f.Store.ListCheckouts(f.Context(), curfew.CheckoutSearch{Concern: record.PaymentLost, Limit: 9})
	f.must(err)
	f.same("listed", len(all), 3)
}

func promises(f *fixture) {
	promised := f.record("ada", curfew.Promised)
	f.record("bob", curfew.Ignored)
	f.record("eve", curfew.Void)
	all, err := f.Store.ListCheckouts(f.Context(), curfew.CheckoutSearch{Outcome: curfew.Promised, Limit: 9})
	f.must(err)
	f.same("promised", all, []curfew.Checkout{promised})
	got := f.checkoutFigures().ByOutcome
	f.same("counted", []int{got[curfew.Promised], got[curfew.Void], got[curfew.Ignored]}, []int{1, 1, 1})
	served := spending(promised)
	served.From = curfew.Promised
	f.must(failed(f.Store.Admit(f.Context(), served)))
	f.counted()
}
