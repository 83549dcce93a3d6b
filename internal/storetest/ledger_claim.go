package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// admissionOf returns an admission paid by a payment that was reported before.
func admissionOf(customer string, l record.Ledger) record.Admission {
	a := admission(customer)
	a.Checkout.ID, a.Checkout.Version, a.Session.CheckoutID = l.ID, l.Version, l.ID
	return a
}

func takesOver(f *fixture) {
	a := admissionOf("ada", f.reports(reported(nil, "cs-1", "pi-1")))
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	got := f.paidBy(st)
	f.same("the checkout", []any{got.ID, got.Version, got.Outcome}, []any{a.Checkout.ID, int64(1), curfew.Fulfilled})
	for _, ref := range []string{"cs-1", "pi-1", a.Checkout.Ref} {
		r, err := f.Store.Reference(f.Context(), ref)
		f.must(err)
		f.same("by the name "+ref, r.Checkout, got)
		l, err := f.Store.LedgerOf(f.Context(), ref)
		f.must(err)
		f.same("its ledger", []any{l.ID, l.Version, l.Checkouts}, []any{got.ID, int64(1), []curfew.Checkout{got}})
	}
	f.counted()
}

func takesOverOtherwise(f *fixture) {
	c := admissionOf("ada", f.reports(reported(nil, "cs-1"))).Checkout
	c.Ref = "cs-1"
	r, err := f.Store.Defer(f.Context(), c, shop, time.Hour)
	f.must(err)
	f.same("deferred", r.Checkout, f.checkout("ada", c.ID))

	c = admissionOf(curfew.Nobody, f.reports(reported(nil, "cs-2"))).Checkout
	c.Ref, c.Outcome, c.Concern, c.StartsAt, c.Extends = "cs-2", curfew.Held, record.Disagreement, time.Now().UTC().Truncate(time.Microsecond), "a session"
	r, err = f.Store.Record(f.Context(), c, shop, "recorded")
	f.must(err)
	c.Version = 1
	f.same("recorded", r.Checkout, c, cmpopts.IgnoreFields(curfew.Checkout{}, "CreatedAt", "UpdatedAt"))

	x := extending(f.live("eve", "max"))
	l := f.reports(reported(nil, "cs-3"))
	x.Checkout.ID, x.Checkout.Version = l.ID, l.Version
	_, err = f.Store.Extend(f.Context(), x)
	f.must(err)
	f.same("extended", f.ledger(l.ID).Checkouts[0].Ref, x.Checkout.Ref)
	f.counted()
}

func missesPayment(f *fixture) {
	l := f.reports(reported(nil, "cs-1"))
	f.reports(reported(nil, "cs-1", "pi-1"))
	stale := func(version int64) func() error {
		l.Version = version
		return func() error { return failed(f.Store.Admit(f.Context(), admissionOf("ada", l))) }
	}
	f.refused(curfew.Conflict, stale(1))
	f.refused(curfew.Conflict, stale(3))
	unheard := admission("ada")
	unheard.Checkout.Ref = "pi-1"
	f.refused(curfew.Conflict, func() error { return failed(f.Store.Admit(f.Context(), unheard)) })
	claimed := admissionOf("ada", f.reports(reported(nil, "cs-1")))
	claimed.Checkout.Ref = f.paidBy(f.admit("bob")).Ref
	f.refused(curfew.Conflict, func() error { return failed(f.Store.Admit(f.Context(), claimed)) })
	unknown := l
	unknown.ID = newID()
	f.refused(curfew.Conflict, func() error { return failed(f.Store.Admit(f.Context(), admissionOf("ada", unknown))) })
}

func takesOverOnce(f *fixture) {
	for _, customer := range []string{"ada", curfew.Nobody} {
		l := f.reports(reported(nil, "cs-"+newID()))
		c := admissionOf(customer, l).Checkout
		c.Outcome = curfew.Held
		f.must(failed(f.Store.Record(f.Context(), c, shop, "recorded")))
		f.refused(curfew.Conflict, func() error { return failed(f.Store.Admit(f.Context(), admissionOf("bob", l))) })
		again := admissionOf(curfew.Nobody, l).Checkout
		again.Outcome = curfew.Held
		f.refused(curfew.Conflict, func() error { return failed(f.Store.Record(f.Context(), again, shop, "recorded")) })
	}
}

func addsLine(f *fixture) {
	first := f.paidBy(f.admit("ada"))
	l := f.reports(reported(nil, first.Ref))
	second := unrecorded("ada", curfew.RefundDue)
	second.Ref, second.PaymentID, second.LineOf, second.Line, second.Version = first.Ref, "", l.ID, 2, l.Version
	r, err := f.Store.Record(f.Context(), second, shop, "recorded")
	f.must(err)
	f.same("its payment", []any{r.Checkout.Payment(), r.Checkout.Line}, []any{l.ID, int64(2)})
	f.same("the lines", f.ledger(l.ID).Checkouts, []curfew.Checkout{f.checkout("ada", first.ID), r.Checkout})
	by, err := f.Store.Reference(f.Context(), first.Ref)
	f.must(err)
	f.same("by the reference", by.Checkout.ID, first.ID)
	second.ID = newID()
	f.refused(curfew.Conflict, func() error { return failed(f.Store.Record(f.Context(), second, shop, "recorded")) })
	second.Line, second.Version = 3, 7
	f.refused(curfew.Conflict, func() error { return failed(f.Store.Record(f.Context(), second, shop, "recorded")) })
	l = f.reports(reported([]curfew.Fact{paid("ch-1", 990, time.Now())}, first.Ref))
	f.same("both are judged", f.unjudged(), []string{l.ID})
}
