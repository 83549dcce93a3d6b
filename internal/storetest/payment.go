package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var payments = contract{
	"a payment without a session is recorded with its event":  recordsPayment,
	"a recorded reference is claimed":                         recordsOnce,
	"a checkout is found by its id, and by its payment":       findsCheckout,
	"checkouts are listed in chronological order":             listsCheckouts,
	"checkouts are found by their customer and e-mail":        searchesCheckouts,
	"an annotation is an event, and leaves the outcome alone": annotates,
	"an annotation of a changed checkout changes nothing":     missesAnnotation,
	"a reassigned payment takes its history along":            reassigns,
	"a reassignment keeps a known customer":                   reassignsPlan,
	"a reassignment of a changed checkout changes nothing":    missesReassignment,
}

// unrecorded returns a payment as a provider reports it.
func unrecorded(customer string, outcome curfew.Outcome) curfew.Checkout {
	c := admission(customer).Checkout
	c.Outcome, c.PaymentID, c.Note = outcome, "pi-"+c.Ref, "told by the provider"
	return c
}

// record writes a payment that gets no session.
func (f *paymentFixture) record(customer string, outcome curfew.Outcome) curfew.Checkout {
	f.Helper()
	r, err := f.Store.Record(f.Context(), unrecorded(customer, outcome), shop, "recorded")
	f.must(err)
	return r.Checkout
}

func recordsPayment(f *fixture) {
	for _, outcome := range []curfew.Outcome{curfew.Held, curfew.Refunded, curfew.Credited} {
		want := unrecorded(curfew.Nobody, outcome)
		receipt, err := f.Store.Record(f.Context(), want, shop, "recorded")
		f.must(err)
		got := receipt.Checkout
		f.same("a record answers what is stored", got, f.checkout(curfew.Nobody, got.ID))
		f.around("its time", got.CreatedAt, time.Now())
		want.Version = 1
		if outcome == curfew.Refunded {
			want.RefundAmount = want.Amount
		}
		f.same("recorded", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "CreatedAt", "UpdatedAt"))
		f.history(curfew.Nobody, got.ID, curfew.Event{To: string(outcome), Actor: shop, Reason: "recorded"})
		r, err := f.Store.Reference(f.Context(), want.Ref)
		f.must(err)
		f.same("by its reference", r.Checkout, got)
	}
	f.counted()
}

func recordsOnce(f *fixture) {
	first := f.record("ada", curfew.Held)
	again := unrecorded("bob", curfew.Held)
	again.Ref = first.Ref
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Record(f.Context(), again, shop, "again")
		return err
	})
	paid := admission("bob")
	paid.Checkout.Ref = first.Ref
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Admit(f.Context(), paid)
		return err
	})
}

func findsCheckout(f *fixture) {
	held := f.record("ada", curfew.Held)
	f.record("bob", curfew.Held)
	got, err := f.Store.Checkout(f.Context(), held.ID)
	f.must(err)
	f.same("by its id", got, held)
	for _, id := range []string{"", "no id", newID()} {
		_, err := f.Store.Checkout(f.Context(), id)
		f.kind(err, curfew.NotFound)
	}
}

func listsCheckouts(f *fixture) {
	held, paid := f.record("ada", curfew.Held), f.paidBy(f.admit("bob"))
	deferred, later := f.deferred("bob", time.Hour), f.record("cyd", curfew.Held)
	for _, want := range []struct {
		outcome curfew.Outcome
		after   string
		limit   int
		list    []curfew.Checkout
	}{
		{"", "", 9, []curfew.Checkout{held, paid, deferred, later}},
		{"", held.ID, 2, []curfew.Checkout{paid, deferred}},
		{curfew.Held, "", 9, []curfew.Checkout{held, later}},
		{curfew.Held, held.ID, 9, []curfew.Checkout{later}},
		{curfew.Fulfilled, "", 9, []curfew.Checkout{paid}},
		{curfew.Refunded, "", 9, nil},
	} {
		got, err := f.Store.ListCheckouts(f.Context(), curfew.CheckoutSearch{Outcome: want.outcome, After: want.after, Limit: want.limit})
		f.must(err)
		f.same("the list of "+string(want.outcome), got, want.list)
	}
}

func searchesCheckouts(f *fixture) {
	mailed := func(customer, email string) curfew.Checkout {
		c := unrecorded(customer, curfew.Held)
		c.Email = email
		r, err := f.Store.Record(f.Context(), c, shop, "recorded")
		f.must(err)
		return r.Checkout
	}
	first, second := mailed("ada", "Ada@Example.org"), mailed("bob", "ada@example.ORG")
	moved := f.move(mailed("ada", "ada@example.org"), curfew.RefundDue)
	unmailed, other := mailed("ada", ""), mailed("ada", "ada@example.orgx")
	for sentence, c := range map[string]struct {
		search curfew.CheckoutSearch
		want   []curfew.Checkout
	}{
		"whatever the case":         {curfew.CheckoutSearch{Email: "aDA@example.org"}, []curfew.Checkout{first, second, moved}},
		"an address and outcome":    {curfew.CheckoutSearch{Email: "ada@example.org", Outcome: curfew.Held}, []curfew.Checkout{first, second}},
		"an address and customer":   {curfew.CheckoutSearch{Email: "ada@example.org", CustomerID: "ada"}, []curfew.Checkout{first, moved}},
		"an address, a page behind": {curfew.CheckoutSearch{Email: "ada@example.org", After: first.ID}, []curfew.Checkout{second, moved}},
		"a customer":                {curfew.CheckoutSearch{CustomerID: "ada"}, []curfew.Checkout{first, moved, unmailed, other}},
		"a customer and outcome":    {curfew.CheckoutSearch{CustomerID: "ada", Outcome: curfew.RefundDue}, []curfew.Checkout{moved}},
		"a customer, a page behind": {curfew.CheckoutSearch{CustomerID: "ada", After: moved.ID}, []curfew.Checkout{unmailed, other}},
		"an address nobody has":     {curfew.CheckoutSearch{Email: "%"}, nil},
		"a customer nobody knows":   {curfew.CheckoutSearch{CustomerID: "cyd"}, nil},
		"part of an address":        {curfew.CheckoutSearch{Email: "ada"}, nil},
	} {
		c.search.Limit = 9
		got, err := f.Store.ListCheckouts(f.Context(), c.search)
		f.must(err)
		f.same(sentence, got, c.want)
		c.search.Limit = 1
		got, err = f.Store.ListCheckouts(f.Context(), c.search)
		f.must(err)
		f.same(sentence+", one", got, c.want[:min(1, len(c.want))])
	}
}

func annotates(f *fixture) {
	before := f.paidBy(f.admit("ada"))
	got, err := f.Store.Annotate(f.Context(), record.Annotation{From: before, Reason: "part of it was given back", Actor: shop, Note: "part"})
	f.must(err)
	f.same("an annotation returns what is stored", got, f.checkout("ada", before.ID))
	want := before
	want.Version, want.Note = 2, "part"
	f.same("the checkout", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt"))

	got, err = f.Store.Annotate(f.Context(), record.Annotation{From: got, Reason: "disputed", Actor: shop, Disputed: record.Yes})
	f.must(err)
	f.around("the dispute", got.DisputedAt, time.Now())
	want.Version, want.DisputedAt = 3, got.DisputedAt
	f.same("the checkout", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt"))
	f.same("disputed", f.checkoutFigures().Disputed, 1)
	f.history("ada", before.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "fulfilled", Actor: shop, Reason: "part of it was given back"},
		curfew.Event{To: "fulfilled", Actor: shop, Reason: "disputed"})
	f.counted()
}

// missed returns the checkout in states that it does not have.
func missed(c curfew.Checkout) []curfew.Checkout {
	var all []curfew.Checkout
	for _, miss := range []func(*curfew.Checkout){
		func(c *curfew.Checkout) { c.Outcome = curfew.Deferred },
		func(c *curfew.Checkout) { c.Version++ },
		func(c *curfew.Checkout) { c.CustomerID = "nobody" },
		func(c *curfew.Checkout) { c.ID = newID() },
	} {
		from := c
		miss(&from)
		all = append(all, from)
	}
	return all
}

func missesAnnotation(f *fixture) {
	for _, from := range missed(f.record("ada", curfew.Held)) {
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Annotate(f.Context(), record.Annotation{From: from, Reason: "x", Actor: shop, Note: "x"})
			return err
		})
	}
}

// reassign reassigns a held payment.
func (f *paymentFixture) reassign(c curfew.Checkout, customer string) curfew.Checkout {
	f.Helper()
	got, err := f.Store.Reassign(f.Context(), record.Reassignment{
		From: c, CustomerID: customer, Plan: "video15", Retry: time.Hour, Reason: "repaired", Actor: shop,
	})
	f.must(err)
	f.same("a reassignment returns what is stored", got, f.checkout(customer, c.ID))
	return got
}

func reassigns(f *fixture) {
	other := f.record(curfew.Nobody, curfew.Held)
	held := f.record(curfew.Nobody, curfew.Held)
	got := f.reassign(held, "ada")
	f.around("retried until", got.RetryUntil, time.Now().Add(time.Hour))
	want := held
	want.CustomerID, want.Plan, want.Outcome, want.Version, want.Note = "ada", "video15", curfew.Deferred, 2, ""
	f.same("the checkout", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt", "RetryUntil"))
	f.history("ada", held.ID, curfew.Event{To: "held", Actor: shop, Reason: "recorded"},
		curfew.Event{To: "deferred", Actor: shop, Reason: "repaired"})
	r, err := f.Store.Reference(f.Context(), held.Ref)
	f.must(err)
	f.same("by its reference", r.Checkout, got)
	left, err := f.Store.Checkouts(f.Context(), curfew.Nobody)
	f.must(err)
	f.same("what is left of nobody's", left, []curfew.Checkout{other})
	f.counted()
}

func reassignsPlan(f *fixture) {
	held := f.record("ada", curfew.Held)
	got := f.reassign(held, "ada")
	f.same("the checkout", []any{got.CustomerID, got.Plan, got.Outcome}, []any{"ada", "video15", curfew.Deferred})
	st, err := f.Store.Admit(f.Context(), spending(got))
	f.must(err)
	f.same("served", f.paidBy(st).Outcome, curfew.Fulfilled)
	f.counted()
}

func missesReassignment(f *fixture) {
	moved := f.move(f.record("bob", curfew.Held), curfew.RefundDue)
	for _, from := range append(missed(f.record("ada", curfew.Held))[1:], moved) {
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Reassign(f.Context(), record.Reassignment{
				From: from, CustomerID: from.CustomerID, Plan: "chat10", Retry: time.Hour, Reason: "x", Actor: shop,
			})
			return err
		})
	}
}
