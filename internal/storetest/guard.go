package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

// guarded ends the session under a guard.
func (f *fixture) guarded(st curfew.Standing, g curfew.Guard) error {
	c := ending(st, curfew.Cancelled, curfew.Expired)
	c.Guard = g
	_, err := f.Store.Change(f.Context(), c)
	return err
}

// misses fails unless the guard holds the ending back.
func (f *fixture) misses(st curfew.Standing, g curfew.Guard) {
	f.Helper()
	f.refused(curfew.Conflict, func() error { return f.guarded(st, g) })
}

func guardsOverdue(f *fixture) {
	fresh := f.admit("ada")
	f.misses(fresh, curfew.Guard{Overdue: curfew.Yes})
	f.must(f.guarded(fresh, curfew.Guard{Overdue: curfew.No}))

	late := f.aged(f.admit("bob"), 16*time.Minute)
	f.misses(late, curfew.Guard{Overdue: curfew.No})
	f.must(f.guarded(late, curfew.Guard{Overdue: curfew.Yes}))
}

func guardsOlder(f *fixture) {
	st := f.aged(f.accepted("ada", "max"), 10*time.Minute)
	f.misses(st, curfew.Guard{OlderThan: 11 * time.Minute})
	f.misses(st, curfew.Guard{OlderThan: 9 * time.Minute, Overdue: curfew.Yes})
	f.must(f.guarded(st, curfew.Guard{OlderThan: 9 * time.Minute, Overdue: curfew.No}))
}

func guardsUnoffered(f *fixture) {
	g := curfew.Guard{Unoffered: true}
	f.misses(f.admit("ada"), g)
	f.misses(f.accepted("bob", "max"), g)

	assigned := f.accepted("cyd", "eve")
	f.corrupt("UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = $1", assigned.ID)
	f.misses(assigned, g)

	orphan := f.orphan("dan")
	f.misses(orphan, curfew.Guard{Unoffered: true, OlderThan: 20 * time.Minute})
	f.must(f.guarded(orphan, g))
}

// exactDeadline stops the clock and puts a session's deadline exactly there.
func exactDeadline(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	st := f.read(f.admit("ada").ID)
	st = f.aged(st, st.ExpiresAt.Sub(st.Now))
	f.same("the deadline is now", st.ExpiresAt, st.Now)
	f.misses(st, curfew.Guard{Overdue: curfew.Yes})
	f.misses(st, curfew.Guard{OlderThan: st.Now.Sub(st.CreatedAt)})
	f.same("found", f.find(curfew.Search{Limit: 9}), []string(nil))
	f.same("found by age", f.find(curfew.Search{MaxAge: st.Now.Sub(st.CreatedAt), Limit: 9}), []string(nil))
	f.same("pending", f.pending(curfew.Cursor{}, 9), []string{st.ID})
	f.same("ended", f.ended(batch(curfew.Credited, st)), []string(nil))

	st = f.change(curfew.Change{
		From: st.Session, Guard: curfew.Guard{Overdue: curfew.No}, To: curfew.Waiting, Reason: "still good", Actor: shop,
	})

	late := f.aged(st, time.Microsecond)
	f.same("found a microsecond later", f.find(curfew.Search{Limit: 9}), []string{st.ID})
	f.same("pending a microsecond later", f.pending(curfew.Cursor{}, 9), []string(nil))
	f.misses(late, curfew.Guard{Overdue: curfew.No})
	f.same("ended a microsecond later", f.ended(batch(curfew.Credited, late)), []string{st.ID})
}
