package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
)

var figures = contract{
	"lesson 22: an empty store counts zero of everything":                        emptyFigures,
	"lesson 22: figures are the rows' counts after all sorts of things happened": figuresAfterStorms,
	"figures are the rows' counts after ended rows were deleted":                 figuresAfterDeletes,
	"figures are the rows' counts after payments were moved by hand":             figuresAfterMoves,
	"stale, very stale and orphaned are told apart":                              countsStale,
	"overdue assigned and live sessions are counted":                             countsOverdue,
	"a request is stale with its session":                                        countsStaleRequests,
	"unsettled payments have the age of the oldest":                              countsUnsettled,
	"slots are counted, and those that leaked":                                   countsSlots,
	"what else is overdue is listed, the longest first":                          overdueDetails,
	"who is not blocked any more was not refused repeatedly":                     forgivesRepeated,
	"leaked slots are freed, and no other":                                       freesLeaked,
	"who was refused repeatedly within the window is named":                      countsRepeated,
	"the tide is every move of the window and what stands now":                   countsTheTide,
	"details are the oldest, up to a limit":                                      healthDetails,
}

func (s *scene) sessionFigures() curfew.SessionFigures {
	s.Helper()
	f, err := s.Store.SessionFigures(s.Context(), curfew.DefaultPolicy())
	s.must(err)
	return f
}

func (s *scene) requestFigures() curfew.RequestFigures {
	s.Helper()
	f, err := s.Store.RequestFigures(s.Context())
	s.must(err)
	return f
}

func (s *scene) checkoutFigures() curfew.CheckoutFigures {
	s.Helper()
	f, err := s.Store.CheckoutFigures(s.Context())
	s.must(err)
	return f
}

func (s *scene) mechanicFigures() curfew.MechanicFigures {
	s.Helper()
	f, err := s.Store.MechanicFigures(s.Context())
	s.must(err)
	return f
}

// counted compares every exact figure with the rows.
func (s *scene) counted() {
	s.Helper()
	s.same("sessions", s.sessionFigures().ByStatus, counts(s, "sessions", "status", curfew.SessionStatuses()))
	s.same("requests", s.requestFigures().ByStatus, counts(s, "session_requests", "status", curfew.RequestStatuses()))
	s.same("checkouts", s.checkoutFigures().ByOutcome, counts(s, "checkouts", "outcome", curfew.Outcomes()))
	s.same("money due", s.rows("SELECT count(*) FROM {checkouts} WHERE money_due"), []string{strconv.Itoa(s.checkoutFigures().MoneyDue)})
	s.same("slots", s.rows("SELECT count(*) FROM {mechanic_slots}"), []string{strconv.Itoa(s.mechanicFigures().Busy)})
}

// counts counts a table's rows by a column, with all of its values.
func counts[K ~string](s *scene, table, column string, all []K) map[K]int {
	s.Helper()
	got := map[K]int{}
	for _, k := range all {
		got[k] = 0
	}
	for _, row := range s.Query(s.T, tablesOf(s.Schema, fmt.Sprintf("SELECT %s, count(*) FROM {%s} GROUP BY %[1]s", column, table))) {
		n, err := strconv.Atoi(row[1])
		s.must(err)
		got[K(row[0])] = n
	}
	return got
}

func emptyFigures(s *scene) {
	s.counted()
	f := s.sessionFigures()
	f.ByStatus = nil
	s.same("sessions", f, curfew.SessionFigures{})
	r := s.requestFigures()
	s.same("requests", []any{r.Stale, r.OldestPending}, []any{0, time.Duration(0)})
	s.same("unsettled", s.checkoutFigures().OldestUnsettled, time.Duration(0))
	s.same("slots", s.mechanicFigures(), curfew.MechanicFigures{})
	d, err := s.Store.HealthDetails(s.Context(), curfew.DefaultPolicy(), 9)
	s.must(err)
	s.same("details", d, curfew.HealthDetails{})
	again, err := s.Store.Repeated(s.Context(), 1, time.Hour)
	s.must(err)
	s.same("repeated", again, []curfew.Repeated(nil))
}

func figuresAfterStorms(s *scene) {
	everySort(s)
	s.counted()
	s.same("leaked slots", s.mechanicFigures().Leaked, 0)
	s.same("orphans", s.sessionFigures().Orphaned, 0)
}

func figuresAfterDeletes(s *scene) {
	s.admit("open")
	s.deferred("open", time.Hour)
	s.credited("kept")
	cancelled := s.change(ending(s.accepted("ada", "max"), curfew.Cancelled, curfew.NoShow))
	c := s.paidBy(cancelled)
	for _, to := range []curfew.Outcome{curfew.RefundDue, curfew.Refunding, curfew.Refunded} {
		c = s.move(c, to)
	}
	completed := s.change(ending(s.live("bob", "max"), curfew.Completed, curfew.Finished))
	for _, st := range []curfew.Standing{cancelled, completed} {
		s.spoil("DELETE FROM {session_requests} WHERE session_id = $1", st.ID)
		s.counted()
		s.spoil("DELETE FROM {sessions} WHERE id = $1", st.ID)
		s.counted()
		s.spoil("DELETE FROM {checkouts} WHERE id = $1", st.CheckoutID)
		s.counted()
	}
}

func figuresAfterMoves(s *scene) {
	s.spoiled = true // Payments here are fulfilled without a session.
	held := s.record("ada", curfew.Held)
	for _, c := range []curfew.Checkout{held, s.credited("bob"), s.paidBy(s.abandoned("cyd", 0))} {
		c = s.move(c, curfew.Fulfilled)
		s.same("marked", c.MoneyDue, false)
		s.counted()
		s.move(s.move(c, curfew.Credited), curfew.RefundDue)
		s.counted()
	}
}

func countsStale(s *scene) {
	s.admit("fresh")
	s.aged(s.admit("just overdue"), 15*time.Minute+time.Second)
	s.aged(s.admit("stale"), 16*time.Minute)
	s.aged(s.admit("very stale"), 31*time.Minute)
	s.aged(s.vanish(s.patientAdmission("young orphan")), 19*time.Minute)
	s.aged(s.vanish(s.patientAdmission("old orphan")), 21*time.Minute)
	brief := admission("overdue orphan")
	brief.Deadline.After = time.Minute
	st, err := s.Store.Admit(s.Context(), brief)
	s.must(err)
	s.aged(s.vanish(st), 2*time.Minute)
	s.aged(s.accepted("assigned", "m1"), 31*time.Minute)
	s.aged(s.vanish(s.accepted("assigned, no request", "m2")), 29*time.Minute)
	s.aged(s.change(ending(s.admit("ended"), curfew.Cancelled, curfew.ByRequest)), time.Hour)
	s.aged(s.vanish(s.admit("very old orphan")), time.Hour) // it counts once, as what it is
	want := curfew.SessionFigures{Stale: 2, VeryStale: 1, Orphaned: 3, OverdueAssigned: 1}
	s.same("sessions", s.sessionFigures(), want, cmpopts.IgnoreFields(curfew.SessionFigures{}, "ByStatus"))
}

func countsOverdue(s *scene) {
	s.accepted("a", "m1")
	s.live("b", "m2")
	s.aged(s.accepted("c", "m3"), 31*time.Minute)
	s.aged(s.live("d", "m4"), 46*time.Minute)
	s.aged(s.live("e", "m5"), 2*time.Hour)
	want := curfew.SessionFigures{OverdueAssigned: 1, OverdueLive: 2}
	s.same("sessions", s.sessionFigures(), want, cmpopts.IgnoreFields(curfew.SessionFigures{}, "ByStatus"))
	s.counted()
}

func countsStaleRequests(s *scene) {
	s.admit("fresh")
	s.aged(s.admit("just overdue"), 15*time.Minute+time.Second)
	s.aged(s.admit("stale"), 16*time.Minute)
	s.aged(s.accepted("assigned", "max"), time.Hour)
	f := s.requestFigures()
	s.same("stale requests", f.Stale, 1)
	if f.OldestPending < 16*time.Minute || f.OldestPending > 17*time.Minute {
		s.Errorf("the oldest pending request is %s old", f.OldestPending)
	}
}

func countsUnsettled(s *scene) {
	oldest := func(want time.Duration) {
		s.Helper()
		got := s.checkoutFigures().OldestUnsettled
		if got < want || got > want+time.Minute {
			s.Fatalf("the oldest unsettled payment is %s old, want %s", got, want)
		}
	}
	s.aged(s.admit("fulfilled"), 9*time.Hour)
	s.agedCheckout(s.credited("credited"), 9*time.Hour)
	s.agedCheckout(s.record("refunded", curfew.Refunded), 9*time.Hour)
	s.agedCheckout(s.deferred("deferred", time.Hour), time.Hour)
	oldest(time.Hour)
	for i, c := range []curfew.Checkout{
		s.record("held", curfew.Held),
		s.move(s.credited("refund due"), curfew.RefundDue),
		s.move(s.move(s.credited("refunding"), curfew.RefundDue), curfew.Refunding),
	} {
		by := time.Duration(2+i) * time.Hour
		s.agedCheckout(c, by)
		oldest(by)
	}
	s.abandoned("money due", 6*time.Hour)
	oldest(6 * time.Hour)
	s.same("money due", s.checkoutFigures().MoneyDue, 1)
}

func countsSlots(s *scene) {
	s.accepted("a", "m1")
	s.live("b", "m2")
	s.change(ending(s.live("c", "m3"), curfew.Completed, curfew.Finished))
	s.same("slots", s.mechanicFigures(), curfew.MechanicFigures{Busy: 2})

	ended := s.change(ending(s.accepted("d", "m4"), curfew.Cancelled, curfew.NoShow))
	s.leak(curfew.Slot{MechanicID: "m4", CustomerID: "d", SessionID: ended.ID})
	s.leak(curfew.Slot{MechanicID: "m5", CustomerID: "e", SessionID: newID()})
	s.leak(curfew.Slot{MechanicID: "m6", CustomerID: "f", SessionID: s.accepted("f", "m7").ID})
	s.leak(curfew.Slot{MechanicID: "m8", CustomerID: "g", SessionID: s.admit("g").ID})
	s.same("leaked slots", s.mechanicFigures().Leaked, 4)
}

func countsRepeated(s *scene) {
	st := s.admit("ada")
	refuse := func(customer string, times int) {
		for range times {
			s.must(s.Store.Refuse(s.Context(), customer, st.ID))
		}
	}
	refuse("long ago", 5)
	refuse("twice of three times", 1)
	s.exec("UPDATE {refusals} SET at = " + s.past(25*time.Hour))
	refuse("twice of three times", 2)
	refuse("three times", 3)
	refuse("four times", 4)
	got, err := s.Store.Repeated(s.Context(), 3, 24*time.Hour)
	s.must(err)
	slices.SortFunc(got, func(a, b curfew.Repeated) int { return a.Count - b.Count })
	want := []curfew.Repeated{{CustomerID: "three times", Count: 3}, {CustomerID: "four times", Count: 4}}
	s.same("repeated", got, want, cmpopts.IgnoreFields(curfew.Repeated{}, "LastAt"))
	s.around("the last refusal", got[0].LastAt, time.Now())
}

func healthDetails(s *scene) {
	var stale, orphans []string
	for i := range 4 {
		by := time.Duration(60-i) * time.Minute
		stale = append(stale, s.aged(s.admit(fmt.Sprint("stale-", i)), by).ID)
	}
	for i := range 3 {
		by := time.Duration(50-i) * time.Minute
		orphans = append(orphans, s.aged(s.vanish(s.patientAdmission(fmt.Sprint("orphan-", i))), by).ID)
	}
	s.admit("fresh")
	s.aged(s.accepted("assigned", "max"), time.Hour)
	s.vanish(s.patientAdmission("young orphan"))
	for _, limit := range []int{2, 3, 9} {
		d, err := s.Store.HealthDetails(s.Context(), curfew.DefaultPolicy(), limit)
		s.must(err)
		s.same("stale", ids(d.Stale), stale[:min(limit, len(stale))])
		s.same("orphans", ids(d.Orphans), orphans[:min(limit, len(orphans))])
		s.sameStanding("the oldest", d.Stale[0], s.read(stale[0]))
	}
}

func overdueDetails(s *scene) {
	assigned := s.aged(s.accepted("a", "m1"), 31*time.Minute)
	s.accepted("b", "m2")
	first, second := s.aged(s.live("c", "m3"), 2*time.Hour), s.aged(s.live("d", "m4"), time.Hour)
	d, err := s.Store.HealthDetails(s.Context(), curfew.DefaultPolicy(), 9)
	s.must(err)
	s.same("assigned", ids(d.OverdueAssigned), []string{assigned.ID})
	s.same("live", ids(d.OverdueLive), []string{first.ID, second.ID})
	s.same("others", len(d.Stale)+len(d.Orphans)+len(d.OverdueScheduled), 0)
}

func forgivesRepeated(s *scene) {
	st := s.admit("ada")
	for range 3 {
		s.must(s.Store.Refuse(s.Context(), "ada", st.ID))
	}
	repeated := func(want int) {
		s.Helper()
		got, err := s.Store.Repeated(s.Context(), 3, time.Hour)
		s.must(err)
		s.same("repeated", len(got), want)
	}
	repeated(1)
	s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	repeated(0)
	s.must(s.Store.Refuse(s.Context(), "ada", s.admit("ada").ID))
	repeated(0)
}

func freesLeaked(s *scene) {
	held := s.accepted("ada", "max")
	s.leak(curfew.Slot{MechanicID: "eve", CustomerID: "ada", SessionID: held.ID})
	s.leak(curfew.Slot{MechanicID: "mia", CustomerID: "bob", SessionID: newID()})
	s.same("leaked", s.mechanicFigures().Leaked, 2)
	n, err := s.Store.FreeLeaked(s.Context())
	s.must(err)
	s.same("freed", n, 2)
	s.same("left", s.mechanicFigures(), curfew.MechanicFigures{Busy: 1})
}
