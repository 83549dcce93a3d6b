package lifecycle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

func TestLesson10_TwoMechanicsOneRequest(t *testing.T) {
	worlds(t, func(w *world) {
		for round := range 20 {
			f := w.pay(fmt.Sprint("c", round), fmt.Sprint("p", round))
			errs := make([]error, 2)
			together(2, func(i int) {
				_, errs[i] = w.Accept(w.Context(), f.RequestID, fmt.Sprint("m", round, "-", i))
			})
			winner, loser := 0, 1
			if errs[0] != nil {
				winner, loser = 1, 0
			}
			if errs[winner] != nil || !errors.Is(errs[loser], curfew.AlreadyClaimed) {
				w.Fatalf("two mechanics got %v and %v", errs[0], errs[1])
			}
			s := must(w.Session(w.Context(), f.SessionID))(w)
			if s.MechanicID != fmt.Sprint("m", round, "-", winner) || s.Version != 2 {
				w.Errorf("the winner's session is %+v", s.Session)
			}
			if _, err := w.Store.Slot(w.Context(), fmt.Sprint("m", round, "-", loser)); !errors.Is(err, curfew.NotFound) {
				w.Errorf("the loser holds a slot: %v", err)
			}
		}
	})
}

func TestLesson10_OneMechanicTwoRequests(t *testing.T) {
	worlds(t, func(w *world) {
		for round := range 20 {
			requests := []string{w.pay(fmt.Sprint("a", round), fmt.Sprint("pa", round)).RequestID, w.pay(fmt.Sprint("b", round), fmt.Sprint("pb", round)).RequestID}
			errs := make([]error, 2)
			mechanic := fmt.Sprint("m", round)
			together(2, func(i int) { _, errs[i] = w.Accept(w.Context(), requests[i], mechanic) })
			won := 0
			for i, err := range errs {
				s := must(w.Store.SessionOf(w.Context(), requests[i]))(w)
				switch {
				case err == nil:
					won++
				case !errors.Is(err, curfew.MechanicBusy):
					w.Errorf("got %v", err)
				case s.Version != 1 || s.Assigned() || s.Request.Status != curfew.Pending:
					w.Errorf("the losing side was touched: %+v", s)
				}
			}
			if won != 1 {
				w.Fatalf("one mechanic won %d requests", won)
			}
		}
	})
}

func TestLesson05_ABusyMechanicIsToldWhichSessionUntilWhen(t *testing.T) {
	worlds(t, func(w *world) {
		held := w.accepted("c1", "p1", "m")
		f := w.pay("c2", "p2")
		_, err := w.Accept(w.Context(), f.RequestID, "m")
		var busy *curfew.Error
		if !errors.As(err, &busy) || busy.Kind != curfew.MechanicBusy {
			w.Fatalf("got %v", err)
		}
		s := must(w.Session(w.Context(), held.SessionID))(w)
		if busy.Blocker.Session.ID != held.SessionID || !busy.Blocker.ReleasesAt.Equal(s.ExpiresAt) {
			w.Errorf("the blocker is %+v", busy.Blocker)
		}
	})
}

func TestLesson05_AMechanicWhoseCustomerNeverCameIsFreeAgain(t *testing.T) {
	worlds(t, func(w *world) {
		forgotten := w.accepted("c1", "p1", "m")
		w.Age(w, forgotten.SessionID, longAgo)
		f := w.pay("c2", "p2")
		if s := must(w.Accept(w.Context(), f.RequestID, "m"))(w); s.MechanicID != "m" {
			w.Errorf("got %+v", s)
		}
		w.is(forgotten.SessionID, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled, curfew.Credited)
	})
}

func TestALeakedSlotHealsAtTheNextAccept(t *testing.T) {
	worlds(t, func(w *world) {
		ended := w.pay("c1", "p1")
		must(w.Cancel(w.Context(), ended.SessionID, shop))(w)
		w.Exec(w, "INSERT INTO "+w.Schema+"mechanic_slots (mechanic_id, customer_id, session_id) VALUES ('m', 'c1', $1)", ended.SessionID)
		anothers := w.accepted("c2", "p2", "m2")
		w.Exec(w, "INSERT INTO "+w.Schema+"mechanic_slots (mechanic_id, customer_id, session_id) VALUES ('m3', 'c2', $1)", anothers.SessionID)
		if r := w.Report(w.Context()); r.Mechanics.Leaked != 2 {
			w.Errorf("health sees %d leaked slots", r.Mechanics.Leaked)
		}
		for i, mechanic := range []string{"m", "m3"} {
			f := w.pay(fmt.Sprint("d", i), fmt.Sprint("q", i))
			must(w.Accept(w.Context(), f.RequestID, mechanic))(w)
		}
	})
}

func TestAcceptingOnesOwnAgainIsNoError(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.accepted("c", "p", "m")
		before := w.dump()
		if s := must(w.Accept(w.Context(), f.RequestID, "m"))(w); s.ID != f.SessionID {
			w.Errorf("got %+v", s)
		}
		if before != w.dump() {
			w.Error("accepting again changed something")
		}
	})
}

func TestAnOverdueRequestIsSettledNotAccepted(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p")
		w.Age(w, f.SessionID, longAgo)
		if queue := must(w.Pending(w.Context(), curfew.Cursor{}, 10))(w); len(queue) != 0 {
			w.Errorf("the queue shows what is overdue: %+v", queue)
		}
		if _, err := w.Accept(w.Context(), f.RequestID, "m"); !errors.Is(err, curfew.Conflict) {
			w.Errorf("got %v", err)
		}
		w.is(f.SessionID, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited)
	})
}

func TestLesson07_ARequestLeadsToItsOwnSession(t *testing.T) {
	worlds(t, func(w *world) {
		old := w.pay("c", "p1")
		must(w.Cancel(w.Context(), old.SessionID, shop))(w)
		young := w.pay("c", "p2")
		if s := must(w.Accept(w.Context(), young.RequestID, "m"))(w); s.ID != young.SessionID {
			w.Errorf("accepted session %s instead of %s", s.ID, young.SessionID)
		}
		if _, err := w.Accept(w.Context(), old.RequestID, "m2"); !errors.Is(err, curfew.Conflict) {
			w.Errorf("the old request leads to %v", err)
		}
		if _, err := w.Accept(w.Context(), "018f0000-0000-7000-8000-000000000000", "m2"); !errors.Is(err, curfew.NotFound) {
			w.Errorf("an unknown request leads to %v", err)
		}
	})
}

func TestLesson18_TheQueueIsTrueWithoutAnyPush(t *testing.T) {
	worlds(t, func(w *world) {
		var want []string
		for i := range 5 {
			want = append(want, w.pay(fmt.Sprint("c", i), fmt.Sprint("p", i)).RequestID)
		}
		var got []string
		var after curfew.Cursor
		for {
			page := must(w.Pending(w.Context(), after, 2))(w)
			if len(page) == 0 {
				break
			}
			for _, s := range page {
				got = append(got, s.Request.ID)
				after = curfew.Cursor{At: s.Request.CreatedAt, ID: s.Request.ID}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			w.Errorf("the queue is %v, want %v", got, want)
		}
	})
}

func TestNobodyWatchingTheQueueIsAFinding(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p")
		w.Age(w, f.SessionID, 10*time.Minute)
		if !found(w.Report(w.Context()), "queue_unwatched") {
			w.Error("a request waits for ten minutes, nobody looked, and health says nothing")
		}
	})
}

func TestUnassigning(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.accepted("c", "p1", "m")
		if _, err := w.Unassign(w.Context(), admin, f.SessionID, ""); !errors.Is(err, curfew.Invalid) {
			w.Errorf("without a reason: %v", err)
		}
		for range 2 {
			s := must(w.Unassign(w.Context(), admin, f.SessionID, "he is ill"))(w)
			if s.Assigned() || s.Request.Status != curfew.Pending {
				w.Errorf("it is %+v", s)
			}
		}
		w.live("d", "p2", "m") // m is free
		l := w.explain("d").Sessions[0]
		if _, err := w.Unassign(w.Context(), admin, l.ID, "x"); !errors.Is(err, curfew.Conflict) {
			w.Errorf("a live one: %v", err)
		}
	})
}
