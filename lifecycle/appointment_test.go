package lifecycle_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// appointed is a purchase of a session that starts so far from now.
func (env *environment) appointed(customer, ref string, in time.Duration) lifecycle.Purchase {
	p := env.purchase(customer, ref)
	at := time.Now().Add(in)
	p.StartsAt = &at
	return p
}

// book is a paid appointment that starts so far from now.
func (env *environment) book(customer, ref string, in time.Duration) lifecycle.Fulfillment {
	env.Helper()
	return must(env.FulfillCheckout(env.Context(), shop, env.appointed(customer, ref, in)))(env)
}

// due is a paid appointment that started a moment ago.
func (env *environment) due(customer, ref string) lifecycle.Fulfillment {
	env.Helper()
	f := env.book(customer, ref, time.Hour)
	env.Age(env, f.SessionID, time.Hour+time.Second)
	return f
}

// status is where a session stands now.
func (env *environment) status(id string) curfew.SessionStatus {
	env.Helper()
	return must(env.Session(env.Context(), id))(env).Status
}

func TestAnAppointmentIsBookedBesideTheSlot(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.book("c", "p1", 48*time.Hour)
		if f.Outcome != curfew.Fulfilled || f.Replayed || f.SessionID == "" || f.RequestID != "" || f.Kind != curfew.Chat {
			env.Errorf("got %+v", f)
		}
		env.is(f.SessionID, curfew.Scheduled, "", "", curfew.Fulfilled)
		if b := must(env.CheckCustomerSessionStatus(env.Context(), "c"))(env); b != nil {
			env.Errorf("it holds the slot: %+v", b)
		}
		if now := env.pay("c", "p2"); now.Outcome != curfew.Fulfilled {
			env.Errorf("a session today is %+v", now)
		}
		if again := env.book("c", "p1", 48*time.Hour); !again.Replayed || again.SessionID != f.SessionID {
			env.Errorf("reported again it is %+v", again)
		}
		if must(env.Sweep(env.Context()))(env) != (curfew.Stats{}) || env.status(f.SessionID) != curfew.Scheduled {
			env.Error("the sweep touched it before its start")
		}
	})
}

func TestAStartMustLieAheadButARetryMayComeLate(t *testing.T) {
	onEachStore(t, func(env *environment) {
		before := env.Dump(env)
		for word, in := range map[string]time.Duration{"passed": -time.Second, "year": 367 * 24 * time.Hour} {
			_, err := env.FulfillCheckout(env.Context(), shop, env.appointed("c", "p1", in))
			if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), word) {
				env.Errorf("%s: %v", word, err)
			}
		}
		if before != env.Dump(env) {
			env.Error("a refused appointment changed something")
		}
		f := env.book("c", "p1", time.Hour)
		must(env.Cancel(env.Context(), f.SessionID, kim))(env)
		if late := env.book("c", "p1", -longAgo); !late.Replayed || late.SessionID != f.SessionID || late.Outcome != curfew.Forfeited {
			env.Errorf("a late retry is %+v", late)
		}
		if _, err := env.FulfillCheckout(env.Context(), shop, env.appointed("d", "p1", time.Hour)); !errors.Is(err, curfew.IdempotencyMismatch) {
			env.Errorf("for another customer: %v", err)
		}
	})
}

func TestAppointmentsReportedAtOnceAreOne(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := env.appointed("c", "p1", time.Hour)
		got := make([]lifecycle.Fulfillment, 8)
		together(len(got), func(i int) { got[i] = must(env.FulfillCheckout(env.Context(), shop, p))(env) })
		for _, f := range got {
			if f.SessionID != got[0].SessionID {
				env.Errorf("one got %+v, another %+v", f, got[0])
			}
		}
	})
}

func TestLesson07_NextWeeksAppointmentIsNeverPickedForTodaysRequest(t *testing.T) {
	onEachStore(t, func(env *environment) {
		next := env.book("c", "p1", 7*24*time.Hour)
		today := env.accepted("c", "p2", "m")
		s := must(env.Join(env.Context(), today.SessionID, kim))(env)
		if s.ID != today.SessionID || s.Request.ID != today.RequestID {
			env.Errorf("today's request leads to %+v", s)
		}
		if _, err := env.Join(env.Context(), next.SessionID, kim); !errors.Is(err, curfew.Conflict) {
			env.Errorf("next week's can be joined today: %v", err)
		}
		env.is(next.SessionID, curfew.Scheduled, "", "", curfew.Fulfilled)
	})
}

func TestAnAppointmentBeginsAtItsStart(t *testing.T) {
	for who, look := range map[string]func(*environment, lifecycle.Fulfillment){
		"the sweeper":     func(env *environment, _ lifecycle.Fulfillment) { must(env.Sweep(env.Context()))(env) },
		"a cleanup":       func(env *environment, _ lifecycle.Fulfillment) { must(env.RunCleanup(env.Context(), byHand))(env) },
		"its customer":    func(env *environment, f lifecycle.Fulfillment) { must(env.Join(env.Context(), f.SessionID, kim))(env) },
		"the next report": func(env *environment, _ lifecycle.Fulfillment) { env.book("c", "p1", -time.Second) },
		"the slot's end": func(env *environment, _ lifecycle.Fulfillment) {
			must(env.End(env.Context(), env.pay("c", "p2").SessionID, kim))(env)
		},
		"a stored preview": execute,
	} {
		t.Run(who, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				f := env.due("c", "p1")
				look(env, f)
				env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
				s := must(env.Session(env.Context(), f.SessionID))(env)
				if left := s.ExpiresAt.Sub(s.Now); left < 14*time.Minute || left > 15*time.Minute {
					env.Errorf("it waits for %s", left)
				}
				queue := must(env.Pending(env.Context(), curfew.Cursor{}, 9))(env)
				if len(queue) != 1 || queue[0].ID != f.SessionID || queue[0].Request.CustomerName != "Kim" {
					env.Errorf("the queue shows %+v", queue)
				}
			})
		})
	}
}

// execute stores a preview of everything, looks at it, and executes it.
func execute(env *environment, f lifecycle.Fulfillment) {
	env.Helper()
	p := must(env.StorePreview(env.Context(), byHand))(env)
	if len(p.Items) != 1 || p.Items[0].Rule != curfew.Due || p.Items[0].SessionID != f.SessionID || p.Stats().TotalCleaned != 0 {
		env.Errorf("the preview is %+v", p)
	}
	run, drifted, err := env.ExecutePreview(env.Context(), p.ID, byHand)
	if err != nil || len(drifted) != 0 || run.Stats != (curfew.Stats{}) {
		env.Errorf("executed %+v, %+v, %v", run, drifted, err)
	}
}

func TestAReleasedAppointmentWaitsAnew(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.due("c", "p1")
		must(env.Sweep(env.Context()))(env)
		s := must(env.Session(env.Context(), f.SessionID))(env)
		must(env.Accept(env.Context(), s.Request.ID, "m"))(env)
		s = must(env.Release(env.Context(), s.Request.ID, "m"))(env)
		if left := s.ExpiresAt.Sub(s.Now); left < 14*time.Minute {
			env.Errorf("released it waits for %s", left)
		}
	})
}

func TestSweepsAtOnceBeginAnAppointmentOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.due("c", "p1")
		together(4, func(int) { must(env.Sweep(env.Context()))(env) })
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		if rows := env.Query(env, "SELECT count(*) FROM "+env.Schema+"session_requests"); rows[0][0] != "1" {
			env.Errorf("it has %s requests", rows[0][0])
		}
	})
}

func TestARuleThatIsOffLetsNoAppointmentBegin(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.Off = []curfew.RuleName{curfew.Due} }, func(env *environment) {
		f := env.due("c", "p1")
		must(env.Sweep(env.Context()))(env)
		if env.status(f.SessionID) != curfew.Scheduled {
			env.Error("the sweep let it begin")
		}
		if r := env.Report(env.Context()); found(r, lifecycle.OverdueScheduled) {
			env.Errorf("health complains after a second: %+v", r.Findings)
		}
		env.Age(env, f.SessionID, time.Minute)
		if r := env.Report(env.Context()); !found(r, lifecycle.OverdueScheduled) {
			env.Errorf("health finds %+v", r.Findings)
		}
		must(env.Join(env.Context(), f.SessionID, kim))(env)
		env.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
	})
}

func TestLesson15_CancellingAnAppointmentChangesItAndItsPayment(t *testing.T) {
	for sentence, test := range map[string]struct {
		before  time.Duration
		outcome curfew.Outcome
		refund  int64
	}{
		"a day before all is given back":          {25 * time.Hour, curfew.RefundDue, 2900},
		"hours before half is given back":         {3 * time.Hour, curfew.RefundDue, 1450},
		"at the last moment nothing is":           {time.Hour, curfew.Forfeited, 0},
		"after its start the policy is the usual": {-time.Second, curfew.Credited, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				f := env.book("c", "p1", 48*time.Hour)
				env.Age(env, f.SessionID, 48*time.Hour-test.before)
				for range 2 {
					if s := must(env.Cancel(env.Context(), f.SessionID, kim))(env); s.Status != curfew.Cancelled || s.EndReason != curfew.ByRequest {
						env.Errorf("it said %s (%s)", s.Status, s.EndReason)
					}
				}
				c := must(env.OfCustomer(env.Context(), "c"))(env)[0]
				if c.Outcome != test.outcome || c.RefundAmount != test.refund || c.Version != 2 {
					env.Errorf("its payment is %s, %d to be given back, version %d", c.Outcome, c.RefundAmount, c.Version)
				}
			})
		})
	}
}

func TestClearingLeavesAppointments(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for _, f := range []lifecycle.Fulfillment{env.book("c", "p1", time.Hour), env.due("c", "p2")} {
			cleared := must(env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(env)
			if len(cleared.Ended) != 0 || env.status(f.SessionID) != curfew.Scheduled {
				env.Errorf("cleared %+v", cleared)
			}
		}
	})
}
