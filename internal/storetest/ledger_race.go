package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// reportRaces are races between ten callers who report one payment under some of its names, and
// callers who use it.
var reportRaces = contract{
	"ten reports of one payment make one payment":                           racesToReport,
	"ten reports of one payment during its admission make one payment":      racesReportAdmit,
	"ten reports of payments that turn out to be the same make one payment": racesToMerge,
	"an admission that meets what is told is told of it":                    admitMeetsReport,
	"a change that meets what is told is told of it":                        changeMeetsReport,
}

// chain returns the reports of ten callers. Each has two names and shares one with the next, in an
// order that crosses the order of the names.
func chain(round int) []record.PaymentReport {
	name := func(n int) string { return fmt.Sprintf("%c-%d", "caebdifhgkj"[n], round) }
	all := make([]record.PaymentReport, 10)
	for i := range all {
		all[i] = reported([]curfew.Fact{paid("ch-1", int64(100+i), time.Unix(1, 0))}, name(i), name(i+1))
	}
	return all
}

// reported fails unless all reports belong to one payment.
func (f *fixture) reported(all []record.PaymentReport) record.Ledger {
	f.Helper()
	l, err := f.Store.LedgerOf(f.Context(), all[0].References[0])
	f.must(err)
	var names []string
	for _, t := range all {
		names = append(names, t.References...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !slices.Contains(l.References, name) {
			f.Fatalf("%s is none of %q", name, l.References)
		}
	}
	f.same("the newest fact", l.Facts, []curfew.Fact{paid("ch-1", 109, time.Unix(1, 0).UTC())})
	return l
}

func (f *fixture) send(t record.PaymentReport) error { return failed(f.Store.Report(f.Context(), t)) }

func racesToReport(f *fixture) {
	for round := range max(1, raceRounds()/20) {
		all := chain(round)
		for i, err := range together(len(all), func(i int) error { return f.send(all[i]) }) {
			if err != nil {
				f.Fatalf("the caller %d got %v", i, err)
			}
		}
		f.same("checkouts", len(f.reported(all).Checkouts), 0)
	}
}

func racesReportAdmit(f *fixture) {
	for round := range max(1, raceRounds()/20) {
		all := chain(round)
		errs := together(2*len(all), func(i int) error {
			if i < len(all) {
				return f.send(all[i])
			}
			return f.report(fmt.Sprintf("%d-%d", round, i), all[i-len(all)].References[0])
		})
		for i, err := range errs {
			if err != nil {
				f.Fatalf("the caller %d got %v", i, err)
			}
		}
		l := f.reported(all)
		if !slices.ContainsFunc(l.Checkouts, func(c curfew.Checkout) bool { return c.ID == l.ID && c.LineOf == "" }) {
			f.Fatalf("payment %s has no checkout of its own", l.ID)
		}
	}
}

// report admits a customer by a name as its caller does: with what is known of the payment, and
// again if that has changed. Losing the race is not an error.
func (f *fixture) report(customer, ref string) error {
	for {
		a := admission(customer)
		a.Checkout.Ref = ref
		l, err := f.Store.LedgerOf(f.Context(), ref)
		switch {
		case errors.Is(err, curfew.NotFound):
		case err != nil:
			return err
		case len(l.Checkouts) > 0:
			return nil
		case l.Version > 0:
			a.Checkout.ID, a.Checkout.Version, a.Session.CheckoutID = l.ID, l.Version, l.ID
		}
		err = failed(f.Store.Admit(f.Context(), a))
		if !errors.Is(err, curfew.Conflict) {
			return err
		}
	}
}

func racesToMerge(f *fixture) {
	for round := range max(1, raceRounds()/40) {
		all := chain(round)
		for i, t := range all {
			a := admission(fmt.Sprintf("customer-%d-%d", round, i))
			a.Checkout.Ref = t.References[0]
			f.must(failed(f.Store.Admit(f.Context(), a)))
		}
		for i, err := range together(len(all), func(i int) error { return f.send(all[i]) }) {
			if err != nil {
				f.Fatalf("the caller %d got %v", i, err)
			}
		}
		l := f.reported(all)
		f.same("checkouts", len(l.Checkouts), len(all))
		f.same("the first", l.Checkouts[0].ID, l.ID)
	}
}

// reportSQL returns the statements with which a store records a report.
func reportSQL(l record.Ledger) []string {
	return []string{fmt.Sprintf("UPDATE {payment_refs} SET version = version + 1 WHERE checkout_id = '%s'", l.ID)}
}

func admitMeetsReport(f *fixture) {
	l := f.reports(reported(nil, "cs-1", "pi-1"))
	f.kind(f.meet(reportSQL(l), func() error {
		return failed(f.Store.Admit(f.Context(), admissionOf("ada", l)))
	}), curfew.Conflict)
	f.same("checkouts", len(f.ledger(l.ID).Checkouts), 0)
}

func changeMeetsReport(f *fixture) {
	c := f.credited("ada")
	held := []string{
		fmt.Sprintf("UPDATE {checkouts} SET version = version + 1 WHERE customer_id = 'ada' AND id = '%s'", c.ID),
		fmt.Sprintf("INSERT INTO {events} (customer_id, subject_id, number, subject, id, from_status, to_status, actor)"+
			" VALUES ('ada', '%s', 3, 'checkout', '%s', 'credited', 'credited', 'system:test')", c.ID, newID()),
	}
	f.kind(f.meet(held, func() error {
		return failed(f.Store.Admit(f.Context(), spending(c)))
	}), curfew.Conflict)
	f.same("it is not spent", f.checkout("ada", c.ID).Outcome, curfew.Credited)
}
