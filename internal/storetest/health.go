package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var figures = contract{
	"lesson 22: an empty store counts zero of everything":                            emptyFigures,
	"lesson 22: figures are the rows' counts after all sorts of things happened":     figuresAfterStorms,
	"figures are the rows' counts after ended rows were deleted":                     figuresAfterDeletes,
	"figures are the rows' counts after payments were moved by hand":                 figuresAfterMoves,
	"stale, very stale and orphaned are told apart":                                  countsStale,
	"overdue assigned and live sessions are counted":                                 countsOverdue,
	"a request is stale if its session is":                                           countsStaleRequests,
	"unsettled payments have the age of the oldest":                                  countsUnsettled,
	"slots are counted, and so are leaked ones":                                      countsSlots,
	"everything else overdue is listed, longest first":                               overdueDetails,
	"a customer who is no longer blocked does not count as refused repeatedly":       forgivesRepeated,
	"leaked slots are freed, and no others":                                          freesLeaked,
	"customers refused repeatedly within the window are listed":                      countsRepeated,
	"the activity series has every transition in the window, and the current counts": countsActivity,
	"details list the oldest, up to a limit":                                         healthDetails,
}

func (f *operationFixture) sessionFigures() curfew.SessionFigures {
	f.Helper()
	n, err := f.Store.SessionFigures(f.Context(), curfew.DefaultPolicy())
	f.must(err)
	return n
}

func (f *operationFixture) requestFigures() curfew.RequestFigures {
	f.Helper()
	n, err := f.Store.RequestFigures(f.Context())
	f.must(err)
	return n
}

func (f *operationFixture) checkoutFigures() curfew.CheckoutFigures {
	f.Helper()
	n, err := f.Store.CheckoutFigures(f.Context())
	f.must(err)
	return n
}

func (f *operationFixture) mechanicFigures() curfew.MechanicFigures {
	f.Helper()
	n, err := f.Store.MechanicFigures(f.Context())
	f.must(err)
	return n
}

// counted compares every exact figure with the rows.
func (f *operationFixture) counted() {
	f.Helper()
	f.same("sessions", f.sessionFigures().ByStatus, counts(f.base, "sessions", "status", curfew.SessionStatuses()))
	f.same("requests", f.requestFigures().ByStatus, counts(f.base, "session_requests", "status", curfew.RequestStatuses()))
	f.same("checkouts", f.checkoutFigures().ByOutcome, counts(f.base, "checkouts", "outcome", curfew.Outcomes()))
	f.same("money due", f.rows("SELECT count(*) FROM {checkouts} WHERE money_due"), []string{strconv.Itoa(f.checkoutFigures().MoneyDue)})
	f.same("slots", f.rows("SELECT count(*) FROM {mechanic_slots}"), []string{strconv.Itoa(f.mechanicFigures().Busy)})
}

// counts returns how many rows of a table have each value of a column.
func counts[K ~string](f *base, table, column string, all []K) map[K]int {
	f.Helper()
	got := map[K]int{}
	for _, k := range all {
		got[k] = 0
	}
	for _, row := range f.Query(f.T, tablesOf(f.Schema, fmt.Sprintf("SELECT %s, count(*) FROM {%s} GROUP BY %[1]s", column, table))) {
		n, err := strconv.Atoi(row[1])
		f.must(err)
		got[K(row[0])] = n
	}
	return got
}

func emptyFigures(f *fixture) {
	f.counted()
	n := f.sessionFigures()
	n.ByStatus = nil
	f.same("sessions", n, curfew.SessionFigures{})
	r := f.requestFigures()
	f.same("requests", []any{r.Stale, r.OldestPending}, []any{0, time.Duration(0)})
	f.same("unsettled", f.checkoutFigures().OldestUnsettled, time.Duration(0))
	f.same("slots", f.mechanicFigures(), curfew.MechanicFigures{})
	d, err := f.Store.HealthDetails(f.Context(), curfew.DefaultPolicy(), 9)
	f.must(err)
	f.same("details", d, curfew.HealthDetails{})
	again, err := f.Store.Repeated(f.Context(), 1, time.Hour)
	f.must(err)
	f.same("repeated", again, []curfew.Repeated(nil))
}

func figuresAfterStorms(f *fixture) {
	everySort(f)
	f.counted()
	f.same("leaked slots", f.mechanicFigures().Leaked, 0)
	f.same("orphans", f.sessionFigures().Orphaned, 0)
}

func figuresAfterDeletes(f *fixture) {
	f.admit("open")
	f.deferred("open", time.Hour)
	f.credited("kept")
	cancelled := f.change(endChange(f.accepted("ada", "max"), curfew.Cancelled, curfew.NoShow))
	c := f.paidBy(cancelled)
	for _, to := range []curfew.Outcome{curfew.RefundDue, curfew.Refunding, curfew.Refunded} {
		c = f.move(c, to)
	}
	completed := f.change(endChange(f.live("bob", "max"), curfew.Completed, curfew.Finished))
	for _, st := range []curfew.Snapshot{cancelled, completed} {
		f.corrupt("DELETE FROM {session_requests} WHERE session_id = $1", st.ID)
		f.counted()
		f.corrupt("DELETE FROM {sessions} WHERE id = $1", st.ID)
		f.counted()
		f.corrupt("DELETE FROM {checkouts} WHERE id = $1", st.CheckoutID)
		f.counted()
	}
}

func figuresAfterMoves(f *fixture) {
	f.corrupted = true // The payments here are fulfilled without a session.
	held := f.record("ada", curfew.Held)
	for _, c := range []curfew.Checkout{held, f.credited("bob"), f.paidBy(f.abandoned("cyd", 0))} {
		c = f.move(c, curfew.Fulfilled)
		f.same("marked", c.MoneyDue, false)
		f.counted()
		f.move(f.move(c, curfew.Credited), curfew.RefundDue)
		f.counted()
	}
}

func countsStale(f *fixture) {
	f.admit("fresh")
	f.aged(f.admit("just overdue"), 15*time.Minute+time.Second)
	f.aged(f.admit("stale"), 16*time.Minute)
	f.aged(f.admit("very stale"), 31*time.Minute)
	f.aged(f.vanish(f.longAdmission("young orphan")), 19*time.Minute)
	f.aged(f.vanish(f.longAdmission("old orphan")), 21*time.Minute)
	brief := admission("overdue orphan")
	brief.Deadline.After = time.Minute
	st, err := f.Store.Admit(f.Context(), brief)
	f.must(err)
	f.aged(f.vanish(st), 2*time.Minute)
	f.aged(f.accepted("assigned", "m1"), 31*time.Minute)
	f.aged(f.vanish(f.accepted("assigned, no request", "m2")), 29*time.Minute)
	f.aged(f.change(endChange(f.admit("ended"), curfew.Cancelled, curfew.ByRequest)), time.Hour)
	f.aged(f.vanish(f.admit("very old orphan")), time.Hour) // it counts once, as what it is
	want := curfew.SessionFigures{Stale: 2, VeryStale: 1, Orphaned: 3, OverdueAssigned: 1}
	f.same("sessions", f.sessionFigures(), want, cmpopts.IgnoreFields(curfew.SessionFigures{}, "ByStatus"))
}

func countsOverdue(f *fixture) {
	f.accepted("a", "m1")
	f.live("b", "m2")
	f.aged(f.accepted("c", "m3"), 31*time.Minute)
	f.aged(f.live("d", "m4"), 46*time.Minute)
	f.aged(f.live("e", "m5"), 2*time.Hour)
	want := curfew.SessionFigures{OverdueAssigned: 1, OverdueLive: 2}
	f.same("sessions", f.sessionFigures(), want, cmpopts.IgnoreFields(curfew.SessionFigures{}, "ByStatus"))
	f.counted()
}

func countsStaleRequests(f *fixture) {
	f.admit("fresh")
	f.aged(f.admit("just overdue"), 15*time.Minute+time.Second)
	f.aged(f.admit("stale"), 16*time.Minute)
	f.aged(f.accepted("assigned", "max"), time.Hour)
	n := f.requestFigures()
	f.same("stale requests", n.Stale, 1)
	if n.OldestPending < 16*time.Minute || n.OldestPending > 17*time.Minute {
		f.Errorf("the oldest pending request is %s old", n.OldestPending)
	}
}

func countsUnsettled(f *fixture) {
	oldest := func(want time.Duration) {
		f.Helper()
		got := f.checkoutFigures().OldestUnsettled
		if got < want || got > want+time.Minute {
			f.Fatalf("the oldest unsettled payment is %s old, want %s", got, want)
		}
	}
	f.aged(f.admit("fulfilled"), 9*time.Hour)
	f.agedCheckout(f.credited("credited"), 9*time.Hour)
	f.agedCheckout(f.record("refunded", curfew.Refunded), 9*time.Hour)
	f.agedCheckout(f.deferred("deferred", time.Hour), time.Hour)
	oldest(time.Hour)
	for i, c := range []curfew.Checkout{
		f.record("held", curfew.Held),
		f.move(f.credited("refund due"), curfew.RefundDue),
		f.move(f.move(f.credited("refunding"), curfew.RefundDue), curfew.Refunding),
	} {
		by := time.Duration(2+i) * time.Hour
		f.agedCheckout(c, by)
		oldest(by)
	}
	f.abandoned("money due", 6*time.Hour)
	oldest(6 * time.Hour)
	f.same("money due", f.checkoutFigures().MoneyDue, 1)
}

func countsSlots(f *fixture) {
	f.accepted("a", "m1")
	f.live("b", "m2")
	f.change(endChange(f.live("c", "m3"), curfew.Completed, curfew.Finished))
	f.same("slots", f.mechanicFigures(), curfew.MechanicFigures{Busy: 2})

	ended := f.change(endChange(f.accepted("d", "m4"), curfew.Cancelled, curfew.NoShow))
	f.leak(record.Slot{MechanicID: "m4", CustomerID: "d", SessionID: ended.ID})
	f.leak(record.Slot{MechanicID: "m5", CustomerID: "e", SessionID: newID()})
	f.leak(record.Slot{MechanicID: "m6", CustomerID: "f", SessionID: f.accepted("f", "m7").ID})
	f.leak(record.Slot{MechanicID: "m8", CustomerID: "g", SessionID: f.admit("g").ID})
	f.same("leaked slots", f.mechanicFigures().Leaked, 4)
}

func countsRepeated(f *fixture) {
	st := f.admit("ada")
	refuse := func(customer string, times int) {
		for range times {
			f.must(f.Store.Refuse(f.Context(), customer, st.ID))
		}
	}
	refuse("long ago", 5)
	refuse("twice of three times", 1)
	f.exec("UPDATE {refusals} SET at = " + f.past(25*time.Hour))
	refuse("twice of three times", 2)
	refuse("three times", 3)
	refuse("four times", 4)
	got, err := f.Store.Repeated(f.Context(), 3, 24*time.Hour)
	f.must(err)
	slices.SortFunc(got, func(a, b curfew.Repeated) int { return a.Count - b.Count })
	want := []curfew.Repeated{{CustomerID: "three times", Count: 3}, {CustomerID: "four times", Count: 4}}
	f.same("repeated", got, want, cmpopts.IgnoreFields(curfew.Repeated{}, "LastAt"))
	f.around("the last refusal", got[0].LastAt, time.Now())
}

func healthDetails(f *fixture) {
	var stale, orphans []string
	for i := range 4 {
		by := time.Duration(60-i) * time.Minute
		stale = append(stale, f.aged(f.admit(fmt.Sprint("stale-", i)), by).ID)
	}
	for i := range 3 {
		by := time.Duration(50-i) * time.Minute
		orphans = append(orphans, f.aged(f.vanish(f.longAdmission(fmt.Sprint("orphan-", i))), by).ID)
	}
	f.admit("fresh")
	f.aged(f.accepted("assigned", "max"), time.Hour)
	f.vanish(f.longAdmission("young orphan"))
	for _, limit := range []int{2, 3, 9} {
		d, err := f.Store.HealthDetails(f.Context(), curfew.DefaultPolicy(), limit)
		f.must(err)
		f.same("stale", ids(d.Stale), stale[:min(limit, len(stale))])
		f.same("orphans", ids(d.Orphans), orphans[:min(limit, len(orphans))])
		f.sameSnapshot("the oldest", d.Stale[0], f.read(stale[0]))
	}
}

func overdueDetails(f *fixture) {
	assigned := f.aged(f.accepted("a", "m1"), 31*time.Minute)
	f.accepted("b", "m2")
	first, second := f.aged(f.live("c", "m3"), 2*time.Hour), f.aged(f.live("d", "m4"), time.Hour)
	d, err := f.Store.HealthDetails(f.Context(), curfew.DefaultPolicy(), 9)
	f.must(err)
	f.same("assigned", ids(d.OverdueAssigned), []string{assigned.ID})
	f.same("live", ids(d.OverdueLive), []string{first.ID, second.ID})
	f.same("others", len(d.Stale)+len(d.Orphans)+len(d.OverdueScheduled), 0)
}

func forgivesRepeated(f *fixture) {
	st := f.admit("ada")
	for range 3 {
		f.must(f.Store.Refuse(f.Context(), "ada", st.ID))
	}
	repeated := func(want int) {
		f.Helper()
		got, err := f.Store.Repeated(f.Context(), 3, time.Hour)
		f.must(err)
		f.same("repeated", len(got), want)
	}
	repeated(1)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	repeated(0)
	f.must(f.Store.Refuse(f.Context(), "ada", f.admit("ada").ID))
	repeated(0)
}

func freesLeaked(f *fixture) {
	held := f.accepted("ada", "max")
	f.leak(record.Slot{MechanicID: "eve", CustomerID: "ada", SessionID: held.ID})
	f.leak(record.Slot{MechanicID: "mia", CustomerID: "bob", SessionID: newID()})
	f.same("leaked", f.mechanicFigures().Leaked, 2)
	n, err := f.Store.FreeLeaked(f.Context())
	f.must(err)
	f.same("freed", n, 2)
	f.same("left", f.mechanicFigures(), curfew.MechanicFigures{Busy: 1})
}
