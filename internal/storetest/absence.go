package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// absences tests what a store records about mechanics who accepted and did not come.
var absences = contract{
	"a mechanic who did not come is counted with the change":        countsAbsence,
	"an absence ended by a batch is counted if the rule says so":    countsAbsencesOfBatch,
	"an accepted session can go to another mechanic in one step":    transfers,
	"a session is not transferred to a busy mechanic":               transfersToBusy,
	"a mechanic's stream is known while they are busy":              seesMechanics,
	"only a mechanic who had a stream after accepting can be gone":  findsSilent,
	"what nobody has accepted for long is found until it is nudged": findsUnaccepted,
}

func forgetting(st curfew.Snapshot) record.Change {
	c := releasing(st)
	c.Reason, c.Absent = "forgotten: "+st.MechanicID, true
	return c
}

func (f *fixture) absent(mechanic string) record.Absences {
	f.Helper()
	a, err := f.Store.Absences(f.Context(), mechanic, time.Hour)
	f.must(err)
	return a
}

func countsAbsence(f *fixture) {
	f.same("before", f.absent("max"), record.Absences{})
	f.change(releasing(f.accepted("ada", "max"))) // a release is none
	f.same("after a release", f.absent("max"), record.Absences{})
	st := f.change(forgetting(f.accepted("bob", "max")))
	f.same("after one", f.absent("max"), record.Absences{Total: 1, Lately: 1, Last: st.Now})
	st = f.change(forgetting(f.change(accepting(st, "max")))) // the same session again
	f.same("after two", f.absent("max"), record.Absences{Total: 2, Lately: 2, Last: st.Now})
	f.exec("UPDATE {absences} SET at = " + f.past(2*time.Hour))
	got := f.absent("max")
	f.same("later", []int{got.Total, got.Lately}, []int{2, 0})
	f.same("another's", f.absent("eve"), record.Absences{})
}

func countsAbsencesOfBatch(f *fixture) {
	gone, there := f.aged(f.accepted("ada", "max"), time.Hour), f.aged(f.accepted("bob", "eve"), time.Hour)
	b := batch(curfew.Credited, gone)
	b.Rule = record.RuleNamed(curfew.Absences)
	b.Ends[0].Reason = curfew.Unattended
	f.same("ended", f.ended(b), []string{gone.ID})
	f.same("ended as a no-show", f.ended(batch(curfew.Credited, there)), []string{there.ID})
	f.same("who did not come", f.absent("max").Total, 1)
	f.same("who was not asked to", f.absent("eve").Total, 0)
}

func transferring(st curfew.Snapshot, to string) record.Change {
	c := accepting(st, to)
	c.Release, c.Reason = true, "transferred: "+to
	return c
}

func transfers(f *fixture) {
	st := f.attended("ada", "max")
	got := f.change(transferring(st, "eve"))
	want := st
	want.MechanicID, want.Version, want.AcceptedAt, want.ExpiresAt = "eve", st.Version+1, got.Now, got.ExpiresAt
	want.MechanicJoinedAt, want.Request.MechanicID = time.Time{}, "eve"
	f.sameSnapshot("the session of the colleague", got, want)
	f.same("slots", f.rows("SELECT mechanic_id, session_id FROM {mechanic_slots}"), []string{"eve|" + st.ID})
	f.change(accepting(f.admit("bob"), "max"))
}

func transfersToBusy(f *fixture) {
	st := f.accepted("ada", "max")
	f.accepted("bob", "eve")
	f.refused(curfew.MechanicBusy, func() error {
		_, err := f.Store.Change(f.Context(), transferring(st, "eve"))
		return err
	})
}

func seesMechanics(f *fixture) {
	st := f.accepted("ada", "max")
	f.must(f.Store.SeeMechanics(f.Context(), []string{"max", "nobody"}))
	f.exec("UPDATE {mechanic_slots} SET seen_at = " + f.past(time.Minute))
	slot, err := f.Store.Slot(f.Context(), "max")
	f.must(err)
	if slot.Silent < time.Minute || slot.Silent > 2*time.Minute {
		f.Errorf("the mechanic is silent for %s", slot.Silent)
	}
	f.change(releasing(st))
	f.change(accepting(f.read(st.ID), "max"))
	slot, err = f.Store.Slot(f.Context(), "max")
	f.must(err)
	f.same("after the next acceptance", slot, record.Slot{MechanicID: "max", CustomerID: "ada", SessionID: st.ID})
}

func findsSilent(f *fixture) {
	silent := func() []string {
		all, err := f.Store.Silent(f.Context(), time.Minute, 9)
		f.must(err)
		return ids(all)
	}
	gone, in := f.accepted("ada", "max"), f.attended("bob", "eve")
	f.live("cyd", "ann")
	f.accepted("dan", "tom") // who never had a stream
	f.same("at first", silent(), []string(nil))
	f.must(f.Store.SeeMechanics(f.Context(), []string{"max", "eve", "ann"}))
	f.same("all are there", silent(), []string(nil))
	f.exec("UPDATE {mechanic_slots} SET seen_at = " + f.past(2*time.Minute) + " WHERE seen_at IS NOT NULL")
	f.same("of those who have not joined", silent(), []string{gone.ID})
	late := forgetting(gone)
	late.Guard.Silent = time.Minute
	f.must(f.Store.SeeMechanics(f.Context(), []string{"max"})) // back in time
	f.refused(curfew.Conflict, func() error { _, err := f.Store.Change(f.Context(), late); return err })
	f.exec("UPDATE {mechanic_slots} SET seen_at = " + f.past(2*time.Minute) + " WHERE seen_at IS NOT NULL")
	f.change(late)
	f.same("after it was given back", silent(), []string(nil))
	f.same("who is in", f.read(in.ID).MechanicID, "eve")
}

func findsUnaccepted(f *fixture) {
	unaccepted := func() []string {
		all, err := f.Store.Unaccepted(f.Context(), 5*time.Minute, 9)
		f.must(err)
		return ids(all)
	}
	f.admit("fresh")
	f.aged(f.accepted("accepted", "max"), 6*time.Minute)
	f.aged(f.admit("overdue"), time.Hour)
	older, old := f.aged(f.admit("older"), 8*time.Minute), f.aged(f.admit("old"), 6*time.Minute)
	f.same("found", unaccepted(), []string{older.ID, old.ID})
	f.change(record.Change{From: older.Session, To: curfew.Waiting, Reason: "nobody has accepted yet", Actor: shop, Nudge: true})
	f.same("once", unaccepted(), []string{old.ID})
}
