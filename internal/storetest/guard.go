package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// guarded ends the session under a guard.
func (f *fixture) guarded(st curfew.Snapshot, g record.Guard) error {
	c := endChange(st, curfew.Cancelled, curfew.Expired)
	c.Guard = g
	_, err := f.Store.Change(f.Context(), c)
	return err
}

// misses checks that the guard keeps the session from being ended.
func (f *fixture) misses(st curfew.Snapshot, g record.Guard) {
	f.Helper()
	f.refused(curfew.Conflict, func() error { return f.guarded(st, g) })
}

func guardsOverdue(f *fixture) {
	fresh := f.admit("ada")
	f.misses(fresh, record.Guard{Overdue: record.Yes})
	f.must(f.guarded(fresh, record.Guard{Overdue: record.No}))

	late := f.aged(f.admit("bob"), 16*time.Minute)
	f.misses(late, record.Guard{Overdue: record.No})
	f.must(f.guarded(late, record.Guard{Overdue: record.Yes}))
}

func guardsOlder(f *fixture) {
	st := f.aged(f.accepted("ada", "max"), 10*time.Minute)
	f.misses(st, record.Guard{OlderThan: 11 * time.Minute})
	f.misses(st, record.Guard{OlderThan: 9 * time.Minute, Overdue: record.Yes})
	f.must(f.guarded(st, record.Guard{OlderThan: 9 * time.Minute, Overdue: record.No}))
}

func guardsUnoffered(f *fixture) {
	g := record.Guard{Unoffered: true}
	f.misses(f.admit("ada"), g)
	f.misses(f.accepted("bob", "max"), g)

	assigned := f.accepted("cyd", "eve")
	f.corrupt("UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = $1", assigned.ID)
	f.misses(assigned, g)

	orphan := f.orphan("dan")
	f.misses(orphan, record.Guard{Unoffered: true, OlderThan: 20 * time.Minute})
	f.must(f.guarded(orphan, g))
}

// exactDeadline stops the clock and sets a session's deadline to exactly that
// moment.
func exactDeadline(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	st := f.read(f.admit("ada").ID)
	st = f.aged(st, st.ExpiresAt.Sub(st.Now))
	f.same("the deadline is now", st.ExpiresAt, st.Now)
	f.misses(st, record.Guard{Overdue: record.Yes})
	f.misses(st, record.Guard{OlderThan: st.Now.Sub(st.CreatedAt)})
	f.same("found", f.find(record.Search{Limit: 9}), []string(nil))
	f.same("found by age", f.find(record.Search{MaxAge: st.Now.Sub(st.CreatedAt), Limit: 9}), []string(nil))
	f.same("pending", f.pending(curfew.Cursor{}, 9), []string{st.ID})
	f.same("ended", f.ended(batch(curfew.Credited, st)), []string(nil))

	st = f.change(record.Change{
		From: st.Session, Guard: record.Guard{Overdue: record.No}, To: curfew.Waiting, Reason: "still good", Actor: shop,
	})

	late := f.aged(st, time.Microsecond)
	f.same("found a microsecond later", f.find(record.Search{Limit: 9}), []string{st.ID})
	f.same("pending a microsecond later", f.pending(curfew.Cursor{}, 9), []string(nil))
	f.misses(late, record.Guard{Overdue: record.No})
	f.same("ended a microsecond later", f.ended(batch(curfew.Credited, late)), []string{st.ID})
}
