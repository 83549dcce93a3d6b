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
func acceptSQL(env *environment, f lifecycle.Fulfillment, customer string) []string {
	s := env.Schema
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
	for rival, clean := range map[string]func(*environment) error{
		"the sweep": func(env *environment) error {
			_, err := env.Sweep(env.Context())
			return err
		},
		"the customer's cleanup": func(env *environment) error {
			_, err := env.CleanupCustomerWaitingSessions(env.Context(), "c", time.Minute)
			return err
		},
		"the same customer's admission": func(env *environment) error {
			_, err := env.FulfillCheckout(env.Context(), shop, env.purchase("c", "p2"))
			return err
		},
		"the customer's own clearing of what is overdue": func(env *environment) error {
			_, err := env.CheckCustomerSessionStatus(env.Context(), "c")
			return err
		},
	} {
		t.Run(rival, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				env.pay("clock", "p-clock") // lends its deadline to the accept
				f := env.pay("c", "p1")
				env.Age(env, f.SessionID, longAgo)
				commit := env.Hold(env, acceptSQL(env, f, "c")...)
				done := make(chan error, 1)
				go func() { done <- clean(env) }()
				env.Settled(env, done) // it has finished, or waits for the held row
				commit()
				if err := <-done; err != nil {
					env.Errorf("%s: %v", rival, err)
				}
				env.is(f.SessionID, curfew.Waiting, "", curfew.Accepted, curfew.Fulfilled)
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
	onEachStoreWith(t, func(p *curfew.Policy) { p.WaitingTTL = ttl }, func(env *environment) {
		random := seed.Dice(seed.New(env), "races")
		won, lost := 0, 0
		for n := 0; n < raceCount(); n += raceSize {
			a, b := raceBatch(env, random, ttl, n, min(raceSize, raceCount()-n))
			won, lost = won+a, lost+b
		}
		env.Logf("%d accepts won, %d lost", won, lost)
		if won == 0 || lost == 0 {
			env.Errorf("%d accepts won and %d lost: too gentle to prove anything", won, lost)
		}
	})
}

// raceBatch lets each mechanic accept a session of its own around the deadline,
// and counts who won.
func raceBatch(env *environment, random *rand.Rand, ttl time.Duration, from, n int) (won, lost int) {
	env.Helper()
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
				must(env.Sweep(env.Context()))(env)
			}
			return
		}
		defer accepting.Add(-1)
		fs[i] = env.pay(fmt.Sprint("c", from+i), fmt.Sprint("p", from+i))
		s := must(env.Session(env.Context(), fs[i].SessionID))(env)
		<-time.After(s.ExpiresAt.Sub(s.Now) + jitter[i])
		_, errs[i] = env.Accept(env.Context(), fs[i].RequestID, fmt.Sprint("m", from+i))
	})
	for i, err := range errs {
		s := must(env.Session(env.Context(), fs[i].SessionID))(env)
		switch {
		case err == nil && (s.Status.Ended() || !s.Assigned()):
			env.Errorf("mechanic m%d got session %s, and it is %s (%s)", from+i, s.ID, s.Status, s.EndReason)
		case err == nil:
			won++
		case !errors.Is(err, curfew.Conflict) || s.Assigned():
			env.Errorf("accept %d: %v, and the session is %+v", i, err, s.Session)
		default:
			lost++
		}
	}
	return won, lost
}

// A commit whose answer is lost is unknown, not failed: the same call again
// gives the one result, whatever method lost it.
func TestLesson06_ALostAnswerNeverMakesTwo(t *testing.T) {
	onEachStore(t, func(env *environment) {
		lossy := env.with(storetest.NewLossy(env.Store, 42, 0.3))
		persist := func(call func() error) {
			env.Helper()
			for range 200 {
				err := call()
				if err == nil {
					return
				}
				if !errors.Is(err, curfew.Unavailable) {
					env.Fatalf("got %v", err)
				}
			}
			env.Fatal("it never succeeds")
		}
		for i := range 20 {
			customer, mechanic := fmt.Sprint("c", i), curfew.Actor{Role: curfew.Mechanic, ID: fmt.Sprint("m", i)}
			var f lifecycle.Fulfillment
			persist(func() (err error) {
				f, err = lossy.FulfillCheckout(env.Context(), shop, env.purchase(customer, fmt.Sprint("p", i)))
				return err
			})
			if f.Outcome != curfew.Fulfilled {
				env.Errorf("a lost answer became %+v", f)
			}
			again := env.pay(customer, fmt.Sprint("p", i))
			if again.SessionID != f.SessionID || again.RequestID != f.RequestID {
				env.Errorf("the same reference gives %+v, then %+v", f, again)
			}
			persist(func() error { _, err := lossy.Accept(env.Context(), f.RequestID, mechanic.ID); return err })
			persist(func() error {
				_, err := lossy.Join(env.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: customer})
				return err
			})
			persist(func() error { _, err := lossy.Join(env.Context(), f.SessionID, mechanic); return err })
			persist(func() error { _, err := lossy.End(env.Context(), f.SessionID, mechanic); return err })
			env.is(f.SessionID, curfew.Cancelled, curfew.TooShort, curfew.RequestCancelled, curfew.Credited)
			persist(func() (err error) {
				f, err = lossy.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: customer, Plan: "chat10", Key: "k"})
				return err
			})
			persist(func() error {
				_, err := lossy.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: customer})
				return err
			})
		}
		if n := env.Query(env, "SELECT count(*) FROM "+env.Schema+"sessions"); n[0][0] != "40" {
			env.Errorf("%s sessions, want 40", n[0][0])
		}
	})
}
