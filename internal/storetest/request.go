package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var requests = contract{
	"the queue is read as whole snapshots":                                      pendingSnapshots,
	"the queue has what is offered to mechanics and not overdue":                pendingOffered,
	"the queue is in order of waiting, page by page to the end":                 pendingPages,
	"sessions of one moment are paged by their ids":                             pendingTies,
	"the queue keeps sessions however long they may wait":                       pendingHoweverLong,
	"a mechanic who is free has no slot":                                        noSlot,
	"a slot that is really held is not freed":                                   keepsHeldSlot,
	"a slot whose session has ended, is missing or belongs to another is freed": freesLeakedSlot,
	"a slot is freed only if it is as it was read":                              freesExactSlot,
}

// pending returns the ids of one page of the queue.
func (f *sessionFixture) pending(after curfew.Cursor, limit int) []string {
	f.Helper()
	page, err := f.Store.Pending(f.Context(), after, limit)
	f.must(err)
	return ids(page)
}

// queue returns the sessions of the whole queue, read page by page.
func (f *sessionFixture) queue(limit int) []string {
	f.Helper()
	var all []string
	var after curfew.Cursor
	for {
		page, err := f.Store.Pending(f.Context(), after, limit)
		f.must(err)
		if len(page) == 0 {
			return all
		}
		if len(page) > limit || len(all) > 1000 {
			f.Fatalf("a page of %d after %d sessions, with a limit of %d", len(page), len(all), limit)
		}
		all = append(all, ids(page)...)
		last := page[len(page)-1]
		after = curfew.Cursor{At: last.QueuedAt(), ID: last.ID}
	}
}

func pendingSnapshots(f *fixture) {
	st := f.admit("ada")
	page, err := f.Store.Pending(f.Context(), curfew.Cursor{}, 5)
	f.must(err)
	f.same("sessions in the queue", len(page), 1)
	f.sameSnapshot("the first", page[0], st)
	f.around("now", page[0].Now, st.Now)
}

func pendingOffered(f *fixture) {
	f.same("an empty queue", f.pending(curfew.Cursor{}, 5), []string(nil))
	offered := f.admit("offered")
	f.accepted("accepted", "max")
	f.live("live", "eve")
	f.scheduled("scheduled")
	f.aged(f.admit("overdue"), 16*time.Minute)
	f.change(endChange(f.admit("ended"), curfew.Cancelled, curfew.ByRequest))
	f.orphan("orphan")
	f.same("the queue", f.pending(curfew.Cursor{}, 9), []string{offered.ID})
}

func pendingPages(f *fixture) {
	var want []string
	for i := range 7 {
		want = append(want, f.aged(f.admit(fmt.Sprint("customer-", i)), time.Duration(i)*time.Minute).ID)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 7, 100} {
		f.same(fmt.Sprintf("the queue in pages of %d", limit), f.queue(limit), want)
	}
}

func pendingTies(f *fixture) {
	var want []string
	for i := range 7 {
		want = append(want, f.admit(fmt.Sprint("customer-", i)).ID)
	}
	f.exec("UPDATE {sessions} SET created_at = " + f.past(time.Minute) + " WHERE status = 'waiting'")
	slices.Sort(want)
	f.same("the queue of one moment", f.queue(2), want)
}

func pendingHoweverLong(f *fixture) {
	var want []string
	for _, wait := range []time.Duration{
		50 * time.Second, time.Minute, time.Minute + time.Microsecond, 13 * time.Minute, 15 * time.Minute, 59 * time.Minute,
		time.Hour, 25 * time.Hour, 10_000 * time.Hour,
	} {
		waiting := func(age time.Duration) curfew.Snapshot {
			a := admission(fmt.Sprint("customer-", wait, age))
			a.Deadline = curfew.Deadline{After: wait}
			st, err := f.Store.Admit(f.Context(), a)
			f.must(err)
			return f.aged(st, age)
		}
		want = append(want, waiting(0).ID)
		if wait > 10*time.Minute {
			want = append(want, waiting(wait-5*time.Minute).ID)
		}
		waiting(wait + time.Microsecond)
	}
	got := f.queue(3)
	slices.Sort(got)
	slices.Sort(want)
	f.same("the queue", got, want)
}

func noSlot(f *fixture) {
	st := f.accepted("ada", "max")
	_, err := f.Store.Slot(f.Context(), "eve")
	f.kind(err, curfew.NotFound)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	_, err = f.Store.Slot(f.Context(), "max")
	f.kind(err, curfew.NotFound)
}

func keepsHeldSlot(f *fixture) {
	for _, st := range []curfew.Snapshot{f.accepted("ada", "max"), f.live("bob", "eve")} {
		f.refused(curfew.Conflict, func() error {
			return f.Store.FreeSlot(f.Context(), record.Slot{MechanicID: st.MechanicID, CustomerID: st.CustomerID, SessionID: st.ID})
		})
	}
}

func freesLeakedSlot(f *fixture) {
	missing := f.admit("missing")
	missing.ID = newID()
	for mechanic, st := range map[string]curfew.Snapshot{
		"ended":      f.change(endChange(f.accepted("ada", "ended"), curfew.Cancelled, curfew.NoShow)),
		"missing":    missing,
		"another's":  f.accepted("bob", "max"),
		"unassigned": f.admit("cyd"),
	} {
		slot := record.Slot{MechanicID: mechanic, CustomerID: st.CustomerID, SessionID: st.ID}
		f.leak(slot)
		f.must(f.Store.FreeSlot(f.Context(), slot))
		_, err := f.Store.Slot(f.Context(), mechanic)
		f.kind(err, curfew.NotFound)
		f.refused(curfew.Conflict, func() error { return f.Store.FreeSlot(f.Context(), slot) })
	}
	f.same("slots that are held", f.rows("SELECT mechanic_id FROM {mechanic_slots}"), []string{"max"})
}

func freesExactSlot(f *fixture) {
	st := f.change(endChange(f.accepted("ada", "max"), curfew.Cancelled, curfew.NoShow))
	slot := record.Slot{MechanicID: "max", CustomerID: "ada", SessionID: st.ID}
	f.leak(slot)
	for _, other := range []record.Slot{
		{MechanicID: "eve", CustomerID: "ada", SessionID: st.ID},
		{MechanicID: "max", CustomerID: "bob", SessionID: st.ID},
		{MechanicID: "max", CustomerID: "ada", SessionID: newID()},
	} {
		f.refused(curfew.Conflict, func() error { return f.Store.FreeSlot(f.Context(), other) })
	}
	f.must(f.Store.FreeSlot(f.Context(), slot))
}

// leak writes a slot that belongs to no session.
func (f *sessionFixture) leak(slot record.Slot) {
	f.Helper()
	f.corrupt("INSERT INTO {mechanic_slots} (mechanic_id, customer_id, session_id, created_at) VALUES ($1, $2, $3, "+f.past(0)+")",
		slot.MechanicID, slot.CustomerID, slot.SessionID)
}
