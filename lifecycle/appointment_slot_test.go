package lifecycle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

func TestATakenSlotLeavesAnAppointmentASecondChance(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.due("c", "p1")
		blocker := env.live("c", "p2", "m")
		if p := must(env.Preview(env.Context(), byHand))(env); len(p.Items) != 1 || p.Items[0].Rule != curfew.Due {
			env.Errorf("the preview is %+v", p.Items)
		}
		if stats := must(env.Sweep(env.Context()))(env); stats != (curfew.Stats{}) {
			env.Errorf("swept %+v", stats)
		}
		s := must(env.Session(env.Context(), f.SessionID))(env)
		if s.Status != curfew.Scheduled || !s.ExpiresAt.Equal(s.StartsAt.Add(15*time.Minute)) {
			env.Fatalf("it is %+v", s.Session)
		}
		for range 3 {
			must(env.Sweep(env.Context()))(env)
		}
		events := must(env.Events(env.Context(), s.Session))(env)
		if last := events[len(events)-1]; len(events) != 2 || last.From != "scheduled" || last.To != "scheduled" || last.Reason != "the slot is taken" {
			env.Errorf("its history is %+v", events)
		}
		must(env.End(env.Context(), blocker.SessionID, kim))(env)
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}

func TestAnAppointmentWhoseSlotStaysTakenIsMissed(t *testing.T) {
	for who, look := range map[string]func(*environment, string){
		"the sweeper": func(env *environment, _ string) {
			p := must(env.Preview(env.Context(), byHand))(env)
			want := curfew.Stats{ScheduledMissed: 1, TotalCleaned: 1}
			if stats := must(env.Sweep(env.Context()))(env); stats != want || p.Stats() != want {
				env.Errorf("previewed %+v, swept %+v", p.Stats(), stats)
			}
		},
		"its customer": func(env *environment, id string) {
			if _, err := env.Join(env.Context(), id, kim); !errors.Is(err, curfew.Conflict) {
				env.Errorf("a missed appointment was joined: %v", err)
			}
		},
	} {
		t.Run(who, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				f := env.due("c", "p1")
				env.live("c", "p2", "m")
				must(env.Sweep(env.Context()))(env)
				env.Age(env, f.SessionID, 16*time.Minute)
				look(env, f.SessionID)
				env.is(f.SessionID, curfew.Cancelled, curfew.Missed, "", curfew.Credited)
				if stats := must(env.Sweep(env.Context()))(env); stats != (curfew.Stats{}) {
					env.Errorf("swept again: %+v", stats)
				}
			})
		})
	}
}

func TestAPostponedAppointmentTakesTheSlotThatIsFreeByThen(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.due("c", "p1")
		blocker := env.pay("c", "p2")
		must(env.Sweep(env.Context()))(env)
		env.Age(env, f.SessionID, 16*time.Minute)
		env.Age(env, blocker.SessionID, 16*time.Minute)
		p := must(env.Preview(env.Context(), byHand))(env)
		want := curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, TotalCleaned: 2}
		if run := must(env.RunCleanup(env.Context(), byHand))(env); run.Stats != want || p.Stats() != want {
			env.Errorf("previewed %+v, cleaned %+v", p.Stats(), run.Stats)
		}
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		env.is(blocker.SessionID, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited)
	})
}

func TestWithoutGraceThereIsStillASecondLook(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.ScheduledGrace = 0 }, func(env *environment) {
		f := env.due("c", "p1")
		env.live("c", "p2", "m")
		must(env.Sweep(env.Context()))(env)
		must(env.Sweep(env.Context()))(env)
		env.is(f.SessionID, curfew.Cancelled, curfew.Missed, "", curfew.Credited)
	})
}

func TestAppointmentsGoBeforeDeferredPayments(t *testing.T) {
	onEachStore(t, func(env *environment) {
		blocker := env.pay("c", "p1")
		deferred := env.pay("c", "p2")
		f := env.due("c", "p3")
		must(env.End(env.Context(), blocker.SessionID, kim))(env)
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		if again := env.pay("c", "p2"); deferred.Outcome != curfew.Deferred || again.Outcome != curfew.Deferred {
			env.Errorf("the deferred payment went first: %+v", again)
		}
	})
}

func TestANewPaymentThatFindsTheSlotFreeTakesIt(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.due("c", "p1")
		if now := env.pay("c", "p2"); now.Outcome != curfew.Fulfilled || now.SessionID == f.SessionID {
			env.Errorf("got %+v", now)
		}
		if env.status(f.SessionID) != curfew.Scheduled {
			env.Error("both have the slot")
		}
	})
}

func TestAnAppointmentAndAPaymentAtOnceAreOneOpenSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for i := range 20 {
			customer := fmt.Sprint("c", i)
			f := env.due(customer, fmt.Sprint("p", i))
			together(2, func(who int) {
				if who == 0 {
					must(env.Sweep(env.Context()))(env)
				} else {
					env.pay(customer, fmt.Sprint("q", i))
				}
			})
			if s := must(env.Session(env.Context(), f.SessionID))(env); s.Status == curfew.Waiting != (env.pay(customer, fmt.Sprint("q", i)).Outcome == curfew.Deferred) {
				env.Errorf("the appointment is %s", s.Status)
			}
		}
	})
}
