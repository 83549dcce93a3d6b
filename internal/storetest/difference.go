package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var differences = contract{
	"a difference is kept once, and keeps its first time":   keepsDifferences,
	"a settled difference is forgotten, and no other":       settlesDifference,
	"differences are listed oldest first, up to a limit":    listsDifferences,
	"what the provider has yet to confirm is listed by id":  listsUnconfirmed,
	"a recent change may still be reported by the provider": listsUnconfirmedInTime,
}

func (f *operationFixture) kept(limit int) []record.Difference {
	f.Helper()
	all, err := f.Store.Differences(f.Context(), limit)
	f.must(err)
	return all
}

var anyTime = cmpopts.IgnoreFields(record.Difference{}, "FirstAt", "LastAt")

func keepsDifferences(f *fixture) {
	f.must(f.Store.KeepDifferences(f.Context(), nil))
	d := record.Difference{CheckoutID: newID(), Kind: "amount_differs", Ref: "ref-1", Detail: "here 1, there 2"}
	f.must(f.Store.KeepDifferences(f.Context(), []record.Difference{d}))
	first := f.kept(9)
	f.same("kept", first, []record.Difference{d}, anyTime)
	f.around("its first time", first[0].FirstAt, time.Now())
	f.exec("UPDATE {payment_differences} SET first_at = " + f.past(time.Hour) + ", last_at = " + f.past(time.Hour))

	other, later := d, d
	other.Kind, later.Detail, later.Ref = "not_paid_there", "here 1, there 3", "ref-2"
	f.must(f.Store.KeepDifferences(f.Context(), []record.Difference{other, later}))
	all := f.kept(9)
	f.same("kept", all, []record.Difference{later, other}, anyTime)
	f.around("its first time", all[0].FirstAt, time.Now().Add(-time.Hour))
	f.around("its last time", all[0].LastAt, time.Now())
}

func settlesDifference(f *fixture) {
	one, other := newID(), newID()
	f.must(f.Store.KeepDifferences(f.Context(), []record.Difference{
		{CheckoutID: one, Kind: "a"}, {CheckoutID: one, Kind: "b"}, {CheckoutID: other, Kind: "a"},
	}))
	for range 2 {
		f.must(f.Store.SettleDifference(f.Context(), one, "a"))
	}
	left := f.kept(9)
	slices.SortFunc(left, func(a, b record.Difference) int { return strings.Compare(b.Kind, a.Kind) })
	f.same("what is left", left, []record.Difference{{CheckoutID: one, Kind: "b"}, {CheckoutID: other, Kind: "a"}}, anyTime)
}

func listsDifferences(f *fixture) {
	var want []string
	for i := range 4 {
		d := record.Difference{CheckoutID: newID(), Kind: "a", Ref: fmt.Sprint("ref-", i)}
		f.must(f.Store.KeepDifferences(f.Context(), []record.Difference{d}))
		f.exec("UPDATE {payment_differences} SET first_at = "+f.past(time.Duration(9-i)*time.Hour)+" WHERE ref = $1", d.Ref)
		want = append(want, d.Ref)
	}
	for _, limit := range []int{1, 3, 9} {
		var got []string
		for _, d := range f.kept(limit) {
			got = append(got, d.Ref)
		}
		f.same("the list", got, want[:min(limit, 4)])
	}
}

func (f *operationFixture) unconfirmed(age time.Duration, after string, limit int) []string {
	f.Helper()
	all, err := f.Store.Unconfirmed(f.Context(), age, after, limit)
	f.must(err)
	var got []string
	for _, c := range all {
		got = append(got, c.ID)
	}
	return got
}

// reservedSession returns the checkout of a waiting session whose money is reserved.
func (f *operationFixture) reservedSession(customer string) curfew.Checkout {
	f.Helper()
	a := admission(customer)
	a.Checkout.Capture = "authorised"
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	return f.paidBy(st)
}

func listsUnconfirmed(f *fixture) {
	f.same("of nothing", f.unconfirmed(0, "", 9), []string(nil))
	promised := f.record("ada", curfew.Promised)
	f.record("bob", curfew.Held)
	f.admit("cyd")
	f.credited("dan")
	reserved := f.reservedSession("eve")
	refunding := f.move(f.move(f.credited("fay"), curfew.RefundDue), curfew.Refunding)
	f.move(f.credited("gil"), curfew.RefundDue)
	f.deferred("cyd", time.Hour)
	waits := admission("cyd").Checkout
	waits.Capture = "authorised"
	deferred, err := f.Store.Defer(f.Context(), waits, shop, time.Hour)
	f.must(err)
	want := []string{promised.ID, reserved.ID, refunding.ID, deferred.Checkout.ID}
	f.exec("UPDATE {checkouts} SET updated_at = " + f.past(2*time.Hour))
	f.same("all", f.unconfirmed(time.Hour, "", 9), want)
	f.same("the first", f.unconfirmed(time.Hour, "", 2), want[:2])
	f.same("those behind it", f.unconfirmed(time.Hour, want[1], 9), want[2:])
	f.same("behind the last", f.unconfirmed(time.Hour, want[3], 9), []string(nil))
}

func listsUnconfirmedInTime(f *fixture) {
	young, old := f.record("ada", curfew.Promised), f.record("bob", curfew.Promised)
	f.exec("UPDATE {checkouts} SET updated_at = "+f.past(59*time.Minute)+" WHERE id = $1", young.ID)
	f.exec("UPDATE {checkouts} SET updated_at = "+f.past(61*time.Minute)+" WHERE id = $1", old.ID)
	f.same("since an hour", f.unconfirmed(time.Hour, "", 9), []string{old.ID})
}
