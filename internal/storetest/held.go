package storetest

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// Each of these forces two to meet at the worst place: one has written and not
// committed, the other comes.
var meetings = contract{
	"a cleanup that meets an acceptance ends nothing":             cleanupMeetsAccept,
	"a cancellation that meets an acceptance is told of it":       cancelMeetsAccept,
	"an acceptance that meets a cancellation is told of it":       acceptMeetsCancel,
	"an acceptance that meets one of its mechanic is told of it":  acceptMeetsAccept,
	"an admission that meets one of its customer is told of it":   admitMeetsAdmit,
	"a cleanup that meets an acceptance ends the rest of a batch": batchMeetsAccept,
}

// meet holds what another has written, lets do begin, commits once do waits for
// it or has finished, and returns what do said.
func (s *scene) meet(held []string, do func() error) error {
	s.Helper()
	if s.Hold == nil || s.Settled == nil {
		s.Skip("this store's database cannot be held")
	}
	for i := range held {
		held[i] = tablesOf(s.Schema, held[i])
	}
	commit := s.Hold(s.T, held...)
	done := make(chan error, 1)
	go func() { done <- do() }()
	s.Settled(s.T, done)
	commit()
	return <-done
}

// acceptSQL is an acceptance as the store itself writes it, by hand.
func acceptSQL(st curfew.Standing, mechanic string) []string {
	key := fmt.Sprintf("customer_id = '%s' AND ", st.CustomerID)
	return []string{
		fmt.Sprintf("UPDATE {sessions} SET mechanic_id = '%s', accepted_at = created_at, version = version + 1 WHERE %sid = '%s'", mechanic, key, st.ID),
		fmt.Sprintf("UPDATE {session_requests} SET status = 'accepted', mechanic_id = '%s' WHERE %ssession_id = '%s'", mechanic, key, st.ID),
		fmt.Sprintf("INSERT INTO {mechanic_slots} (mechanic_id, customer_id, session_id) VALUES ('%s', '%s', '%s')", mechanic, st.CustomerID, st.ID),
		stepSQL(st.CustomerID, st.ID, "session", "waiting", "waiting"),
	}
}

// cancelSQL is a cancellation as the store itself writes it, by hand.
func cancelSQL(st curfew.Standing) []string {
	key := fmt.Sprintf("customer_id = '%s' AND ", st.CustomerID)
	return []string{
		fmt.Sprintf("UPDATE {sessions} SET status = 'cancelled', ended_at = created_at, end_reason = 'cancelled', expires_at = NULL, version = version + 1 WHERE %sid = '%s'", key, st.ID),
		fmt.Sprintf("UPDATE {session_requests} SET status = 'cancelled', ended_at = created_at WHERE %ssession_id = '%s'", key, st.ID),
		fmt.Sprintf("UPDATE {checkouts} SET outcome = 'credited', version = version + 1 WHERE %sid = '%s'", key, st.CheckoutID),
		stepSQL(st.CustomerID, st.ID, "session", "waiting", "cancelled"),
		stepSQL(st.CustomerID, st.CheckoutID, "checkout", "fulfilled", "credited"),
	}
}

// stepSQL is the event of a subject's second version.
func stepSQL(customer, id, subject, from, to string) string {
	return fmt.Sprintf("INSERT INTO {events} (customer_id, subject_id, number, subject, id, from_status, to_status, actor)"+
		" VALUES ('%s', '%s', 2, '%s', '%s', '%s', '%s', 'system:test')", customer, id, subject, newID(), from, to)
}

// clearing is a batch that may end the session whatever its deadline.
func (s *scene) clearing(standings ...curfew.Standing) curfew.Batch {
	b := batch(curfew.Credited, standings...)
	b.Guard.OlderThan = 30 * time.Minute
	for i := range b.Endings {
		b.Endings[i].Reason = curfew.Cleared
	}
	return b
}

// cleanupMeetsAccept is regression test number one, at its worst place.
func cleanupMeetsAccept(s *scene) {
	st := s.aged(s.patientAdmission("ada"), time.Hour)
	var ended []curfew.Ended
	s.must(s.meet(acceptSQL(st, "max"), func() (err error) {
		ended, err = s.Store.End(s.Context(), s.clearing(st))
		return err
	}))
	s.same("ended", len(ended), 0)
	now := s.read(st.ID)
	s.same("the accepted session", []any{now.Status, now.MechanicID, now.Version}, []any{curfew.Waiting, "max", int64(2)})
}

func batchMeetsAccept(s *scene) {
	held := s.aged(s.patientAdmission("ada"), time.Hour)
	first, last := s.aged(s.patientAdmission("bob"), time.Hour), s.aged(s.patientAdmission("cyd"), time.Hour)
	var ended []curfew.Ended
	s.must(s.meet(acceptSQL(held, "max"), func() (err error) {
		ended, err = s.Store.End(s.Context(), s.clearing(first, held, last))
		return err
	}))
	s.same("ended", len(ended), 2)
	s.same("the accepted session", s.read(held.ID).MechanicID, "max")
	s.same("the others", []any{s.read(first.ID).Status, s.read(last.ID).Status}, []any{curfew.Cancelled, curfew.Cancelled})
}

func cancelMeetsAccept(s *scene) {
	st := s.admit("ada")
	s.kind(s.meet(acceptSQL(st, "max"), func() error {
		_, err := s.Store.Change(s.Context(), ending(st, curfew.Cancelled, curfew.ByRequest))
		return err
	}), curfew.Conflict)
	s.same("the accepted session", s.read(st.ID).MechanicID, "max")
}

func acceptMeetsCancel(s *scene) {
	st := s.admit("ada")
	s.kind(s.meet(cancelSQL(st), func() error {
		_, err := s.Store.Change(s.Context(), accepting(st, "max"))
		return err
	}), curfew.Conflict)
	_, err := s.Store.Slot(s.Context(), "max")
	s.kind(err, curfew.NotFound)
}

func acceptMeetsAccept(s *scene) {
	first, second := s.admit("ada"), s.admit("bob")
	s.kind(s.meet(acceptSQL(first, "max"), func() error {
		_, err := s.Store.Change(s.Context(), accepting(second, "max"))
		return err
	}), curfew.MechanicBusy)
	s.sameStanding("the losing side", s.read(second.ID), second)
}

func admitMeetsAdmit(s *scene) {
	held := s.scheduled("ada")
	other := []string{
		fmt.Sprintf("UPDATE {sessions} SET status = 'waiting', version = version + 1 WHERE customer_id = 'ada' AND id = '%s'", held.ID),
		fmt.Sprintf("INSERT INTO {session_requests} (customer_id, id, session_id, status) VALUES ('ada', '%s', '%s', 'pending')", newID(), held.ID),
		stepSQL("ada", held.ID, "session", "scheduled", "waiting"),
	}
	s.kind(s.meet(other, func() error {
		_, err := s.Store.Admit(s.Context(), admission("ada"))
		return err
	}), curfew.Conflict)
	open, err := s.Store.Open(s.Context(), "ada")
	s.must(err)
	s.same("the open session", open.ID, held.ID)
}
