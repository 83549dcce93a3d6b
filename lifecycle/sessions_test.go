package lifecycle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

var (
	kim = curfew.Actor{Role: curfew.Customer, ID: "c"}
	mia = curfew.Actor{Role: curfew.Mechanic, ID: "m"}
)

func TestLesson12_EndingTwiceIsOneEnding(t *testing.T) {
	for sentence, c := range map[string]struct {
		begin   func(*world) lifecycle.Fulfillment
		liveFor time.Duration
		status  curfew.SessionStatus
		reason  curfew.EndReason
		outcome curfew.Outcome
	}{
		"never live is cancelled":            {func(w *world) lifecycle.Fulfillment { return w.accepted("c", "p", "m") }, 0, curfew.Cancelled, curfew.ByRequest, curfew.Credited},
		"live under a minute is cancelled":   {func(w *world) lifecycle.Fulfillment { return w.live("c", "p", "m") }, 0, curfew.Cancelled, curfew.TooShort, curfew.Credited},
		"live from a minute on is completed": {func(w *world) lifecycle.Fulfillment { return w.live("c", "p", "m") }, time.Minute, curfew.Completed, curfew.Finished, curfew.Fulfilled},
	} {
		t.Run(sentence, func(t *testing.T) {
			worlds(t, func(w *world) {
				f := c.begin(w)
				w.Age(w, f.SessionID, c.liveFor)
				first := must(w.End(w.Context(), f.SessionID, kim))(w)
				before := w.dump()
				second := must(w.End(w.Context(), f.SessionID, mia))(w)
				if first.Session != second.Session {
					w.Errorf("the second caller got %+v, the first %+v", second.Session, first.Session)
				}
				if before != w.dump() {
					w.Error("the second ending changed something")
				}
				request := curfew.RequestCancelled
				if c.status == curfew.Completed {
					request = curfew.RequestCompleted
				}
				w.is(f.SessionID, c.status, c.reason, request, c.outcome)
			})
		})
	}
}

func TestEndingAtOnceHasOneWinner(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.live("c", "p", "m")
		got := make([]curfew.Snapshot, 8)
		together(len(got), func(i int) {
			by := []curfew.Actor{kim, mia, shop, admin}[i%4]
			got[i] = must(w.End(w.Context(), f.SessionID, by))(w)
		})
		for _, s := range got {
			if s.Session != got[0].Session {
				w.Errorf("one got %+v, another %+v", s.Session, got[0].Session)
			}
		}
	})
}

func TestLesson13_TheSecondJoinStartsTheClockAndALaterOneDoesNotMoveIt(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.accepted("c", "p", "m")
		alone := must(w.Join(w.Context(), f.SessionID, kim))(w)
		if alone.Status != curfew.Waiting || !alone.StartedAt.IsZero() {
			w.Errorf("one alone made it %s", alone.Status)
		}
		must(w.Join(w.Context(), f.SessionID, kim))(w)
		both := must(w.Join(w.Context(), f.SessionID, mia))(w)
		if both.Status != curfew.Live || both.StartedAt.IsZero() || both.ExpiresAt.Sub(both.StartedAt) != 45*time.Minute {
			w.Errorf("both made it %+v", both.Session)
		}
		for _, by := range []curfew.Actor{kim, mia} {
			if again := must(w.Join(w.Context(), f.SessionID, by))(w); again.Session != both.Session {
				w.Errorf("joining again made it %+v", again.Session)
			}
		}
	})
}

func TestACustomerWhoIsThereBeforeTheMechanicStaysThere(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p")
		must(w.Join(w.Context(), f.SessionID, kim))(w)
		must(w.Accept(w.Context(), f.RequestID, "m"))(w)
		if s := must(w.Join(w.Context(), f.SessionID, mia))(w); s.Status != curfew.Live {
			w.Errorf("both are in, and it is %s", s.Status)
		}
	})
}

func TestLesson14_NothingLeadsIntoAnEndedSession(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.live("c", "p", "m")
		must(w.End(w.Context(), f.SessionID, kim))(w)
		before := w.dump()
		for _, by := range []curfew.Actor{kim, mia} {
			if _, err := w.Join(w.Context(), f.SessionID, by); !errors.Is(err, curfew.Conflict) {
				w.Errorf("%s joins an ended session: %v", by, err)
			}
		}
		if before != w.dump() {
			w.Error("joining an ended session changed something")
		}
	})
}

func TestLesson15_CancellingSaysSuccessOnlyWhereARowChanged(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p")
		if s := must(w.Cancel(w.Context(), f.SessionID, kim))(w); s.Status != curfew.Cancelled {
			w.Errorf("cancelled is %s", s.Status)
		}
		if _, err := w.Cancel(w.Context(), "018f0000-0000-7000-8000-000000000000", admin); !errors.Is(err, curfew.NotFound) {
			w.Errorf("cancelling what is not there: %v", err)
		}
	})
}

func TestLesson11_AMechanicsCancelIsAReleaseAndKeepsSessionAndPayment(t *testing.T) {
	for sentence, give := range map[string]func(*world, lifecycle.Fulfillment) (curfew.Snapshot, error){
		"cancel": func(w *world, f lifecycle.Fulfillment) (curfew.Snapshot, error) {
			return w.Cancel(w.Context(), f.SessionID, mia)
		},
		"release": func(w *world, f lifecycle.Fulfillment) (curfew.Snapshot, error) {
			return w.Release(w.Context(), f.RequestID, "m")
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			worlds(t, func(w *world) {
				f := w.accepted("c", "p", "m")
				s := must(give(w, f))(w)
				if s.Assigned() || s.ID != f.SessionID {
					w.Errorf("released: %+v", s.Session)
				}
				w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
				must(w.Release(w.Context(), f.RequestID, "m"))(w) // a retry after a lost answer
				other := w.accepted("c2", "p2", "m")              // his slot is free again
				if _, err := w.Release(w.Context(), other.RequestID, "m2"); !errors.Is(err, curfew.NotFound) {
					w.Errorf("another's request is released: %v", err)
				}
				must(w.Accept(w.Context(), f.RequestID, "m3"))(w)
			})
		})
	}
}

func TestAReleaseNeverMakesItWaitPastMaxWait(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.accepted("c", "p", "m")
		w.Age(w, f.SessionID, 25*time.Minute)
		s := must(w.Release(w.Context(), f.RequestID, "m"))(w)
		if wait := s.ExpiresAt.Sub(s.Now); wait < 14*time.Minute || wait > 15*time.Minute {
			w.Errorf("released after 25 minutes it waits another %s", wait)
		}
		must(w.Accept(w.Context(), f.RequestID, "m"))(w)
		w.Age(w, f.SessionID, 25*time.Minute)
		s = must(w.Release(w.Context(), f.RequestID, "m"))(w)
		if whole := s.ExpiresAt.Sub(s.CreatedAt); whole != time.Hour {
			w.Errorf("released twice it waits %s in all", whole)
		}
	})
}

func TestLesson20_ClearingEndsThroughTheSameTransitionsAndKeepsTheRecord(t *testing.T) {
	worlds(t, func(w *world) {
		waiting := w.pay("c", "p1")
		would := must(w.Clear(w.Context(), kim, lifecycle.Clearing{CustomerID: "c", DryRun: true}))(w)
		if len(would.Ended) != 1 {
			w.Errorf("a dry run would end %+v", would)
		}
		w.is(waiting.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		did := must(w.Clear(w.Context(), kim, lifecycle.Clearing{CustomerID: "c"}))(w)
		if len(did.Ended) != 1 || did.Ended[0].ID != waiting.SessionID {
			w.Errorf("cleared %+v", did)
		}
		w.is(waiting.SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestCancelled, curfew.Credited)
		if again := w.pay("c", "p1"); again.SessionID != waiting.SessionID {
			w.Errorf("the provider's retry made another session: %+v", again)
		}
		live := w.live("c", "p2", "m")
		kept := must(w.Clear(w.Context(), kim, lifecycle.Clearing{CustomerID: "c"}))(w)
		if len(kept.Ended) != 0 || len(kept.Kept) != 1 {
			w.Errorf("a live session: %+v", kept)
		}
		if _, err := w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: "c", Force: true}); !errors.Is(err, curfew.Invalid) {
			w.Errorf("force without a reason: %v", err)
		}
		must(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: "c", Force: true, Reason: "by phone"}))(w)
		w.is(live.SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestCancelled, curfew.Credited)
	})
}
