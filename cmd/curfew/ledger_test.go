package main

import (
	"maps"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// books is every checkout by its reference.
func (o *oracle) books() map[string]curfew.Checkout {
	o.Helper()
	byRef := map[string]curfew.Checkout{}
	o.withDatabase(func(db database) error {
		all, err := db.ListCheckouts(o.Context(), curfew.CheckoutSearch{Limit: 10 * payments()})
		for _, c := range all {
			if _, twice := byRef[c.Ref]; twice {
				o.Errorf("payment %s has two checkouts", c.Ref)
			}
			byRef[c.Ref] = c
		}
		return err
	})
	return byRef
}

// checkLedger compares the books with the ledger: each payment is there once,
// either fulfilled or given back, to the cent in each currency, and nothing is
// there that nobody paid.
func (o *oracle) checkLedger() {
	o.Helper()
	have, left, outcomes := o.books(), map[string]int64{}, map[curfew.Outcome]int{}
	for _, paid := range o.fake.Paid() {
		c, ok := have[paid.Ref]
		delete(have, paid.Ref)
		if !ok {
			o.Errorf("payment %s is nowhere", paid.Ref)
			continue
		}
		o.checkPayment(c, paid)
		outcomes[c.Outcome]++
		if left[c.Currency] += c.Amount; c.Outcome == curfew.Refunded {
			left[c.Currency] -= c.Due()
		}
	}
	for ref := range have {
		o.Errorf("nobody paid %s", ref)
	}
	if truth := o.fake.Balance(); !maps.Equal(left, truth) {
		o.Errorf("the books say %v, the ledger %v", left, truth)
	}
	o.Logf("%v; left are %v", outcomes, left)
}

func (o *oracle) checkPayment(c curfew.Checkout, paid stripetest.Paid) {
	o.Helper()
	var back int64
	switch c.Outcome {
	case curfew.Fulfilled:
	case curfew.Refunded:
		back = c.Due()
	default:
		o.Errorf("payment %s is %s (%s)", paid.Ref, c.Outcome, c.Note)
	}
	if c.Amount != paid.Amount || c.Currency != paid.Currency || c.PaymentID != paid.PaymentID || back != paid.Refunded {
		o.Errorf("payment %s has given %d back of %d %s (%s), the ledger says %+v", paid.Ref, back, c.Amount, c.Currency, c.PaymentID, paid)
	}
}

// checkWorst looks for what must never be, in the ledger and in the rows, and
// that the test was as rough as it says.
func (o *oracle) checkWorst() {
	o.Helper()
	for _, wrong := range o.fake.Violations() {
		o.Error(wrong)
	}
	for _, c := range storetest.Checkers(o.schema) {
		var broken int
		if err := o.db.QueryRowContext(o.Context(), "SELECT count(*) FROM ("+c.SQL+") AS broken").Scan(&broken); err != nil {
			o.Fatalf("%s: %v", c.Name, err)
		}
		if broken > 0 {
			o.Errorf("invariant broken in %d rows: %s", broken, c.Name)
		}
	}
	struck := o.fake.InjectedFaults()
	for _, fault := range []stripetest.Fault{
		stripetest.Busy, stripetest.Down, stripetest.Failed, stripetest.FailedAfter, stripetest.Cut, stripetest.Hang,
	} {
		if struck[fault] == 0 && payments() >= 2000 {
			o.Errorf("%s never struck: too gentle to prove anything", fault)
		}
	}
	o.Logf("%d were given back; Stripe failed %v", len(o.fake.Refunds()), struck)
}
