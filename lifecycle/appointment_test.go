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
func (w *world) appointed(customer, ref string, in time.Duration) lifecycle.Purchase {
	p := w.purchase(customer, ref)
	at := time.Now().Add(in)
	p.StartsAt = &at
	return p
}

// book is a paid appointment that starts so far from now.
func (w *world) book(customer, ref string, in time.Duration) lifecycle.Fulfillment {
	w.Helper()
	return must(w.FulfillCheckout(w.Context(), shop, w.appointed(customer, ref, in)))(w)
}

// due is a paid appointment that started a moment ago.
func (w *world) due(customer, ref string) lifecycle.Fulfillment {
	w.Helper()
	f := w.book(customer, ref, time.Hour)
	w.Age(w, f.SessionID, time.Hour+time.Second)
	return f
}

// status is where a session stands now.
func (w *world) status(id string) curfew.SessionStatus {
	w.Helper()
	return must(w.Session(w.Context(), id))(w).Status
}

func TestAnAppointmentIsBookedBesideTheSlot(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.book("c", "p1", 48*time.Hour)
		if f.Outcome != curfew.Fulfilled || f.Replayed || f.SessionID == "" || f.RequestID != "" || f.Kind != curfew.Chat {
			w.Errorf("got %+v", f)
		}
		w.is(f.SessionID, curfew.Scheduled, "", "", curfew.Fulfilled)
		if b := must(w.CheckCustomerSessionStatus(w.Context(), "c"))(w); b != nil {
			w.Errorf("it holds the slot: %+v", b)
		}
		if now := w.pay("c", "p2"); now.Outcome != curfew.Fulfilled {
			w.Errorf("a session today is %+v", now)
		}
		if again := w.book("c", "p1", 48*time.Hour); !again.Replayed || again.SessionID != f.SessionID {
			w.Errorf("reported again it is %+v", again)
		}
		if must(w.Sweep(w.Context()))(w) != (curfew.Stats{}) || w.status(f.SessionID) != curfew.Scheduled {
			w.Error("the sweep touched it before its start")
		}
	})
}

func TestAStartMustLieAheadButARetryMayComeLate(t *testing.T) {
	worlds(t, func(w *world) {
		before := w.dump()
		for word, in := range map[string]time.Duration{"passed": -time.Second, "year": 367 * 24 * time.Hour} {
			_, err := w.FulfillCheckout(w.Context(), shop, w.appointed("c", "p1", in))
			if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), word) {
				w.Errorf("%s: %v", word, err)
			}
		}
		if before != w.dump() {
			w.Error("a refused appointment changed something")
		}
		f := w.book("c", "p1", time.Hour)
		must(w.Cancel(w.Context(), f.SessionID, kim))(w)
		if late := w.book("c", "p1", -longAgo); !late.Replayed || late.SessionID != f.SessionID || late.Outcome != curfew.Forfeited {
			w.Errorf("a late retry is %+v", late)
		}
		if _, err := w.FulfillCheckout(w.Context(), shop, w.appointed("d", "p1", time.Hour)); !errors.Is(err, curfew.IdempotencyMismatch) {
			w.Errorf("for another customer: %v", err)
		}
	})
}

func TestAppointmentsReportedAtOnceAreOne(t *testing.T) {
	worlds(t, func(w *world) {
		p := w.appointed("c", "p1", time.Hour)
		got := make([]lifecycle.Fulfillment, 8)
		together(len(got), func(i int) { got[i] = must(w.FulfillCheckout(w.Context(), shop, p))(w) })
		for _, f := range got {
			if f.SessionID != got[0].SessionID {
				w.Errorf("one got %+v, another %+v", f, got[0])
			}
		}
	})
}

func TestLesson07_NextWeeksAppointmentIsNeverPickedForTodaysRequest(t *testing.T) {
	worlds(t, func(w *world) {
		next := w.book("c", "p1", 7*24*time.Hour)
		today := w.accepted("c", "p2", "m")
		s := must(w.Join(w.Context(), today.SessionID, kim))(w)
		if s.ID != today.SessionID || s.Request.ID != today.RequestID {
			w.Errorf("today's request leads to %+v", s)
		}
		if _, err := w.Join(w.Context(), next.SessionID, kim); !errors.Is(err, curfew.Conflict) {
			w.Errorf("next week's can be joined today: %v", err)
		}
		w.is(next.SessionID, curfew.Scheduled, "", "", curfew.Fulfilled)
	})
}

func TestAnAppointmentBeginsAtItsStart(t *testing.T) {
	for who, look := range map[string]func(*world, lifecycle.Fulfillment){
		"the sweeper":      func(w *world, _ lifecycle.Fulfillment) { must(w.Sweep(w.Context()))(w) },
		"a cleanup":        func(w *world, _ lifecycle.Fulfillment) { must(w.RunCleanup(w.Context(), byHand))(w) },
		"its customer":     func(w *world, f lifecycle.Fulfillment) { must(w.Join(w.Context(), f.SessionID, kim))(w) },
		"the next report":  func(w *world, _ lifecycle.Fulfillment) { w.book("c", "p1", -time.Second) },
		"the slot's end":   func(w *world, _ lifecycle.Fulfillment) { must(w.End(w.Context(), w.pay("c", "p2").SessionID, kim))(w) },
		"a stored preview": execute,
	} {
		t.Run(who, func(t *testing.T) {
			worlds(t, func(w *world) {
				f := w.due("c", "p1")
				look(w, f)
				w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
				s := must(w.Session(w.Context(), f.SessionID))(w)
				if left := s.ExpiresAt.Sub(s.Now); left < 14*time.Minute || left > 15*time.Minute {
					w.Errorf("it waits for %s", left)
				}
				queue := must(w.Pending(w.Context(), curfew.Cursor{}, 9))(w)
				if len(queue) != 1 || queue[0].ID != f.SessionID || queue[0].Request.CustomerName != "Kim" {
					w.Errorf("the queue shows %+v", queue)
				}
			})
		})
	}
}

// execute stores a preview of everything, looks at it, and executes it.
func execute(w *world, f lifecycle.Fulfillment) {
	w.Helper()
	p := must(w.StorePreview(w.Context(), byHand))(w)
	if len(p.Items) != 1 || p.Items[0].Rule != curfew.Due || p.Items[0].SessionID != f.SessionID || p.Stats().TotalCleaned != 0 {
		w.Errorf("the preview is %+v", p)
	}
	run, drifted, err := w.ExecutePreview(w.Context(), p.ID, byHand)
	if err != nil || len(drifted) != 0 || run.Stats != (curfew.Stats{}) {
		w.Errorf("executed %+v, %+v, %v", run, drifted, err)
	}
}

func TestAReleasedAppointmentWaitsAnew(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.due("c", "p1")
		must(w.Sweep(w.Context()))(w)
		s := must(w.Session(w.Context(), f.SessionID))(w)
		must(w.Accept(w.Context(), s.Request.ID, "m"))(w)
		s = must(w.Release(w.Context(), s.Request.ID, "m"))(w)
		if left := s.ExpiresAt.Sub(s.Now); left < 14*time.Minute {
			w.Errorf("released it waits for %s", left)
		}
	})
}

func TestSweepsAtOnceBeginAnAppointmentOnce(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.due("c", "p1")
		together(4, func(int) { must(w.Sweep(w.Context()))(w) })
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		if rows := w.Query(w, "SELECT count(*) FROM "+w.Schema+"session_requests"); rows[0][0] != "1" {
			w.Errorf("it has %s requests", rows[0][0])
		}
	})
}

func TestARuleThatIsOffLetsNoAppointmentBegin(t *testing.T) {
	worldsWith(t, func(p *curfew.Policy) { p.Off = []curfew.RuleName{curfew.Due} }, func(w *world) {
		f := w.due("c", "p1")
		must(w.Sweep(w.Context()))(w)
		if w.status(f.SessionID) != curfew.Scheduled {
			w.Error("the sweep let it begin")
		}
		if r := w.Report(w.Context()); found(r, lifecycle.OverdueScheduled) {
			w.Errorf("health complains after a second: %+v", r.Findings)
		}
		w.Age(w, f.SessionID, time.Minute)
		if r := w.Report(w.Context()); !found(r, lifecycle.OverdueScheduled) {
			w.Errorf("health finds %+v", r.Findings)
		}
		must(w.Join(w.Context(), f.SessionID, kim))(w)
		w.is(f.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
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
			worlds(t, func(w *world) {
				f := w.book("c", "p1", 48*time.Hour)
				w.Age(w, f.SessionID, 48*time.Hour-test.before)
				for range 2 {
					if s := must(w.Cancel(w.Context(), f.SessionID, kim))(w); s.Status != curfew.Cancelled || s.EndReason != curfew.ByRequest {
						w.Errorf("it said %s (%s)", s.Status, s.EndReason)
					}
				}
				c := must(w.OfCustomer(w.Context(), "c"))(w)[0]
				if c.Outcome != test.outcome || c.RefundAmount != test.refund || c.Version != 2 {
					w.Errorf("its payment is %s, %d to be given back, version %d", c.Outcome, c.RefundAmount, c.Version)
				}
			})
		})
	}
}

func TestClearingLeavesAppointments(t *testing.T) {
	worlds(t, func(w *world) {
		for _, f := range []lifecycle.Fulfillment{w.book("c", "p1", time.Hour), w.due("c", "p2")} {
			cleared := must(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(w)
			if len(cleared.Ended) != 0 || w.status(f.SessionID) != curfew.Scheduled {
				w.Errorf("cleared %+v", cleared)
			}
		}
	})
}
