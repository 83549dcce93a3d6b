package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

var requests = contract{
	"the queue is whole standings":                                 pendingStandings,
	"the queue is what is offered to mechanics and not overdue":    pendingOffered,
	"the queue is in order of waiting, page by page to the end":    pendingPages,
	"sessions of one moment are paged by their ids":                pendingTies,
	"the queue holds whoever may wait, however long":               pendingPatience,
	"a mechanic who is free has no slot":                           noSlot,
	"a slot that is truly held is not freed":                       keepsHeldSlot,
	"a slot whose session has ended, is missing or another's goes": freesLeakedSlot,
	"a slot is freed only as it was read":                          freesExactSlot,
}

// pending is the ids of one page of the queue.
func (s *scene) pending(after curfew.Cursor, limit int) []string {
	s.Helper()
	page, err := s.Store.Pending(s.Context(), after, limit)
	s.must(err)
	return ids(page)
}

// queue is the whole queue's sessions, read page by page.
func (s *scene) queue(limit int) []string {
	s.Helper()
	var all []string
	var after curfew.Cursor
	for {
		page, err := s.Store.Pending(s.Context(), after, limit)
		s.must(err)
		if len(page) == 0 {
			return all
		}
		if len(page) > limit || len(all) > 1000 {
			s.Fatalf("a page of %d after %d sessions, with a limit of %d", len(page), len(all), limit)
		}
		all = append(all, ids(page)...)
		last := page[len(page)-1]
		after = curfew.Cursor{At: last.QueuedAt(), ID: last.ID}
	}
}

func pendingStandings(s *scene) {
	st := s.admit("ada")
	page, err := s.Store.Pending(s.Context(), curfew.Cursor{}, 5)
	s.must(err)
	s.same("sessions in the queue", len(page), 1)
	s.sameStanding("the first", page[0], st)
	s.around("now", page[0].Now, st.Now)
}

func pendingOffered(s *scene) {
	s.same("an empty queue", s.pending(curfew.Cursor{}, 5), []string(nil))
	offered := s.admit("offered")
	s.accepted("accepted", "max")
	s.live("live", "eve")
	s.scheduled("scheduled")
	s.aged(s.admit("overdue"), 16*time.Minute)
	s.change(ending(s.admit("ended"), curfew.Cancelled, curfew.ByRequest))
	s.orphan("orphan")
	s.same("the queue", s.pending(curfew.Cursor{}, 9), []string{offered.ID})
}

func pendingPages(s *scene) {
	var want []string
	for i := range 7 {
		want = append(want, s.aged(s.admit(fmt.Sprint("customer-", i)), time.Duration(i)*time.Minute).ID)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 7, 100} {
		s.same(fmt.Sprintf("the queue in pages of %d", limit), s.queue(limit), want)
	}
}

func pendingTies(s *scene) {
	var want []string
	for i := range 7 {
		want = append(want, s.admit(fmt.Sprint("customer-", i)).ID)
	}
	s.exec("UPDATE {sessions} SET created_at = " + s.past(time.Minute) + " WHERE status = 'waiting'")
	slices.Sort(want)
	s.same("the queue of one moment", s.queue(2), want)
}

func pendingPatience(s *scene) {
	var want []string
	for _, wait := range []time.Duration{
		50 * time.Second, time.Minute, time.Minute + time.Microsecond, 13 * time.Minute, 15 * time.Minute, 59 * time.Minute,
		time.Hour, 25 * time.Hour, 10_000 * time.Hour,
	} {
		waiting := func(age time.Duration) curfew.Standing {
			a := admission(fmt.Sprint("customer-", wait, age))
			a.Deadline = curfew.Deadline{After: wait}
			st, err := s.Store.Admit(s.Context(), a)
			s.must(err)
			return s.aged(st, age)
		}
		want = append(want, waiting(0).ID)
		if wait > 10*time.Minute {
			want = append(want, waiting(wait-5*time.Minute).ID)
		}
		waiting(wait + time.Microsecond)
	}
	got := s.queue(3)
	slices.Sort(got)
	slices.Sort(want)
	s.same("the queue", got, want)
}

func noSlot(s *scene) {
	st := s.accepted("ada", "max")
	_, err := s.Store.Slot(s.Context(), "eve")
	s.kind(err, curfew.NotFound)
	s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	_, err = s.Store.Slot(s.Context(), "max")
	s.kind(err, curfew.NotFound)
}

func keepsHeldSlot(s *scene) {
	for _, st := range []curfew.Standing{s.accepted("ada", "max"), s.live("bob", "eve")} {
		s.refused(curfew.Conflict, func() error {
			return s.Store.FreeSlot(s.Context(), curfew.Slot{MechanicID: st.MechanicID, CustomerID: st.CustomerID, SessionID: st.ID})
		})
	}
}

func freesLeakedSlot(s *scene) {
	missing := s.admit("missing")
	missing.ID = newID()
	for mechanic, st := range map[string]curfew.Standing{
		"ended":      s.change(ending(s.accepted("ada", "ended"), curfew.Cancelled, curfew.NoShow)),
		"missing":    missing,
		"another's":  s.accepted("bob", "max"),
		"unassigned": s.admit("cyd"),
	} {
		slot := curfew.Slot{MechanicID: mechanic, CustomerID: st.CustomerID, SessionID: st.ID}
		s.leak(slot)
		s.must(s.Store.FreeSlot(s.Context(), slot))
		_, err := s.Store.Slot(s.Context(), mechanic)
		s.kind(err, curfew.NotFound)
		s.refused(curfew.Conflict, func() error { return s.Store.FreeSlot(s.Context(), slot) })
	}
	s.same("slots that are held", s.rows("SELECT mechanic_id FROM {mechanic_slots}"), []string{"max"})
}

func freesExactSlot(s *scene) {
	st := s.change(ending(s.accepted("ada", "max"), curfew.Cancelled, curfew.NoShow))
	slot := curfew.Slot{MechanicID: "max", CustomerID: "ada", SessionID: st.ID}
	s.leak(slot)
	for _, other := range []curfew.Slot{
		{MechanicID: "eve", CustomerID: "ada", SessionID: st.ID},
		{MechanicID: "max", CustomerID: "bob", SessionID: st.ID},
		{MechanicID: "max", CustomerID: "ada", SessionID: newID()},
	} {
		s.refused(curfew.Conflict, func() error { return s.Store.FreeSlot(s.Context(), other) })
	}
	s.must(s.Store.FreeSlot(s.Context(), slot))
}

// leak plants a slot that nobody holds.
func (s *scene) leak(slot curfew.Slot) {
	s.Helper()
	s.spoil("INSERT INTO {mechanic_slots} (mechanic_id, customer_id, session_id, created_at) VALUES ($1, $2, $3, "+s.past(0)+")",
		slot.MechanicID, slot.CustomerID, slot.SessionID)
}
