package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

func TestTimes(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		insert    string
		n, params int
		want      string
	}{
		"one row is left alone": {"INSERT INTO t VALUES ($1, 1)", 1, 1, "INSERT INTO t VALUES ($1, 1)"},
		"parameters go on": {
			"INSERT INTO t (a, b) VALUES ($1, $2::text)", 3, 2,
			"INSERT INTO t (a, b) VALUES ($1, $2::text), ($3, $4::text), ($5, $6::text)",
		},
		"two rows a time and one RETURNING": {
			"INSERT INTO t VALUES ($1), ($2)\n\t\tRETURNING a", 2, 2,
			"INSERT INTO t VALUES ($1), ($2), ($3), ($4) RETURNING a",
		},
	} {
		if got := times(c.insert, c.n, c.params); got != c.want {
			t.Errorf("%s: got %s", sentence, got)
		}
	}
}

// group makes admissions wait while another transaction holds all claims, and
// returns their errors in order once it has let them go as one group.
func (w *world) group(all []curfew.Admission) ([]curfew.Standing, []error) {
	w.Helper()
	release := w.holdClaims()
	standings, errs := make([]curfew.Standing, len(all)), make([]error, len(all))
	var callers sync.WaitGroup
	callers.Go(func() { w.admit("first") })
	w.until(func() bool { return w.store.writingNow() == 1 && w.store.waitingNow() == 0 })
	for i, a := range all {
		callers.Go(func() { standings[i], errs[i] = w.store.Admit(w.Context(), a) })
	}
	w.until(func() bool { return w.store.waitingNow() == len(all) })
	release()
	callers.Wait()
	return standings, errs
}

// holdClaims locks the table of claims until it is told to let go. One group at
// a time waits for it.
func (w *world) holdClaims() func() {
	w.Helper()
	w.store.groups.most = 1
	tx, err := w.store.pool.Begin(w.Context())
	w.must(err)
	_, err = tx.Exec(w.Context(), `LOCK TABLE curfew.payment_refs IN EXCLUSIVE MODE`)
	w.must(err)
	return func() { w.must(tx.Rollback(w.Context())) }
}

func (w *world) until(true func() bool) {
	w.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !true(); <-tick.C {
		if time.Now().After(deadline) {
			w.Fatal("it never came to that")
		}
	}
}

func (s *Store) waitingNow() int {
	s.groups.mu.Lock()
	defer s.groups.mu.Unlock()
	return len(s.groups.waiting)
}

func (s *Store) writingNow() int {
	s.groups.mu.Lock()
	defer s.groups.mu.Unlock()
	return s.groups.writing
}

func TestAdmissionsThatComeTogetherShareATransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []curfew.Admission
	for i := range 11 { // in statements of 8 and 3 rows
		all = append(all, admission(fmt.Sprint("customer", i)))
		all[i].Deadline.After = time.Duration(i+1) * time.Minute
	}
	standings, errs := w.group(all)
	for i, st := range standings {
		w.must(errs[i])
		if st.ID != all[i].Session.ID || st.ExpiresAt.Sub(st.CreatedAt) != all[i].Deadline.After {
			t.Errorf("session %s of %s got the times of another: %s", st.ID, st.CustomerID, st.ExpiresAt.Sub(st.CreatedAt))
		}
		if got := w.read(st.ID); !got.CreatedAt.Equal(st.CreatedAt) || !got.ExpiresAt.Equal(st.ExpiresAt) || got.Request.ID != all[i].Request.ID {
			t.Errorf("%s was answered with other times or another request than are stored", st.ID)
		}
	}
	if got := w.only(`SELECT count(DISTINCT xmin::text) FROM curfew.sessions WHERE customer_id LIKE 'customer%'`); got != "1" {
		t.Errorf("%s transactions, want 1", got)
	}
	if got := w.only(`SELECT count(*) FROM curfew.events WHERE customer_id LIKE 'customer%' AND number = 1`); got != "22" {
		t.Errorf("%s first events, want 22", got)
	}
}

func TestOneThatCannotBeAdmittedHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	for sentence, spoil := range map[string]func(*world, *curfew.Admission){
		"a customer with an open session": func(w *world, a *curfew.Admission) { w.admit(a.Session.CustomerID) },
		"a reference that is known":       func(w *world, a *curfew.Admission) { a.Checkout.Ref = "ref-" + w.admit("other").CheckoutID },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			all := []curfew.Admission{admission("a"), admission("b"), admission("c"), admission("d")}
			spoil(w, &all[2])
			_, errs := w.group(all)
			for i, err := range errs {
				if (i == 2) != errors.Is(err, curfew.Conflict) || i != 2 && err != nil {
					t.Errorf("%s: %v", all[i].Session.CustomerID, err)
				}
			}
		})
	}
}

// Two of a customer in one group would send all of it back to go alone.
func TestTwoOfACustomerAreNeverOfOneGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := w.holdClaims()
	var first sync.WaitGroup
	first.Go(func() { w.admit("first") })
	w.until(func() bool { return w.store.writingNow() == 1 && w.store.waitingNow() == 0 })
	one, other := admission("ada"), admission("ada")
	oneStanding, otherStanding := begun(one), begun(other)
	joined := &candidate{one, &oneStanding, make(chan error, 1)}
	w.same("the first joins", w.store.join(t.Context(), joined), true)
	w.same("the second joins", w.store.join(t.Context(), &candidate{other, &otherStanding, make(chan error, 1)}), false)
	release()
	first.Wait()
	w.must(<-joined.done)
}

// A group whose answer was lost may be written: to write it again, one by one,
// would tell those whose first writing was committed that they are in their own way.
func TestAGroupWithoutAnAnswerIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	held, err := w.store.pool.Begin(t.Context())
	w.must(err)
	_, err = held.Exec(t.Context(), `LOCK TABLE curfew.events IN EXCLUSIVE MODE`)
	w.must(err)
	s := open(t, w.url)
	w.must(s.Ping(t.Context()))
	s.pool.timeout = 25 * time.Millisecond // less than the group waits for a lock
	err = errAlone
	for n := 0; n < 5 && errors.Is(err, errAlone); n++ { // on a slow machine the lock's end may come first
		var group []*candidate
		for _, customer := range []string{"ada", "bob"} {
			a := admission(customer)
			st := begun(a)
			group = append(group, &candidate{a, &st, nil})
		}
		err = s.writeGroup(t.Context(), group)
	}
	if !errors.Is(err, curfew.Unavailable) {
		t.Errorf("got %v, want that nobody knows", err)
	}
	w.must(held.Rollback(t.Context()))
}

func TestOneThatMustWaitHoldsNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Nothing but the group's own limit lets it go.
	w.store = open(t, w.url+"&lock_timeout=0&statement_timeout=0")
	blocker, err := w.store.pool.Begin(t.Context())
	w.must(err)
	a := admission("slow")
	_, err = blocker.Exec(t.Context(), `INSERT INTO curfew.sessions (customer_id, id, status, version, expires_at)
		VALUES ('slow', $1, 'waiting', 1, now() + interval '1 hour')`, newID())
	w.must(err)

	release := w.holdClaims()
	var callers sync.WaitGroup
	callers.Go(func() { w.admit("first") })
	w.until(func() bool { return w.store.writingNow() == 1 && w.store.waitingNow() == 0 })
	slow := make(chan error, 1)
	go func() {
		_, err := w.store.Admit(w.Context(), a)
		slow <- err
	}()
	for i := range 5 {
		callers.Go(func() { w.admit(fmt.Sprint("quick", i)) })
	}
	w.until(func() bool { return w.store.waitingNow() == 6 })
	release()
	callers.Wait() // while the slow one waits
	w.must(blocker.Rollback(t.Context()))
	w.must(<-slow)
}

func TestACallerWhoGivesUpBeforeItsTurnIsNotAdmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := w.holdClaims()
	var first sync.WaitGroup
	first.Go(func() { w.admit("first") })
	w.until(func() bool { return w.store.writingNow() == 1 && w.store.waitingNow() == 0 })
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := w.store.Admit(ctx, admission("gone"))
		gone <- err
	}()
	w.until(func() bool { return w.store.waitingNow() == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, curfew.Unavailable) {
		t.Errorf("got %v, want that it is not known", err)
	}
	release()
	first.Wait()
	w.admit("gone") // its place is free
}

func TestAHundredAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	errs := make([]error, 100)
	var callers sync.WaitGroup
	for i := range errs {
		callers.Go(func() { _, errs[i] = w.store.Admit(w.Context(), admission(fmt.Sprint("customer", i%50))) })
	}
	callers.Wait()
	admitted := 0
	for _, err := range errs {
		if err == nil {
			admitted++
		} else if !errors.Is(err, curfew.Conflict) {
			t.Error(err)
		}
	}
	if open := w.only(`SELECT count(*) FROM curfew.sessions`); admitted != 50 || open != "50" {
		t.Errorf("%d of 50 customers were admitted, %s sessions are open", admitted, open)
	}
	w.until(func() bool { return w.store.writingNow() == 0 })
	if len(w.store.groups.customers) > 0 {
		t.Errorf("%d customers are remembered for nothing", len(w.store.groups.customers))
	}
}
