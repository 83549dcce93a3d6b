package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
)

var payments = contract{
	"a payment without a session is recorded with its event": recordsPayment,
	"a recorded reference is claimed":                        recordsOnce,
	"a checkout is found by its id, and by its payment":      findsCheckout,
	"checkouts are listed in the order of time":              listsCheckouts,
	"checkouts are found by their customer and e-mail":       searchesCheckouts,
	"a remark is an event, and leaves the outcome":           remarks,
	"a missed remark changes nothing":                        missesRemark,
	"a repaired payment goes over with its history":          repairs,
	"a repair keeps the customer who was known":              repairsPlan,
	"a missed repair changes nothing":                        missesRepair,
}

// unrecorded is a payment as a provider tells it.
func unrecorded(customer string, outcome curfew.Outcome) curfew.Checkout {
	c := admission(customer).Checkout
	c.Outcome, c.PaymentID, c.Note = outcome, "pi-"+c.Ref, "told by the provider"
	return c
}

// record writes a payment that gets no session.
func (s *scene) record(customer string, outcome curfew.Outcome) curfew.Checkout {
	s.Helper()
	r, err := s.Store.Record(s.Context(), unrecorded(customer, outcome), shop, "recorded")
	s.must(err)
	return r.Checkout
}

func recordsPayment(s *scene) {
	for _, outcome := range []curfew.Outcome{curfew.Held, curfew.Refunded} {
		want := unrecorded(curfew.Nobody, outcome)
		receipt, err := s.Store.Record(s.Context(), want, shop, "recorded")
		s.must(err)
		got := receipt.Checkout
		s.same("a record answers what is stored", got, s.checkout(curfew.Nobody, got.ID))
		s.around("its time", got.CreatedAt, time.Now())
		want.Version = 1
		if outcome == curfew.Refunded {
			want.RefundAmount = want.Amount
		}
		s.same("recorded", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "CreatedAt", "UpdatedAt"))
		s.history(curfew.Nobody, got.ID, curfew.Event{To: string(outcome), Actor: shop, Reason: "recorded"})
		r, err := s.Store.Reference(s.Context(), want.Ref)
		s.must(err)
		s.same("by its reference", r.Checkout, got)
	}
	s.counted()
}

func recordsOnce(s *scene) {
	first := s.record("ada", curfew.Held)
	again := unrecorded("bob", curfew.Held)
	again.Ref = first.Ref
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Record(s.Context(), again, shop, "again")
		return err
	})
	paid := admission("bob")
	paid.Checkout.Ref = first.Ref
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Admit(s.Context(), paid)
		return err
	})
}

func findsCheckout(s *scene) {
	held := s.record("ada", curfew.Held)
	s.record("bob", curfew.Held)
	got, err := s.Store.Checkout(s.Context(), held.ID)
	s.must(err)
	s.same("by its id", got, held)
	all, err := s.Store.PaidBy(s.Context(), held.PaymentID)
	s.must(err)
	s.same("by its payment", all, []curfew.Checkout{held})
	s.admit("cyd") // without a provider's payment
	for _, nothing := range []string{"", "pi-unknown"} {
		all, err := s.Store.PaidBy(s.Context(), nothing)
		s.must(err)
		s.same("paid by nothing", all, []curfew.Checkout(nil))
	}
	for _, id := range []string{"", "no id", newID()} {
		_, err := s.Store.Checkout(s.Context(), id)
		s.kind(err, curfew.NotFound)
	}
}

func listsCheckouts(s *scene) {
	held, paid := s.record("ada", curfew.Held), s.paidBy(s.admit("bob"))
	deferred, later := s.deferred("bob", time.Hour), s.record("cyd", curfew.Held)
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
		got, err := s.Store.ListCheckouts(s.Context(), curfew.CheckoutSearch{Outcome: want.outcome, After: want.after, Limit: want.limit})
		s.must(err)
		s.same("the list of "+string(want.outcome), got, want.list)
	}
}

func searchesCheckouts(s *scene) {
	mailed := func(customer, email string) curfew.Checkout {
		c := unrecorded(customer, curfew.Held)
		c.Email = email
		r, err := s.Store.Record(s.Context(), c, shop, "recorded")
		s.must(err)
		return r.Checkout
	}
	first, second := mailed("ada", "Ada@Example.org"), mailed("bob", "ada@example.ORG")
	moved := s.move(mailed("ada", "ada@example.org"), curfew.RefundDue)
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
		got, err := s.Store.ListCheckouts(s.Context(), c.search)
		s.must(err)
		s.same(sentence, got, c.want)
		c.search.Limit = 1
		got, err = s.Store.ListCheckouts(s.Context(), c.search)
		s.must(err)
		s.same(sentence+", one", got, c.want[:min(1, len(c.want))])
	}
}

func remarks(s *scene) {
	before := s.paidBy(s.admit("ada"))
	got, err := s.Store.Remark(s.Context(), curfew.Remark{From: before, Reason: "part of it was given back", Actor: shop, Note: "part"})
	s.must(err)
	s.same("a remark answers what is stored", got, s.checkout("ada", before.ID))
	want := before
	want.Version, want.Note = 2, "part"
	s.same("the checkout", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt"))

	got, err = s.Store.Remark(s.Context(), curfew.Remark{From: got, Reason: "disputed", Actor: shop, PaymentID: "pi-1", Amount: 17, Currency: "chf", Disputed: true})
	s.must(err)
	s.around("the dispute", got.DisputedAt, time.Now())
	want.Version, want.PaymentID, want.DisputedAt = 3, "pi-1", got.DisputedAt
	want.Amount, want.Currency = 17, "chf"
	s.same("the checkout", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt"))
	s.same("disputed", s.checkoutFigures().Disputed, 1)
	s.history("ada", before.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "fulfilled", Actor: shop, Reason: "part of it was given back"},
		curfew.Event{To: "fulfilled", Actor: shop, Reason: "disputed"})
	s.counted()
}

// missed is a checkout as it is not.
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

func missesRemark(s *scene) {
	for _, from := range missed(s.record("ada", curfew.Held)) {
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Remark(s.Context(), curfew.Remark{From: from, Reason: "x", Actor: shop, Note: "x"})
			return err
		})
	}
}

// repair repairs a held payment.
func (s *scene) repair(c curfew.Checkout, customer string) curfew.Checkout {
	s.Helper()
	got, err := s.Store.Repair(s.Context(), curfew.Repair{
		From: c, CustomerID: customer, Plan: "video15", Retry: time.Hour, Reason: "repaired", Actor: shop,
	})
	s.must(err)
	s.same("a repair answers what is stored", got, s.checkout(customer, c.ID))
	return got
}

func repairs(s *scene) {
	other := s.record(curfew.Nobody, curfew.Held)
	held := s.record(curfew.Nobody, curfew.Held)
	got := s.repair(held, "ada")
	s.around("retried until", got.RetryUntil, time.Now().Add(time.Hour))
	want := held
	want.CustomerID, want.Plan, want.Outcome, want.Version, want.Note = "ada", "video15", curfew.Deferred, 2, ""
	s.same("the checkout", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt", "RetryUntil"))
	s.history("ada", held.ID, curfew.Event{To: "held", Actor: shop, Reason: "recorded"},
		curfew.Event{To: "deferred", Actor: shop, Reason: "repaired"})
	r, err := s.Store.Reference(s.Context(), held.Ref)
	s.must(err)
	s.same("by its reference", r.Checkout, got)
	left, err := s.Store.Checkouts(s.Context(), curfew.Nobody)
	s.must(err)
	s.same("what is left of nobody's", left, []curfew.Checkout{other})
	s.counted()
}

func repairsPlan(s *scene) {
	held := s.record("ada", curfew.Held)
	got := s.repair(held, "ada")
	s.same("the checkout", []any{got.CustomerID, got.Plan, got.Outcome}, []any{"ada", "video15", curfew.Deferred})
	st, err := s.Store.Admit(s.Context(), spending(got))
	s.must(err)
	s.same("served", s.paidBy(st).Outcome, curfew.Fulfilled)
	s.counted()
}

func missesRepair(s *scene) {
	moved := s.move(s.record("bob", curfew.Held), curfew.RefundDue)
	for _, from := range append(missed(s.record("ada", curfew.Held))[1:], moved) {
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Repair(s.Context(), curfew.Repair{
				From: from, CustomerID: from.CustomerID, Plan: "chat10", Retry: time.Hour, Reason: "x", Actor: shop,
			})
			return err
		})
	}
}
