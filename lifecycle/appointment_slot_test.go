package lifecycle_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

func TestATakenSlotLeavesAnAppointmentASecondChance(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.due("c", "p1")
		blocker := w.live("c", "p2", "m")
		if p := must(w.Preview(w.Context(), byHand))(w); len(p.Items) != 1 || p.Items[0].Rule != curfew.Due {
			w.Errorf("the preview is %+v", p.Items)
		}
		if stats := must(w.Sweep(w.Context()))(w); stats != (curfew.Stats{}) {
			w.Errorf("swept %+v", stats)
		}
		s := must(w.Session(w.Context(), f.SessionID))(w)
		if s.Status != curfew.Scheduled || !s.ExpiresAt.Equal(s.StartsAt.Add(15*time.Minute)) {
			w.Fatalf("it is %+v", s.Session)
		}
		for range 3 {
			must(w.Sweep(w.Context()))(w)
		}
		events := must(w.Events(w.Context(), s.Session))(w)
		if last := events[len(events)-1]; len(events) != 2 || last.From != "scheduled" || last.To != "scheduled" || last.Reason != "the slot is taken" {
			w.Errorf("its history is %+v", events)
		}
		must(w.End(w.Context(), blocker.SessionID, kim))(w)
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}

func TestAnAppointmentWhoseSlotStaysTakenIsMissed(t *testing.T) {
	for who, look := range map[string]func(*world, string){
		"the sweeper": func(w *world, _ string) {
			p := must(w.Preview(w.Context(), byHand))(w)
			want := curfew.Stats{ScheduledMissed: 1, TotalCleaned: 1}
			if stats := must(w.Sweep(w.Context()))(w); stats != want || p.Stats() != want {
				w.Errorf("previewed %+v, swept %+v", p.Stats(), stats)
			}
		},
		"its customer": func(w *world, id string) {
			if _, err := w.Join(w.Context(), id, kim); !errors.Is(err, curfew.Conflict) {
				w.Errorf("a missed appointment was joined: %v", err)
			}
		},
	} {
		t.Run(who, func(t *testing.T) {
			worlds(t, func(w *world) {
				f := w.due("c", "p1")
				w.live("c", "p2", "m")
				must(w.Sweep(w.Context()))(w)
				w.Age(w, f.SessionID, 16*time.Minute)
				look(w, f.SessionID)
				w.is(f.SessionID, curfew.Cancelled, curfew.Missed, "", curfew.Credited)
				if stats := must(w.Sweep(w.Context()))(w); stats != (curfew.Stats{}) {
					w.Errorf("swept again: %+v", stats)
				}
			})
		})
	}
}

func TestAPostponedAppointmentTakesTheSlotThatIsFreeByThen(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.due("c", "p1")
		blocker := w.pay("c", "p2")
		must(w.Sweep(w.Context()))(w)
		w.Age(w, f.SessionID, 16*time.Minute)
		w.Age(w, blocker.SessionID, 16*time.Minute)
		p := must(w.Preview(w.Context(), byHand))(w)
		want := curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, TotalCleaned: 2}
		if run := must(w.RunCleanup(w.Context(), byHand))(w); run.Stats != want || p.Stats() != want {
			w.Errorf("previewed %+v, cleaned %+v", p.Stats(), run.Stats)
		}
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		w.is(blocker.SessionID, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited)
	})
}

func TestWithoutGraceThereIsStillASecondLook(t *testing.T) {
	worldsWith(t, func(p *curfew.Policy) { p.ScheduledGrace = 0 }, func(w *world) {
		f := w.due("c", "p1")
		w.live("c", "p2", "m")
		must(w.Sweep(w.Context()))(w)
		must(w.Sweep(w.Context()))(w)
		w.is(f.SessionID, curfew.Cancelled, curfew.Missed, "", curfew.Credited)
	})
}

func TestAppointmentsGoBeforeDeferredPayments(t *testing.T) {
	worlds(t, func(w *world) {
		blocker := w.pay("c", "p1")
		deferred := w.pay("c", "p2")
		f := w.due("c", "p3")
		must(w.End(w.Context(), blocker.SessionID, kim))(w)
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		if again := w.pay("c", "p2"); deferred.Outcome != curfew.Deferred || again.Outcome != curfew.Deferred {
			w.Errorf("the deferred payment went first: %+v", again)
		}
	})
}

func TestANewPaymentThatFindsTheSlotFreeTakesIt(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.due("c", "p1")
		if now := w.pay("c", "p2"); now.Outcome != curfew.Fulfilled || now.SessionID == f.SessionID {
			w.Errorf("got %+v", now)
		}
		if w.status(f.SessionID) != curfew.Scheduled {
			w.Error("both have the slot")
		}
	})
}

func TestAnAppointmentAndAPaymentAtOnceAreOneOpenSession(t *testing.T) {
	worlds(t, func(w *world) {
		for i := range 20 {
			customer := fmt.Sprint("c", i)
			f := w.due(customer, fmt.Sprint("p", i))
			together(2, func(who int) {
				if who == 0 {
					must(w.Sweep(w.Context()))(w)
				} else {
					w.pay(customer, fmt.Sprint("q", i))
				}
			})
			if s := must(w.Session(w.Context(), f.SessionID))(w); s.Status == curfew.Waiting != (w.pay(customer, fmt.Sprint("q", i)).Outcome == curfew.Deferred) {
				w.Errorf("the appointment is %s", s.Status)
			}
		}
	})
}
