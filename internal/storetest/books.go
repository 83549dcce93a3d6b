package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var bookings = contract{
	"what happened in the span, or was open at its end, is read exactly once": readsBooks,
	"a checkout is read as it was at both ends of the span":                   readsThen,
	"further lines come with their payment":                                   readsBookedLines,
	"facts recorded by an older release count at their own time":              readsOldBooks,
	"nothing is read from an empty store":                                     readsEmptyBooks,
}

// bookedFrom and bookedTo are the span of the books in these tests: from ten days ago to five days
// ago.
const bookedFrom, bookedTo = 10 * 24 * time.Hour, 5 * 24 * time.Hour

const aDay = 24 * time.Hour

// span returns the beginning and the end of the span.
func (f *paymentFixture) span() (from, to time.Time) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return now.Add(-bookedFrom), now.Add(-bookedTo)
}

// booked reads the books, with at most limit checkouts at a time.
func (f *paymentFixture) booked(limit int) []record.Booked {
	f.Helper()
	from, to := f.span()
	return f.bookedIn(from, to, limit)
}

func (f *paymentFixture) bookedIn(from, to time.Time, limit int) []record.Booked {
	f.Helper()
	var all []record.Booked
	for after := ""; ; {
		part, next, err := f.Store.Booked(f.Context(), from, to, after, limit)
		f.must(err)
		if len(part) > limit {
			f.Fatalf("%d payments of a part of %d checkouts", len(part), limit)
		}
		if all = append(all, part...); next == "" {
			return all
		}
		if next <= after {
			f.Fatalf("behind %q comes %q", after, next)
		}
		after = next
	}
}

func (f *paymentFixture) bookedIDs(limit int) []string {
	f.Helper()
	var all []string
	for _, b := range f.booked(limit) {
		all = append(all, b.ID)
	}
	return all
}

// old returns a checkout with its times moved back. Its events stay as they are.
func (f *paymentFixture) old(st curfew.Snapshot, by time.Duration) curfew.Checkout {
	f.Helper()
	f.Age(f.T, st.ID, by)
	return f.paidBy(st)
}

// oldCredit returns a credit with its times moved back.
func (f *paymentFixture) oldCredit(customer string, by time.Duration) curfew.Checkout {
	f.Helper()
	return f.old(f.change(endChange(f.admit(customer), curfew.Cancelled, curfew.ByRequest)), by)
}

// oldServed returns a checkout, with its times moved back, whose session took place.
func (f *paymentFixture) oldServed(customer string, by time.Duration) curfew.Checkout {
	f.Helper()
	return f.old(f.change(endChange(f.live(customer, "mechanic of "+customer), curfew.Completed, curfew.Finished)), by)
}

func readsBooks(f *fixture) {
	now := time.Now()
	in := func(days float64) time.Time { return now.Add(-time.Duration(days * float64(aDay))) }
	want := []string{
		f.oldServed("recorded in the span", 7*aDay).ID,
		f.oldCredit("open since long ago", 30*aDay).ID,
	}
	spent := f.oldCredit("was open then", 30*aDay)
	want = append(want, f.move(spent, curfew.RefundDue).ID)
	refunded, disputed, early := f.oldServed("refunded in the span", 30*aDay), f.oldServed("disputed long ago", 30*aDay), f.oldServed("told late", 3*aDay)
	for _, t := range []record.PaymentReport{
		reported([]curfew.Fact{{Kind: "refund", Object: "re-1", State: "succeeded", Amount: 1, Currency: "eur", At: in(7)}}, refunded.Ref),
		reported([]curfew.Fact{{Kind: "dispute", Object: "dp-1", State: "needs_response", At: in(40)}}, disputed.Ref),
		reported([]curfew.Fact{paid("ch-1", 990, in(5.1))}, early.Ref),
	} {
		f.reports(t)
	}
	want = append(want, refunded.ID, disputed.ID, early.ID)
	f.oldServed("before the span", 11*aDay)
	f.oldServed("behind the span", 4*aDay)
	f.oldCredit("a credit from behind the span", 4*aDay)
	f.reports(reported([]curfew.Fact{paid("ch-2", 990, in(7))}, "pi-foreign")) // it has no checkout
	slices.Sort(want)
	got := f.bookedIDs(100)
	f.same("what is read but f.past's own", f.without(got), want)
	for _, limit := range []int{1, 2, 3} {
		f.same(fmt.Sprintf("in parts of %d", limit), f.bookedIDs(limit), got)
	}
}

// without leaves out the checkouts that past has created.
func (f *paymentFixture) without(ids []string) []string {
	f.Helper()
	mine := f.rows("SELECT id FROM {checkouts} WHERE customer_id LIKE 'past-%'")
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(mine, id) })
}

// moment returns the store's time, later than everything that was written.
func (f *operationFixture) moment() time.Time {
	f.Helper()
	begun := f.heartbeats().Now
	for {
		if now := f.heartbeats().Now; now.After(begun) {
			return now
		}
	}
}

func readsThen(f *fixture) {
	moments := []time.Time{f.moment()}
	st := f.admit("ada")
	moments = append(moments, f.moment())
	c := f.paidBy(f.change(endChange(st, curfew.Cancelled, curfew.ByRequest)))
	moments = append(moments, f.moment())
	c = f.move(c, curfew.RefundDue)
	moments = append(moments, f.moment())
	was := []curfew.Outcome{"", curfew.Fulfilled, curfew.Credited, curfew.RefundDue}
	for i, from := range moments {
		for j, to := range moments[i:] {
			all := f.bookedIn(from, to, 9)
			if len(all) == 0 && i+j == 0 {
				continue // it was not recorded by then
			}
			b := all[0]
			f.same("its payment", []any{len(b.Checkouts), b.Checkouts[0], b.References, b.From, b.To}, []any{1, c, []string{c.Ref}, from, to})
			f.same(fmt.Sprintf("what it was at moments %d and %d", i, i+j), []curfew.Outcome{b.Began[c.ID], b.Ended[c.ID]},
				[]curfew.Outcome{was[i], was[i+j]})
		}
	}
}

func readsBookedLines(f *fixture) {
	first := f.oldServed("ada", 30*aDay)
	line := f.oldServed("bob", 7*aDay)
	f.corrupt("UPDATE {checkouts} SET line_of = '"+first.ID+"', line = 2 WHERE id = $1", line.ID)
	f.same("read", f.without(f.bookedIDs(100)), []string{first.ID})
	for _, b := range f.booked(1) {
		if b.ID != first.ID {
			continue
		}
		f.same("its lines", []string{b.Checkouts[0].ID, b.Checkouts[1].ID}, []string{first.ID, line.ID})
	}
}

func readsOldBooks(f *fixture) {
	c := f.oldServed("ada", 30*aDay)
	f.exec("UPDATE {checkouts} SET payment_id = 'pi-old' WHERE id = $1", c.ID)
	f.exec("INSERT INTO {payment_repayments} (payment_id, amount, currency, at) VALUES ('pi-old', 5, 'eur', " + f.past(7*aDay) + ")")
	f.same("read", f.without(f.bookedIDs(100)), []string{c.ID})
}

func readsEmptyBooks(f *fixture) {
	f.same("read", f.bookedIDs(1), []string(nil))
}
