package storetest

import (
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

var ledgers = contract{
	"each version of a payment is settled once":                        judges,
	"what cannot be settled stands in nobody's way":                    passesUnjudged,
	"a report of an unknown payment creates one without a checkout":    reportsUnknown,
	"an admission takes over a reported payment":                       takesOver,
	"a deferred, a recorded and an extending payment take it over too": takesOverOtherwise,
	"a payment that has changed is not taken over":                     missesPayment,
	"a payment is taken over once":                                     takesOverOnce,
	"a further line leaves the names with the first":                   addsLine,
	"a payment for several sessions leaves the first its share":        dividesPaid,
	"a payment that waits stands for all of its lines":                 dividesWhenAdmitted,
	"a further line is recorded once, as a credit":                     creditsLine,
	"a report about a paid payment has it judged again":                reportsOfPaid,
	"a known report changes nothing":                                   reportsTwice,
	"an unknown amount is filled in":                                   reportsAmount,
	"an unknown amount is filled in from two reports":                  reportsAmountOfTwo,
	"facts in any order make the same ledger":                          reportsInAnyOrder,
	"two payments that have a name in common become the older one":     mergesCheckouts,
	"a payment without a checkout is merged into the one with it":      mergesReported,
	"what still holds is no news":                                      reportsAgain,
	"impossible facts are refused":                                     refusesFacts,
	"a payment from an older release is found by the provider's name":  readsOldRows,
	"a provider's facts replace those recorded by an older release":    replacesOldRows,
	"a claim without a checkout can be claimed by anybody":             freesNames,
	"a reassigned payment takes its names along":                       reassignsNames,
	"payments are read together":                                       readsPayments,
	"a message is kept once":                                           keepsMessages,
	"a change sets the refund amount and the concern":                  changesConcern,
	"an annotation adds a concern, or takes it away":                   concerns,
	"concerns are counted for a week":                                  concernsInTime,
	"health counts promised payments":                                  promises,
}

// paid returns a fact: an attempt that captured the money.
func paid(object string, amount int64, at time.Time) curfew.Fact {
	return curfew.Fact{Kind: "attempt", Object: object, State: "captured", Amount: amount, Currency: "eur", At: at}
}

// reported returns a provider's report of a payment with these names.
func reported(facts []curfew.Fact, refs ...string) record.PaymentReport {
	return record.PaymentReport{Provider: "stripe", References: refs, Facts: facts, Reason: "told", Actor: curfew.Provider}
}

// reports records a report, and checks that the result is what is stored.
func (f *paymentFixture) reports(t record.PaymentReport) record.Ledger {
	f.Helper()
	l, err := f.Store.Report(f.Context(), t)
	f.must(err)
	f.around("its time", l.Now, time.Now())
	f.sameLedger("learning answers what is stored", f.ledger(l.ID), l)
	for _, ref := range t.Names() {
		of, err := f.Store.LedgerOf(f.Context(), ref)
		f.must(err)
		f.sameLedger("by the name "+ref, of, l)
	}
	return l
}

func (f *paymentFixture) ledger(id string) record.Ledger {
	f.Helper()
	l, err := f.Store.Ledger(f.Context(), id)
	f.must(err)
	return l
}

// sameLedger is same for two reads of one payment at different times.
func (f *paymentFixture) sameLedger(what string, got, want record.Ledger) {
	f.Helper()
	f.same(what, got, want, cmpopts.IgnoreFields(record.Ledger{}, "Now", "Before"))
}

func reportsUnknown(f *fixture) {
	at := time.Now().UTC().Truncate(time.Microsecond)
	t := reported([]curfew.Fact{paid("ch-1", 990, at.Add(123))}, "pi-1", "cs-1", "pi-1")
	t.Account, t.Name = "acct-1", "pi-1"
	l := f.reports(t)
	f.sameLedger("the payment", l, record.Ledger{Version: 1, Payment: curfew.Payment{
		ID: l.ID, Provider: "stripe", Account: "acct-1", Name: "pi-1", References: []string{"cs-1", "pi-1"}, Facts: []curfew.Fact{paid("ch-1", 990, at)},
	}})
	for _, ref := range []string{"cs-1", "pi-1"} {
		_, err := f.Store.Reference(f.Context(), ref)
		f.kind(err, curfew.NotFound)
		_, err = f.Store.LostCheckout(f.Context(), ref)
		f.kind(err, curfew.NotFound)
	}
	_, err := f.Store.LedgerOf(f.Context(), "cs-2")
	f.kind(err, curfew.NotFound)
	for _, id := range []string{"", "cs-1", newID()} {
		_, err := f.Store.Ledger(f.Context(), id)
		f.kind(err, curfew.NotFound)
	}
}

func reportsOfPaid(f *fixture) {
	before := f.paidBy(f.admit("ada"))
	f.same("nobody has told", f.ledger(before.ID), record.Ledger{
		Payment: curfew.Payment{ID: before.ID, References: []string{before.Ref}}, Checkouts: []curfew.Checkout{before},
	}, cmpopts.IgnoreFields(record.Ledger{}, "Now"))
	t := reported([]curfew.Fact{paid("ch-1", 1000, time.Now())}, before.Ref, "pi-1")
	t.Name, t.Amount, t.Currency = "pi-1", 1000, "chf"
	l := f.reports(t)
	want := before
	want.Version, want.PaymentID, want.Amount, want.Currency = 2, "pi-1", 1000, "chf"
	f.same("the checkout", f.checkout("ada", before.ID), want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt"))
	f.same("its payment", []any{l.ID, l.Version, l.Name}, []any{before.ID, int64(1), "pi-1"})
	f.history("ada", before.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "fulfilled", Actor: curfew.Provider, Reason: "told"})
	f.refused(curfew.Conflict, func() error {
		return failed(f.Store.ChangeCheckout(f.Context(), record.CheckoutChange{From: before, To: curfew.Credited, Reason: "x", Actor: shop}))
	})
	f.same("it is to be settled", f.unjudged(), []string{before.ID})
	held := f.record("bob", curfew.Held)
	f.reports(reported(nil, held.Ref, "pi-2"))
	f.same("since when it waits", f.checkout("bob", held.ID).UpdatedAt, held.UpdatedAt)
	f.counted()
}

func reportsTwice(f *fixture) {
	st := f.paidBy(f.admit("ada"))
	at := time.Now()
	first := reported([]curfew.Fact{paid("ch-1", 990, at)}, st.Ref, "pi-1")
	first.Name, first.Amount, first.Currency = "pi-1", 990, "eur"
	l := f.reports(first)
	earlier := first
	earlier.Facts = []curfew.Fact{paid("ch-1", 990, at.Add(-time.Hour)), paid("ch-1", 800, at)}
	part := reported(nil, "pi-1")
	for _, t := range []record.PaymentReport{first, earlier, part} {
		before := f.dump()
		f.sameLedger("the ledger", f.reports(t), l)
		if diff := cmp.Diff(before, f.dump()); diff != "" {
			f.Fatalf("it changed something (-before +after):\n%s", diff)
		}
	}
	f.same("more was taken", f.reports(reported([]curfew.Fact{paid("ch-1", 991, at.Add(time.Second))}, "pi-1")).Version, int64(2))
}

func reportsAmount(f *fixture) {
	a := admission("ada")
	t := reported(nil, a.Checkout.Ref)
	t.Amount, t.Currency = 1900, "eur"
	a = admissionOf("ada", f.reports(t))
	a.Checkout.Amount, a.Checkout.Currency = 0, ""
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	f.same("before", f.reports(reported(nil, a.Checkout.Ref)).Before, (*curfew.Checkout)(nil))
	f.same("not told", f.paidBy(st).Amount, int64(0))
	unknown := f.paidBy(st)
	f.same("before", f.reports(t).Before, &unknown)
	f.same("before what is known", f.reports(t).Before, (*curfew.Checkout)(nil))
	f.same("the amount", []any{f.paidBy(st).Amount, f.paidBy(st).Currency}, []any{int64(1900), "eur"})
}

// The shop may report a payment by two names, before anybody says that it is one.
func reportsAmountOfTwo(f *fixture) {
	var refs []string
	var all []curfew.Checkout
	for _, customer := range []string{"ada", "bob"} {
		a := admission(customer)
		a.Checkout.Amount, a.Checkout.Currency = 0, ""
		st, err := f.Store.Admit(f.Context(), a)
		f.must(err)
		refs, all = append(refs, a.Checkout.Ref), append(all, f.paidBy(st))
	}
	t := reported(nil, refs...)
	t.Amount, t.Currency = 1900, "eur"
	f.reports(t)
	for _, c := range all {
		now := f.checkout(c.CustomerID, c.ID)
		f.same("the amount", []any{now.Amount, now.Currency}, []any{int64(1900), "eur"})
	}
}

// everyFact returns facts of one payment, some of them repeated, and what is known after all of
// them.
func everyFact() (facts, known []curfew.Fact) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	refund := curfew.Fact{Kind: "refund", Object: "re-1", State: "pending", Amount: 100, Currency: "eur", At: at}
	done, failed := refund, refund
	done.State, failed.State, failed.Reason = "succeeded", "failed", "the card is gone"
	dispute := curfew.Fact{Kind: "dispute", Object: "du-1", State: "needs_response", Amount: 990, Currency: "eur", At: at.Add(time.Hour)}
	won := dispute
	won.State, won.At = "won", time.Time{}
	hold := curfew.Fact{Kind: "attempt", Object: "ch-1", State: "authorised", Amount: 990, Currency: "eur", At: at, Until: at.Add(24 * time.Hour)}
	longer := hold
	longer.Until = at.Add(48 * time.Hour)
	return []curfew.Fact{paid("ch-1", 990, at), paid("ch-1", 980, at), refund, done, failed, dispute, won, hold, longer, hold},
		[]curfew.Fact{longer, paid("ch-1", 990, at), dispute, won, failed, refund, done}
}

func reportsInAnyOrder(f *fixture) {
	want := curfew.Payment{}
	dice := seed.Dice(seed.New(f), "facts")
	for round := range 8 {
		facts, known := everyFact()
		want.Facts = known
		dice.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
		name := newID()
		for i, fact := range facts {
			refs := []string{"cs-" + name}
			if i%3 == round%3 {
				refs = []string{"pi-" + name}
			}
			f.reports(reported([]curfew.Fact{fact}, refs...))
		}
		l := f.reports(reported(nil, "cs-"+name, "pi-"+name))
		f.same("the facts", l.Facts, known)
		f.same("the balance", l.Balance(990, "eur"), want.Balance(990, "eur"))
		f.same("the names", l.References, []string{"cs-" + name, "pi-" + name})
	}
}

func mergesCheckouts(f *fixture) {
	first, second := f.paidBy(f.admit("ada")), f.record("bob", curfew.Held)
	f.reports(reported([]curfew.Fact{paid("ch-1", 990, time.Now())}, first.Ref))
	f.reports(reported([]curfew.Fact{{Kind: "dispute", Object: "du-1", State: "won"}}, second.Ref, "pi-1"))
	t := reported(nil, second.Ref, first.Ref)
	l := f.reports(t)
	names := []string{first.Ref, "pi-1", second.Ref}
	slices.Sort(names)
	f.same("the payment", []any{l.ID, l.References, len(l.Facts), l.Version}, []any{first.ID, names, 2, int64(2)})
	a, b := f.checkout("ada", first.ID), f.checkout("bob", second.ID)
	f.same("the lines", l.Checkouts, []curfew.Checkout{a, b})
	f.same("the other", []any{b.LineOf, b.Line, b.Version, b.Outcome}, []any{first.ID, int64(1), int64(3), curfew.Held})
	events, err := f.Store.Events(f.Context(), "bob", second.ID)
	f.must(err)
	f.same("its event", events[2].Reason, "the same payment as "+first.Ref)
	for _, ref := range names {
		r, err := f.Store.Reference(f.Context(), ref)
		f.must(err)
		f.same("by the name "+ref, r.Checkout, a)
	}
	f.sameLedger("by the other's id", f.ledger(second.ID), l)
	before := f.dump()
	f.reports(t)
	f.same("told again", f.dump(), before)

	third := f.paidBy(f.admit("eve"))
	l = f.reports(reported(nil, third.Ref, second.Ref))
	f.same("three in one", []any{l.ID, len(l.Checkouts), f.checkout("eve", third.ID).LineOf, f.checkout("bob", second.ID).LineOf},
		[]any{first.ID, 3, first.ID, first.ID})
	f.counted()
}

func mergesReported(f *fixture) {
	older, newer := f.reports(reported([]curfew.Fact{paid("ch-1", 990, time.Now())}, "pi-1")), f.reports(reported(nil, "ch-1"))
	l := f.reports(reported(nil, "pi-1", "ch-1"))
	f.same("two without a checkout", []any{l.ID, len(l.Facts), l.Version}, []any{older.ID, 1, int64(2)})
	_, err := f.Store.Ledger(f.Context(), newer.ID)
	f.kind(err, curfew.NotFound)
	c := f.paidBy(f.admit("ada"))
	l = f.reports(reported(nil, c.Ref, "ch-1"))
	f.same("with a younger checkout", []any{l.ID, len(l.Facts), len(l.Checkouts), l.Version}, []any{c.ID, 1, 1, int64(3)})
	r, err := f.Store.Reference(f.Context(), "pi-1")
	f.must(err)
	f.same("by its name", r.Checkout.ID, c.ID)
}

func refusesFacts(f *fixture) {
	f.reports(reported(nil, "pi-1"))
	nameless := reported([]curfew.Fact{paid("ch-1", 990, time.Now())}, "pi-1")
	nameless.Provider = ""
	for _, t := range []record.PaymentReport{
		reported(nil),
		reported(nil, ""),
		reported([]curfew.Fact{{Kind: "gift", Object: "x", State: "given"}}, "pi-1"),
		reported([]curfew.Fact{paid("ch-1", -1, time.Now())}, "pi-1", "pi-2"),
		reported([]curfew.Fact{paid("", 1, time.Now())}, "pi-1"),
		nameless,
	} {
		f.refused(curfew.Invalid, func() error { return failed(f.Store.Report(f.Context(), t)) })
	}
}

// unjudged returns the payments that have not been settled since their last report.
func (f *fixture) unjudged() []string {
	f.Helper()
	ids, err := f.Store.Unjudged(f.Context(), 9)
	f.must(err)
	return ids
}

// judges tests that what was settled in one version is settled again after another report.
func judges(f *fixture) {
	f.same("nothing was told", f.unjudged(), []string(nil))
	captured := curfew.Fact{Kind: "attempt", Object: "pi-1", State: "captured", Amount: 990, Currency: "eur"}
	l := f.reports(reported([]curfew.Fact{captured}, "cs-1", "pi-1"))
	f.same("told", f.unjudged(), []string{l.ID})
	f.must(f.Store.Judged(f.Context(), l.ID, l.Version))
	f.same("settled", f.unjudged(), []string(nil))
	f.reports(reported([]curfew.Fact{captured}, "cs-1", "pi-1"))
	f.same("told the same again", f.unjudged(), []string(nil))
	lost := curfew.Fact{Kind: "dispute", Object: "du-1", State: "lost", Amount: 990, Currency: "eur"}
	later := f.reports(reported([]curfew.Fact{lost}, "pi-1"))
	f.must(f.Store.Judged(f.Context(), l.ID, l.Version))
	f.same("settled as it was before", f.unjudged(), []string{l.ID})
	f.must(f.Store.Judged(f.Context(), l.ID, later.Version))
	f.same("settled as it is", f.unjudged(), []string(nil))
}
