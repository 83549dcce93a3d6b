package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

// guarded ends the session under a guard.
func (s *scene) guarded(st curfew.Standing, g curfew.Guard) error {
	c := ending(st, curfew.Cancelled, curfew.Expired)
	c.Guard = g
	_, err := s.Store.Change(s.Context(), c)
	return err
}

// misses fails unless the guard holds the ending back.
func (s *scene) misses(st curfew.Standing, g curfew.Guard) {
	s.Helper()
	s.refused(curfew.Conflict, func() error { return s.guarded(st, g) })
}

func guardsOverdue(s *scene) {
	fresh := s.admit("ada")
	s.misses(fresh, curfew.Guard{Overdue: curfew.Yes})
	s.must(s.guarded(fresh, curfew.Guard{Overdue: curfew.No}))

	late := s.aged(s.admit("bob"), 16*time.Minute)
	s.misses(late, curfew.Guard{Overdue: curfew.No})
	s.must(s.guarded(late, curfew.Guard{Overdue: curfew.Yes}))
}

func guardsOlder(s *scene) {
	st := s.aged(s.accepted("ada", "max"), 10*time.Minute)
	s.misses(st, curfew.Guard{OlderThan: 11 * time.Minute})
	s.misses(st, curfew.Guard{OlderThan: 9 * time.Minute, Overdue: curfew.Yes})
	s.must(s.guarded(st, curfew.Guard{OlderThan: 9 * time.Minute, Overdue: curfew.No}))
}

func guardsUnoffered(s *scene) {
	g := curfew.Guard{Unoffered: true}
	s.misses(s.admit("ada"), g)
	s.misses(s.accepted("bob", "max"), g)

	assigned := s.accepted("cyd", "eve")
	s.spoil("UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = $1", assigned.ID)
	s.misses(assigned, g)

	orphan := s.orphan("dan")
	s.misses(orphan, curfew.Guard{Unoffered: true, OlderThan: 20 * time.Minute})
	s.must(s.guarded(orphan, g))
}

// exactDeadline stops the clock and puts a session's deadline exactly there.
func exactDeadline(s *scene) {
	if s.Freeze == nil {
		s.Skip("this store's clock cannot be stopped")
	}
	s.Freeze(s.T)
	st := s.read(s.admit("ada").ID)
	st = s.aged(st, st.ExpiresAt.Sub(st.Now))
	s.same("the deadline is now", st.ExpiresAt, st.Now)
	s.misses(st, curfew.Guard{Overdue: curfew.Yes})
	s.misses(st, curfew.Guard{OlderThan: st.Now.Sub(st.CreatedAt)})
	s.same("found", s.find(curfew.Search{Limit: 9}), []string(nil))
	s.same("found by age", s.find(curfew.Search{MaxAge: st.Now.Sub(st.CreatedAt), Limit: 9}), []string(nil))
	s.same("pending", s.pending(curfew.Cursor{}, 9), []string{st.ID})
	s.same("ended", s.ended(batch(curfew.Credited, st)), []string(nil))

	st = s.change(curfew.Change{
		From: st.Session, Guard: curfew.Guard{Overdue: curfew.No}, To: curfew.Waiting, Reason: "still good", Actor: shop,
	})

	late := s.aged(st, time.Microsecond)
	s.same("found a microsecond later", s.find(curfew.Search{Limit: 9}), []string{st.ID})
	s.same("pending a microsecond later", s.pending(curfew.Cursor{}, 9), []string(nil))
	s.misses(late, curfew.Guard{Overdue: curfew.No})
	s.same("ended a microsecond later", s.ended(batch(curfew.Credited, late)), []string{st.ID})
}
