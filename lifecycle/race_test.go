package lifecycle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

// The accept that is held open is written as the store writes it, statement by
// statement, in another program's transaction.
func acceptSQL(w *world, f lifecycle.Fulfillment, customer string) []string {
	s := w.Schema
	return []string{
		fmt.Sprintf("UPDATE %ssessions SET mechanic_id = 'm', version = version + 1, expires_at = (SELECT max(expires_at) FROM %ssessions WHERE customer_id = 'clock') WHERE customer_id = '%s' AND id = '%s'", s, s, customer, f.SessionID),
		fmt.Sprintf("UPDATE %ssession_requests SET status = 'accepted', mechanic_id = 'm' WHERE customer_id = '%s' AND id = '%s'", s, customer, f.RequestID),
		fmt.Sprintf("INSERT INTO %smechanic_slots (mechanic_id, customer_id, session_id, created_at) SELECT 'm', customer_id, id, created_at FROM %ssessions WHERE customer_id = '%s' AND id = '%s'", s, s, customer, f.SessionID),
		fmt.Sprintf("INSERT INTO %sevents (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason, at) SELECT customer_id, id, 2, 'session', id, 'waiting', 'waiting', 'mechanic:m', 'accepted', created_at FROM %ssessions WHERE customer_id = '%s' AND id = '%s'", s, s, customer, f.SessionID),
	}
}

// The worst place: the session is overdue for everybody who looks, and the
// accept that came in time is not committed yet.
func TestAnAcceptHeldOpenIsNeverUndoneByACleanup(t *testing.T) {
	for rival, clean := range map[string]func(*world) error{
		"the sweep": func(w *world) error {
			_, err := w.Sweep(w.Context())
			return err
		},
		"the customer's cleanup": func(w *world) error {
			_, err := w.CleanupCustomerWaitingSessions(w.Context(), "c", time.Minute)
			return err
		},
		"the same customer's admission": func(w *world) error {
			_, err := w.FulfillCheckout(w.Context(), shop, w.purchase("c", "p2"))
			return err
		},
		"the customer's own clearing of what is overdue": func(w *world) error {
			_, err := w.CheckCustomerSessionStatus(w.Context(), "c")
			return err
		},
	} {
		t.Run(rival, func(t *testing.T) {
			worlds(t, func(w *world) {
				w.pay("clock", "p-clock") // lends its deadline to the accept
				f := w.pay("c", "p1")
				w.Age(w, f.SessionID, longAgo)
				commit := w.Hold(w, acceptSQL(w, f, "c")...)
				done := make(chan error, 1)
				go func() { done <- clean(w) }()
				w.Settled(w, done) // it has finished, or waits for the held row
				commit()
				if err := <-done; err != nil {
					w.Errorf("%s: %v", rival, err)
				}
				w.is(f.SessionID, curfew.Waiting, "", curfew.Accepted, curfew.Fulfilled)
			})
		})
	}
}

// raceSize is how many sessions pass their deadline together.
const raceSize = 50

// Deadlines pass while mechanics accept and the sweeper never rests: whoever
// got a session keeps it.
func TestRandomAcceptsAgainstTheSweep(t *testing.T) {
	const ttl = 1500 * time.Millisecond
	worldsWith(t, func(p *curfew.Policy) { p.WaitingTTL = ttl }, func(w *world) {
		random := seed.Dice(seed.New(w), "races")
		won, lost := 0, 0
		for n := 0; n < *races; n += raceSize {
			a, b := raceBatch(w, random, ttl, n, min(raceSize, *races-n))
			won, lost = won+a, lost+b
		}
		w.Logf("%d accepts won, %d lost", won, lost)
		if won == 0 || lost == 0 {
			w.Errorf("%d accepts won and %d lost: too gentle to prove anything", won, lost)
		}
	})
}

// raceBatch lets each mechanic accept a session of its own around the deadline,
// and counts who won.
func raceBatch(w *world, random *rand.Rand, ttl time.Duration, from, n int) (won, lost int) {
	w.Helper()
	jitter, errs := make([]time.Duration, n), make([]error, n)
	for i := range jitter {
		jitter[i] = time.Duration(random.Int64N(int64(ttl/2))) - ttl/3
	}
	fs := make([]lifecycle.Fulfillment, n)
	var accepting atomic.Int32
	accepting.Store(int32(n))
	together(n+1, func(i int) {
		if i == n {
			for accepting.Load() > 0 {
				must(w.Sweep(w.Context()))(w)
			}
			return
		}
		defer accepting.Add(-1)
		fs[i] = w.pay(fmt.Sprint("c", from+i), fmt.Sprint("p", from+i))
		s := must(w.Session(w.Context(), fs[i].SessionID))(w)
		<-time.After(s.ExpiresAt.Sub(s.Now) + jitter[i])
		_, errs[i] = w.Accept(w.Context(), fs[i].RequestID, fmt.Sprint("m", from+i))
	})
	for i, err := range errs {
		s := must(w.Session(w.Context(), fs[i].SessionID))(w)
		switch {
		case err == nil && (s.Status.Ended() || !s.Assigned()):
			w.Errorf("mechanic m%d got session %s, and it is %s (%s)", from+i, s.ID, s.Status, s.EndReason)
		case err == nil:
			won++
		case !errors.Is(err, curfew.Conflict) || s.Assigned():
			w.Errorf("accept %d: %v, and the session is %+v", i, err, s.Session)
		default:
			lost++
		}
	}
	return won, lost
}

// A commit whose answer is lost is unknown, not failed: the same call again
// gives the one result, whatever method lost it.
func TestLesson06_ALostAnswerNeverMakesTwo(t *testing.T) {
	worlds(t, func(w *world) {
		lossy := w.with(storetest.NewLossy(w.Store, 42, 0.3))
		persist := func(call func() error) {
			w.Helper()
			for range 200 {
				err := call()
				if err == nil {
					return
				}
				if !errors.Is(err, curfew.Unavailable) {
					w.Fatalf("got %v", err)
				}
			}
			w.Fatal("it never succeeds")
		}
		for i := range 20 {
			customer, mechanic := fmt.Sprint("c", i), curfew.Actor{Role: curfew.Mechanic, ID: fmt.Sprint("m", i)}
			var f lifecycle.Fulfillment
			persist(func() (err error) {
				f, err = lossy.FulfillCheckout(w.Context(), shop, w.purchase(customer, fmt.Sprint("p", i)))
				return err
			})
			if f.Outcome != curfew.Fulfilled {
				w.Errorf("a lost answer became %+v", f)
			}
			again := w.pay(customer, fmt.Sprint("p", i))
			if again.SessionID != f.SessionID || again.RequestID != f.RequestID {
				w.Errorf("the same reference gives %+v, then %+v", f, again)
			}
			persist(func() error { _, err := lossy.Accept(w.Context(), f.RequestID, mechanic.ID); return err })
			persist(func() error {
				_, err := lossy.Join(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: customer})
				return err
			})
			persist(func() error { _, err := lossy.Join(w.Context(), f.SessionID, mechanic); return err })
			persist(func() error { _, err := lossy.End(w.Context(), f.SessionID, mechanic); return err })
			w.is(f.SessionID, curfew.Cancelled, curfew.TooShort, curfew.RequestCancelled, curfew.Credited)
			persist(func() (err error) {
				f, err = lossy.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10", Key: "k"})
				return err
			})
			persist(func() error {
				_, err := lossy.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: customer})
				return err
			})
		}
		if n := w.Query(w, "SELECT count(*) FROM "+w.Schema+"sessions"); n[0][0] != "40" {
			w.Errorf("%s sessions, want 40", n[0][0])
		}
	})
}
