package main

import (
	"database/sql"
	"errors"
	"maps"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// books is every checkout by the number of its payment. Where two turned out to be for one
// payment, it is the one that counts; twice is where nobody has found that out.
func (o *oracle) books() (byNumber map[string]curfew.Checkout, twice []curfew.Checkout) {
	o.Helper()
	byNumber = map[string]curfew.Checkout{}
	o.duplicates = nil
	o.withDatabase(func(db database) error {
		all, err := db.ListCheckouts(o.Context(), curfew.CheckoutSearch{Limit: 10 * payments()})
		lines := map[string][]curfew.Checkout{}
		for _, c := range all {
			lines[c.Payment()] = append(lines[c.Payment()], c)
		}
		for _, c := range all {
			if (record.Ledger{Checkouts: lines[c.Payment()]}).Duplicate(c) {
				o.duplicates = append(o.duplicates, c)
				continue
			}
			if _, known := byNumber[number(c.Ref)]; known {
				twice = append(twice, c)
			}
			byNumber[number(c.Ref)] = c
		}
		return err
	})
	return byNumber, twice
}

// checkLedger compares the books with the ledger: each payment is there once, and has the
// outcome that is right; what was captured, given back and lost, and what is left, is the same
// to the cent in each currency; and nothing is there that nobody paid.
func (o *oracle) checkLedger() {
	o.Helper()
	have, twice := o.books()
	all, lives := o.truths(), o.lives()
	for _, c := range twice {
		o.Errorf("checkout %s of %s, which is %s, is a second one", c.ID, c.Ref, c.Outcome)
	}
	known := o.ledgers(slices.Collect(maps.Values(have)))
	here, there, outcomes := map[string]sums{}, map[string]sums{}, map[curfew.Outcome]int{}
	for _, s := range o.sales {
		c, t := have[number(s.ref)], all[number(s.ref)]
		delete(have, number(s.ref))
		o.judge(s, c, t, lives[c.ID])
		outcomes[c.Outcome]++
		there[s.Currency] = there[s.Currency].plus(t.captured, t.refunded, t.lost(), t.worth())
		if c.ID != "" {
			b := known[c.Payment()].Money()
			here[s.Currency] = here[s.Currency].plus(b.Captured, b.Refunded+b.Refunding, b.Lost, b.Worth())
			if b.Worth() != t.worth() {
				o.Errorf("payment %s is worth %d here, and %d there: %+v, %+v", s.ref, b.Worth(), t.worth(), b, t)
			}
		}
	}
	for ref := range have {
		o.Errorf("nobody paid %s", ref)
	}
	for _, c := range o.duplicates {
		t := all[number(c.Ref)]
		back := c.Outcome == curfew.Refunded && (t.refunded > 0 || t.refused) // before that was known
		if c.Outcome != curfew.Void && !back && (c.Outcome != curfew.Fulfilled || !lives[c.ID].accepted) {
			o.Errorf("checkout %s of %s is for a payment that has another one, and %s", c.ID, c.Ref, c.Outcome)
		}
	}
	if !maps.Equal(here, there) {
		o.Errorf("the books say %v, the ledger %v", here, there)
	}
	o.Logf("%v, and %d second ones; %v", outcomes, len(o.duplicates), here)
}

// checkWorst looks for what must never be, in the ledger and in the rows, and
// that the test was as rough as it says.
func (o *oracle) checkWorst() {
	o.Helper()
	for _, wrong := range o.fake.Violations() {
		o.Error(wrong)
	}
	for _, c := range storetest.Checkers(o.schema) {
		if broken := o.query(c.SQL); len(broken) > 0 {
			o.Errorf("invariant broken in %d rows: %s: %s", len(broken), c.Name, o.explain(broken[0]))
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
	states := map[string]int{}
	for _, h := range o.fake.Holds().List() {
		states[h.State]++
	}
	o.Logf("%d were given back; what was reserved is %v; Stripe failed %v", len(o.fake.Refunds()), states, struck)
}

// query returns the first column of some rows.
func (o *oracle) query(statement string) (all []string) {
	o.Helper()
	o.rows(statement, func(rows *sql.Rows) error {
		columns, err := rows.Columns()
		first, row := "", make([]any, max(1, len(columns)))
		for i := range row {
			row[i] = new(any)
		}
		row[0] = &first
		err = errors.Join(err, rows.Scan(row...))
		all = append(all, first)
		return err
	})
	return all
}

// rows reads rows behind the service's back.
func (o *oracle) rows(statement string, read func(*sql.Rows) error) {
	o.Helper()
	rows, err := o.db.QueryContext(o.Context(), o.sql(statement))
	if err == nil {
		err = readAll(rows, read)
	}
	if err != nil {
		o.Errorf("%s: %v", statement, err)
	}
}

func readAll(rows *sql.Rows, read func(*sql.Rows) error) (err error) {
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	for rows.Next() && err == nil {
		err = read(rows)
	}
	return err
}
