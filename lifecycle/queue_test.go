package lifecycle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

func TestLesson10_TwoMechanicsOneRequest(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for round := range 20 {
			f := env.pay(fmt.Sprint("c", round), fmt.Sprint("p", round))
			errs := make([]error, 2)
			together(2, func(i int) {
				_, errs[i] = env.Accept(env.Context(), f.RequestID, fmt.Sprint("m", round, "-", i))
			})
			winner, loser := 0, 1
			if errs[0] != nil {
				winner, loser = 1, 0
			}
			if errs[winner] != nil || !errors.Is(errs[loser], curfew.AlreadyClaimed) {
				env.Fatalf("two mechanics got %v and %v", errs[0], errs[1])
			}
			s := must(env.Session(env.Context(), f.SessionID))(env)
			if s.MechanicID != fmt.Sprint("m", round, "-", winner) || s.Version != 2 {
				env.Errorf("the winner's session is %+v", s.Session)
			}
			if _, err := env.Store.Slot(env.Context(), fmt.Sprint("m", round, "-", loser)); !errors.Is(err, curfew.NotFound) {
				env.Errorf("the loser holds a slot: %v", err)
			}
		}
	})
}

func TestLesson10_OneMechanicTwoRequests(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for round := range 20 {
			requests := []string{env.pay(fmt.Sprint("a", round), fmt.Sprint("pa", round)).RequestID, env.pay(fmt.Sprint("b", round), fmt.Sprint("pb", round)).RequestID}
			errs := make([]error, 2)
			mechanic := fmt.Sprint("m", round)
			together(2, func(i int) { _, errs[i] = env.Accept(env.Context(), requests[i], mechanic) })
			won := 0
			for i, err := range errs {
				s := must(env.Store.SessionOf(env.Context(), requests[i]))(env)
				switch {
				case err == nil:
					won++
				case !errors.Is(err, curfew.MechanicBusy):
					env.Errorf("got %v", err)
				case s.Version != 1 || s.Assigned() || s.Request.Status != curfew.Pending:
					env.Errorf("the losing side was touched: %+v", s)
				}
			}
			if won != 1 {
				env.Fatalf("one mechanic won %d requests", won)
			}
		}
	})
}

func TestLesson05_ABusyMechanicIsToldWhichSessionUntilWhen(t *testing.T) {
	onEachStore(t, func(env *environment) {
		held := env.accepted("c1", "p1", "m")
		f := env.pay("c2", "p2")
		_, err := env.Accept(env.Context(), f.RequestID, "m")
		var busy *curfew.Error
		if !errors.As(err, &busy) || busy.Kind != curfew.MechanicBusy {
			env.Fatalf("got %v", err)
		}
		s := must(env.Session(env.Context(), held.SessionID))(env)
		if busy.Blocker.Session.ID != held.SessionID || !busy.Blocker.ReleasesAt.Equal(s.ExpiresAt) {
			env.Errorf("the blocker is %+v", busy.Blocker)
		}
	})
}

func TestLesson05_AMechanicWhoseCustomerNeverCameIsFreeAgain(t *testing.T) {
	onEachStore(t, func(env *environment) {
		forgotten := env.accepted("c1", "p1", "m")
		env.Age(env, forgotten.SessionID, longAgo)
		f := env.pay("c2", "p2")
		if s := must(env.Accept(env.Context(), f.RequestID, "m"))(env); s.MechanicID != "m" {
			env.Errorf("got %+v", s)
		}
		env.is(forgotten.SessionID, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled, curfew.Credited)
	})
}

func TestALeakedSlotHealsAtTheNextAccept(t *testing.T) {
	onEachStore(t, func(env *environment) {
		ended := env.pay("c1", "p1")
		must(env.Cancel(env.Context(), ended.SessionID, shop))(env)
		env.Exec(env, "INSERT INTO "+env.Schema+"mechanic_slots (mechanic_id, customer_id, session_id) VALUES ('m', 'c1', $1)", ended.SessionID)
		anothers := env.accepted("c2", "p2", "m2")
		env.Exec(env, "INSERT INTO "+env.Schema+"mechanic_slots (mechanic_id, customer_id, session_id) VALUES ('m3', 'c2', $1)", anothers.SessionID)
		if r := env.Report(env.Context()); r.Mechanics.Leaked != 2 {
			env.Errorf("health sees %d leaked slots", r.Mechanics.Leaked)
		}
		for i, mechanic := range []string{"m", "m3"} {
			f := env.pay(fmt.Sprint("d", i), fmt.Sprint("q", i))
			must(env.Accept(env.Context(), f.RequestID, mechanic))(env)
		}
	})
}

func TestAcceptingOnesOwnAgainIsNoError(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.accepted("c", "p", "m")
		before := env.Dump(env)
		if s := must(env.Accept(env.Context(), f.RequestID, "m"))(env); s.ID != f.SessionID {
			env.Errorf("got %+v", s)
		}
		if before != env.Dump(env) {
			env.Error("accepting again changed something")
		}
	})
}

func TestAnOverdueRequestIsSettledNotAccepted(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p")
		env.Age(env, f.SessionID, longAgo)
		if queue := must(env.Pending(env.Context(), curfew.Cursor{}, 10))(env); len(queue) != 0 {
			env.Errorf("the queue shows what is overdue: %+v", queue)
		}
		if _, err := env.Accept(env.Context(), f.RequestID, "m"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("got %v", err)
		}
		env.is(f.SessionID, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited)
	})
}

func TestLesson07_ARequestLeadsToItsOwnSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		old := env.pay("c", "p1")
		must(env.Cancel(env.Context(), old.SessionID, shop))(env)
		young := env.pay("c", "p2")
		if s := must(env.Accept(env.Context(), young.RequestID, "m"))(env); s.ID != young.SessionID {
			env.Errorf("accepted session %s instead of %s", s.ID, young.SessionID)
		}
		if _, err := env.Accept(env.Context(), old.RequestID, "m2"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("the old request leads to %v", err)
		}
		if _, err := env.Accept(env.Context(), "018f0000-0000-7000-8000-000000000000", "m2"); !errors.Is(err, curfew.NotFound) {
			env.Errorf("an unknown request leads to %v", err)
		}
	})
}

func TestLesson18_TheQueueIsTrueWithoutAnyPush(t *testing.T) {
	onEachStore(t, func(env *environment) {
		var want []string
		for i := range 5 {
			want = append(want, env.pay(fmt.Sprint("c", i), fmt.Sprint("p", i)).RequestID)
		}
		var got []string
		var after curfew.Cursor
		for {
			page := must(env.Pending(env.Context(), after, 2))(env)
			if len(page) == 0 {
				break
			}
			for _, s := range page {
				got = append(got, s.Request.ID)
				after = curfew.Cursor{At: s.Request.CreatedAt, ID: s.Request.ID}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			env.Errorf("the queue is %v, want %v", got, want)
		}
	})
}

func TestNobodyWatchingTheQueueIsAFinding(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p")
		env.Age(env, f.SessionID, 10*time.Minute)
		if !found(env.Report(env.Context()), "queue_unwatched") {
			env.Error("a request waits for ten minutes, nobody looked, and health says nothing")
		}
	})
}

func TestUnassigning(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.accepted("c", "p1", "m")
		if _, err := env.Unassign(env.Context(), admin, f.SessionID, ""); !errors.Is(err, curfew.Invalid) {
			env.Errorf("without a reason: %v", err)
		}
		for range 2 {
			s := must(env.Unassign(env.Context(), admin, f.SessionID, "he is ill"))(env)
			if s.Assigned() || s.Request.Status != curfew.Pending {
				env.Errorf("it is %+v", s)
			}
		}
		env.live("d", "p2", "m") // m is free
		l := must(env.Explain(env.Context(), "d", curfew.Cursor{}))(env).Sessions[0]
		if _, err := env.Unassign(env.Context(), admin, l.ID, "x"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("a live one: %v", err)
		}
	})
}
