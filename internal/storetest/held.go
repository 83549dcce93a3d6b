package storetest

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// meetings are tests that force two changes to meet at the worst moment: one is written but not
// committed when the other arrives.
var meetings = contract{
	"a cleanup that meets an acceptance ends nothing":             cleanupMeetsAccept,
	"a cancellation that meets an acceptance is told of it":       cancelMeetsAccept,
	"an acceptance that meets a cancellation is told of it":       acceptMeetsCancel,
	"an acceptance that meets one of its mechanic is told of it":  acceptMeetsAccept,
	"an admission that meets one of its customer is told of it":   admitMeetsAdmit,
	"a cleanup that meets an acceptance ends the rest of a batch": batchMeetsAccept,
}

// meet holds what another program has written, starts do, commits once do waits for the held rows
// or has finished, and returns the result of do.
func (f *fixture) meet(held []string, do func() error) error {
	f.Helper()
	if f.Hold == nil || f.Settled == nil {
		f.Skip("this store's database cannot be held")
	}
	for i := range held {
		held[i] = tablesOf(f.Schema, held[i])
	}
	commit := f.Hold(f.T, held...)
	done := make(chan error, 1)
	go func() { done <- do() }()
	f.Settled(f.T, done)
	commit()
	return <-done
}

// acceptSQL returns an acceptance as another program would write it, in the same way as the store.
func acceptSQL(st curfew.Snapshot, mechanic string) []string {
	key := fmt.Sprintf("customer_id = '%s' AND ", st.CustomerID)
	return []string{
		fmt.Sprintf("UPDATE {sessions} SET mechanic_id = '%s', accepted_at = created_at, version = version + 1 WHERE %sid = '%s'", mechanic, key, st.ID),
		fmt.Sprintf("UPDATE {session_requests} SET status = 'accepted', mechanic_id = '%s' WHERE %ssession_id = '%s'", mechanic, key, st.ID),
		fmt.Sprintf("INSERT INTO {mechanic_slots} (mechanic_id, customer_id, session_id) VALUES ('%s', '%s', '%s')", mechanic, st.CustomerID, st.ID),
		stepSQL(st.CustomerID, st.ID, "session", "waiting", "waiting"),
	}
}

// cancelSQL returns a cancellation as another program would write it, in the same way as the store.
func cancelSQL(st curfew.Snapshot) []string {
	key := fmt.Sprintf("customer_id = '%s' AND ", st.CustomerID)
	return []string{
		fmt.Sprintf("UPDATE {sessions} SET status = 'cancelled', ended_at = created_at, end_reason = 'cancelled', expires_at = NULL, version = version + 1 WHERE %sid = '%s'", key, st.ID),
		fmt.Sprintf("UPDATE {session_requests} SET status = 'cancelled', ended_at = created_at WHERE %ssession_id = '%s'", key, st.ID),
		fmt.Sprintf("UPDATE {checkouts} SET outcome = 'credited', version = version + 1 WHERE %sid = '%s'", key, st.CheckoutID),
		stepSQL(st.CustomerID, st.ID, "session", "waiting", "cancelled"),
		stepSQL(st.CustomerID, st.CheckoutID, "checkout", "fulfilled", "credited"),
	}
}

// stepSQL returns the event of a subject's second version.
func stepSQL(customer, id, subject, from, to string) string {
	return fmt.Sprintf("INSERT INTO {events} (customer_id, subject_id, number, subject, id, from_status, to_status, actor)"+
		" VALUES ('%s', '%s', 2, '%s', '%s', '%s', '%s', 'system:test')", customer, id, subject, newID(), from, to)
}

// clearing returns a batch that ends the session whatever its deadline.
func (f *fixture) clearing(snapshots ...curfew.Snapshot) record.Batch {
	b := batch(curfew.Credited, snapshots...)
	b.Guard.OlderThan = 30 * time.Minute
	for i := range b.Ends {
		b.Ends[i].Reason = curfew.Cleared
	}
	return b
}

// cleanupMeetsAccept is regression test number one, at its worst point.
func cleanupMeetsAccept(f *fixture) {
	st := f.aged(f.longAdmission("ada"), time.Hour)
	var ended []record.Ended
	f.must(f.meet(acceptSQL(st, "max"), func() (err error) {
		ended, err = f.Store.End(f.Context(), f.clearing(st))
		return err
	}))
	f.same("ended", len(ended), 0)
	now := f.read(st.ID)
	f.same("the accepted session", []any{now.Status, now.MechanicID, now.Version}, []any{curfew.Waiting, "max", int64(2)})
}

func batchMeetsAccept(f *fixture) {
	held := f.aged(f.longAdmission("ada"), time.Hour)
	first, last := f.aged(f.longAdmission("bob"), time.Hour), f.aged(f.longAdmission("cyd"), time.Hour)
	var ended []record.Ended
	f.must(f.meet(acceptSQL(held, "max"), func() (err error) {
		ended, err = f.Store.End(f.Context(), f.clearing(first, held, last))
		return err
	}))
	f.same("ended", len(ended), 2)
	f.same("the accepted session", f.read(held.ID).MechanicID, "max")
	f.same("the others", []any{f.read(first.ID).Status, f.read(last.ID).Status}, []any{curfew.Cancelled, curfew.Cancelled})
}

func cancelMeetsAccept(f *fixture) {
	st := f.admit("ada")
	f.kind(f.meet(acceptSQL(st, "max"), func() error {
		_, err := f.Store.Change(f.Context(), endChange(st, curfew.Cancelled, curfew.ByRequest))
		return err
	}), curfew.Conflict)
	f.same("the accepted session", f.read(st.ID).MechanicID, "max")
}

func acceptMeetsCancel(f *fixture) {
	st := f.admit("ada")
	f.kind(f.meet(cancelSQL(st), func() error {
		_, err := f.Store.Change(f.Context(), accepting(st, "max"))
		return err
	}), curfew.Conflict)
	_, err := f.Store.Slot(f.Context(), "max")
	f.kind(err, curfew.NotFound)
}

func acceptMeetsAccept(f *fixture) {
	first, second := f.admit("ada"), f.admit("bob")
	f.kind(f.meet(acceptSQL(first, "max"), func() error {
		_, err := f.Store.Change(f.Context(), accepting(second, "max"))
		return err
	}), curfew.MechanicBusy)
	f.sameSnapshot("the losing side", f.read(second.ID), second)
}

func admitMeetsAdmit(f *fixture) {
	held := f.scheduled("ada")
	other := []string{
		fmt.Sprintf("UPDATE {sessions} SET status = 'waiting', version = version + 1 WHERE customer_id = 'ada' AND id = '%s'", held.ID),
		fmt.Sprintf("INSERT INTO {session_requests} (customer_id, id, session_id, status) VALUES ('ada', '%s', '%s', 'pending')", newID(), held.ID),
		stepSQL("ada", held.ID, "session", "scheduled", "waiting"),
	}
	f.kind(f.meet(other, func() error {
		_, err := f.Store.Admit(f.Context(), admission("ada"))
		return err
	}), curfew.Conflict)
	open, err := f.Store.Open(f.Context(), "ada")
	f.must(err)
	f.same("the open session", open.ID, held.ID)
}
