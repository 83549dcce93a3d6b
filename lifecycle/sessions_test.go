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
		begin   func(*environment) lifecycle.Fulfillment
		liveFor time.Duration
		status  curfew.SessionStatus
		reason  curfew.EndReason
		outcome curfew.Outcome
	}{
		"never live is cancelled":            {func(env *environment) lifecycle.Fulfillment { return env.accepted("c", "p", "m") }, 0, curfew.Cancelled, curfew.ByRequest, curfew.Credited},
		"live under a minute is cancelled":   {func(env *environment) lifecycle.Fulfillment { return env.live("c", "p", "m") }, 0, curfew.Cancelled, curfew.TooShort, curfew.Credited},
		"live from a minute on is completed": {func(env *environment) lifecycle.Fulfillment { return env.live("c", "p", "m") }, time.Minute, curfew.Completed, curfew.Finished, curfew.Fulfilled},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				f := c.begin(env)
				env.Age(env, f.SessionID, c.liveFor)
				first := must(env.End(env.Context(), f.SessionID, kim))(env)
				before := env.Dump(env)
				second := must(env.End(env.Context(), f.SessionID, mia))(env)
				if first.Session != second.Session {
					env.Errorf("the second caller got %+v, the first %+v", second.Session, first.Session)
				}
				if before != env.Dump(env) {
					env.Error("the second ending changed something")
				}
				request := curfew.RequestCancelled
				if c.status == curfew.Completed {
					request = curfew.RequestCompleted
				}
				env.is(f.SessionID, c.status, c.reason, request, c.outcome)
			})
		})
	}
}

func TestEndingAtOnceHasOneWinner(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.live("c", "p", "m")
		got := make([]curfew.Snapshot, 8)
		together(len(got), func(i int) {
			by := []curfew.Actor{kim, mia, shop, admin}[i%4]
			got[i] = must(env.End(env.Context(), f.SessionID, by))(env)
		})
		for _, s := range got {
			if s.Session != got[0].Session {
				env.Errorf("one got %+v, another %+v", s.Session, got[0].Session)
			}
		}
	})
}

func TestLesson13_TheSecondJoinStartsTheClockAndALaterOneDoesNotMoveIt(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.accepted("c", "p", "m")
		alone := must(env.Join(env.Context(), f.SessionID, kim))(env)
		if alone.Status != curfew.Waiting || !alone.StartedAt.IsZero() {
			env.Errorf("one alone made it %s", alone.Status)
		}
		must(env.Join(env.Context(), f.SessionID, kim))(env)
		both := must(env.Join(env.Context(), f.SessionID, mia))(env)
		if both.Status != curfew.Live || both.StartedAt.IsZero() || both.ExpiresAt.Sub(both.StartedAt) != 45*time.Minute {
			env.Errorf("both made it %+v", both.Session)
		}
		for _, by := range []curfew.Actor{kim, mia} {
			if again := must(env.Join(env.Context(), f.SessionID, by))(env); again.Session != both.Session {
				env.Errorf("joining again made it %+v", again.Session)
			}
		}
	})
}

func TestACustomerWhoIsThereBeforeTheMechanicStaysThere(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p")
		must(env.Join(env.Context(), f.SessionID, kim))(env)
		must(env.Accept(env.Context(), f.RequestID, "m"))(env)
		if s := must(env.Join(env.Context(), f.SessionID, mia))(env); s.Status != curfew.Live {
			env.Errorf("both are in, and it is %s", s.Status)
		}
	})
}

func TestLesson14_NothingLeadsIntoAnEndedSession(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.live("c", "p", "m")
		must(env.End(env.Context(), f.SessionID, kim))(env)
		before := env.Dump(env)
		for _, by := range []curfew.Actor{kim, mia} {
			if _, err := env.Join(env.Context(), f.SessionID, by); !errors.Is(err, curfew.Conflict) {
				env.Errorf("%s joins an ended session: %v", by, err)
			}
		}
		if before != env.Dump(env) {
			env.Error("joining an ended session changed something")
		}
	})
}

func TestLesson15_CancellingSaysSuccessOnlyWhereARowChanged(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p")
		if s := must(env.Cancel(env.Context(), f.SessionID, kim))(env); s.Status != curfew.Cancelled {
			env.Errorf("cancelled is %s", s.Status)
		}
		if _, err := env.Cancel(env.Context(), "018f0000-0000-7000-8000-000000000000", admin); !errors.Is(err, curfew.NotFound) {
			env.Errorf("cancelling what is not there: %v", err)
		}
	})
}

func TestLesson11_AMechanicsCancelIsAReleaseAndKeepsSessionAndPayment(t *testing.T) {
	for sentence, give := range map[string]func(*environment, lifecycle.Fulfillment) (curfew.Snapshot, error){
		"cancel": func(env *environment, f lifecycle.Fulfillment) (curfew.Snapshot, error) {
			return env.Cancel(env.Context(), f.SessionID, mia)
		},
		"release": func(env *environment, f lifecycle.Fulfillment) (curfew.Snapshot, error) {
			return env.Release(env.Context(), f.RequestID, "m")
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				f := env.accepted("c", "p", "m")
				s := must(give(env, f))(env)
				if s.Assigned() || s.ID != f.SessionID {
					env.Errorf("released: %+v", s.Session)
				}
				env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
				must(env.Release(env.Context(), f.RequestID, "m"))(env) // a retry after a lost answer
				other := env.accepted("c2", "p2", "m")                  // his slot is free again
				if _, err := env.Release(env.Context(), other.RequestID, "m2"); !errors.Is(err, curfew.NotFound) {
					env.Errorf("another's request is released: %v", err)
				}
				must(env.Accept(env.Context(), f.RequestID, "m3"))(env)
			})
		})
	}
}

func TestAReleaseNeverMakesItWaitPastMaxWait(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.accepted("c", "p", "m")
		env.Age(env, f.SessionID, 25*time.Minute)
		s := must(env.Release(env.Context(), f.RequestID, "m"))(env)
		if wait := s.ExpiresAt.Sub(s.Now); wait < 14*time.Minute || wait > 15*time.Minute {
			env.Errorf("released after 25 minutes it waits another %s", wait)
		}
		must(env.Accept(env.Context(), f.RequestID, "m"))(env)
		env.Age(env, f.SessionID, 25*time.Minute)
		s = must(env.Release(env.Context(), f.RequestID, "m"))(env)
		if whole := s.ExpiresAt.Sub(s.CreatedAt); whole != time.Hour {
			env.Errorf("released twice it waits %s in all", whole)
		}
	})
}

func TestLesson20_ClearingEndsThroughTheSameTransitionsAndKeepsTheRecord(t *testing.T) {
	onEachStore(t, func(env *environment) {
		waiting := env.pay("c", "p1")
		would := must(env.Clear(env.Context(), kim, lifecycle.Clearing{CustomerID: "c", DryRun: true}))(env)
		if len(would.Ended) != 1 {
			env.Errorf("a dry run would end %+v", would)
		}
		env.is(waiting.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		did := must(env.Clear(env.Context(), kim, lifecycle.Clearing{CustomerID: "c"}))(env)
		if len(did.Ended) != 1 || did.Ended[0].ID != waiting.SessionID {
			env.Errorf("cleared %+v", did)
		}
		env.is(waiting.SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestCancelled, curfew.Credited)
		if again := env.pay("c", "p1"); again.SessionID != waiting.SessionID {
			env.Errorf("the provider's retry made another session: %+v", again)
		}
		live := env.live("c", "p2", "m")
		kept := must(env.Clear(env.Context(), kim, lifecycle.Clearing{CustomerID: "c"}))(env)
		if len(kept.Ended) != 0 || len(kept.Kept) != 1 {
			env.Errorf("a live session: %+v", kept)
		}
		if _, err := env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c", Force: true}); !errors.Is(err, curfew.Invalid) {
			env.Errorf("force without a reason: %v", err)
		}
		must(env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c", Force: true, Reason: "by phone"}))(env)
		env.is(live.SessionID, curfew.Cancelled, curfew.Cleared, curfew.RequestCancelled, curfew.Credited)
	})
}
