package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// group makes admissions wait while another transaction holds all claims, and
// returns their errors in order once it has let them go as one group.
func (f *fixture) group(all []record.Admission) ([]curfew.Snapshot, []error) {
	f.Helper()
	release := f.holdClaims()
	snapshots, errs := make([]curfew.Snapshot, len(all)), make([]error, len(all))
	var callers sync.WaitGroup
	callers.Go(func() { f.admit("first") })
	f.waitForLock()
	for i, a := range all {
		callers.Go(func() { snapshots[i], errs[i] = f.store.Admit(f.Context(), a) })
	}
	f.until(func() bool { return f.store.waitingNow() == len(all) })
	release()
	callers.Wait()
	return snapshots, errs
}

// holdClaims locks the table of claims until it may let go. One group at
// a time waits for it.
func (f *fixture) holdClaims() func() {
	f.Helper()
	f.store.groupCommit.most = 1
	tx, err := f.store.pool.Begin(f.Context())
	f.must(err)
	_, err = tx.Exec(f.Context(), `LOCK TABLE curfew.payment_refs IN EXCLUSIVE MODE`)
	f.must(err)
	f.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(f.Context())) }) // for a test that fails
	return func() { f.must(tx.Rollback(f.Context())) }
}

func (f *fixture) until(true func() bool) {
	f.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !true(); <-tick.C {
		if time.Now().After(deadline) {
			f.Fatal("it never came to that")
		}
	}
}

func (s *Store) waitingNow() int {
	s.groupCommit.mu.Lock()
	defer s.groupCommit.mu.Unlock()
	return len(s.groupCommit.waiting)
}

func (s *Store) writingNow() int {
	s.groupCommit.mu.Lock()
	defer s.groupCommit.mu.Unlock()
	return s.groupCommit.writing
}

func TestAdmissionsThatComeTogetherShareATransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var all []record.Admission
	for i := range 11 { // in statements of 8 and 3 rows
		all = append(all, admission(fmt.Sprint("customer", i)))
		all[i].Deadline.After = time.Duration(i+1) * time.Minute
	}
	snapshots, errs := f.group(all)
	for i, st := range snapshots {
		f.must(errs[i])
		if st.ID != all[i].Session.ID || st.ExpiresAt.Sub(st.CreatedAt) != all[i].Deadline.After {
			t.Errorf("session %s of %s got the times of another: %s", st.ID, st.CustomerID, st.ExpiresAt.Sub(st.CreatedAt))
		}
		if got := f.read(st.ID); !got.CreatedAt.Equal(st.CreatedAt) || !got.ExpiresAt.Equal(st.ExpiresAt) || got.Request.ID != all[i].Request.ID {
			t.Errorf("%s was answered with other times or another request than are stored", st.ID)
		}
	}
	if got := f.only(`SELECT count(DISTINCT xmin::text) FROM curfew.sessions WHERE customer_id LIKE 'customer%'`); got != "1" {
		t.Errorf("%s transactions, want 1", got)
	}
	if got := f.only(`SELECT count(*) FROM curfew.events WHERE customer_id LIKE 'customer%' AND number = 1`); got != "22" {
		t.Errorf("%s first events, want 22", got)
	}
}

func TestOneThatCannotBeAdmittedHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	for sentence, corrupt := range map[string]func(*fixture, *record.Admission){
		"a customer with an open session": func(f *fixture, a *record.Admission) { f.admit(a.Session.CustomerID) },
		"a reference that is known":       func(f *fixture, a *record.Admission) { a.Checkout.Ref = "ref-" + f.admit("other").CheckoutID },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			all := []record.Admission{admission("a"), admission("b"), admission("c"), admission("d")}
			corrupt(f, &all[2])
			_, errs := f.group(all)
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
	f := newFixture(t)
	release := f.holdClaims()
	var first sync.WaitGroup
	first.Go(func() { f.admit("first") })
	f.waitForLock()
	one, other := admission("ada"), admission("ada")
	oneSnapshot, otherSnapshot := begun(one), begun(other)
	joined := &entry{one, &oneSnapshot, make(chan error, 1)}
	f.same("the first joins", f.store.join(t.Context(), joined), true)
	f.same("the second joins", f.store.join(t.Context(), &entry{other, &otherSnapshot, make(chan error, 1)}), false)
	release()
	first.Wait()
	f.must(<-joined.done)
}

// A group whose answer was lost may be written: to write it again, one by one,
// would tell those whose first writing was committed that they are in their own way.
func TestAGroupWithoutAnAnswerIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	held, err := f.store.pool.Begin(t.Context())
	f.must(err)
	_, err = held.Exec(t.Context(), `LOCK TABLE curfew.events IN EXCLUSIVE MODE`)
	f.must(err)
	s := open(t, f.url)
	f.must(s.Ping(t.Context()))
	s.pool.timeout = 25 * time.Millisecond // less than the group waits for a lock
	err = errAlone
	for n := 0; n < 5 && errors.Is(err, errAlone); n++ { // on a slow machine the lock's end may come first
		var group []*entry
		for _, customer := range []string{"ada", "bob"} {
			a := admission(customer)
			st := begun(a)
			group = append(group, &entry{a, &st, nil})
		}
		err = s.writeGroup(t.Context(), group)
	}
	if !errors.Is(err, curfew.Unavailable) {
		t.Errorf("got %v, want an unknown outcome", err)
	}
	f.must(held.Rollback(t.Context()))
}

func TestOneThatMustWaitHoldsNobodyElse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// Nothing but the group's own limit lets it go.
	f.store = open(t, f.url+"&lock_timeout=0&statement_timeout=0")
	blocker, err := f.store.pool.Begin(t.Context())
	f.must(err)
	a := admission("slow")
	_, err = blocker.Exec(t.Context(), `INSERT INTO curfew.sessions (customer_id, id, status, version, expires_at)
		VALUES ('slow', $1, 'waiting', 1, now() + interval '1 hour')`, newID())
	f.must(err)

	release := f.holdClaims()
	var callers sync.WaitGroup
	callers.Go(func() { f.admit("first") })
	f.waitForLock()
	slow := make(chan error, 1)
	go func() {
		_, err := f.store.Admit(f.Context(), a)
		slow <- err
	}()
	for i := range 5 {
		callers.Go(func() { f.admit(fmt.Sprint("quick", i)) })
	}
	f.until(func() bool { return f.store.waitingNow() == 6 })
	release()
	callers.Wait() // while the slow one waits
	f.must(blocker.Rollback(t.Context()))
	f.must(<-slow)
}

func TestACallerWhoGivesUpBeforeItsTurnIsNotAdmitted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := f.holdClaims()
	var first sync.WaitGroup
	first.Go(func() { f.admit("first") })
	f.waitForLock()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := f.store.Admit(ctx, admission("gone"))
		gone <- err
	}()
	f.until(func() bool { return f.store.waitingNow() == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, curfew.Unavailable) {
		t.Errorf("got %v, want that it is not known", err)
	}
	if n := f.store.waitingNow(); n != 0 {
		t.Errorf("%d still wait to be admitted", n)
	}
	release()
	first.Wait()
	f.admit("gone") // its place is free
}

func TestAHundredAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	errs := make([]error, 100)
	var callers sync.WaitGroup
	for i := range errs {
		callers.Go(func() { _, errs[i] = f.store.Admit(f.Context(), admission(fmt.Sprint("customer", i%50))) })
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
	if open := f.only(`SELECT count(*) FROM curfew.sessions`); admitted != 50 || open != "50" {
		t.Errorf("%d of 50 customers were admitted, %s sessions are open", admitted, open)
	}
	f.until(func() bool { return f.store.writingNow() == 0 })
	if len(f.store.groupCommit.customers) > 0 {
		t.Errorf("%d customers are remembered for nothing", len(f.store.groupCommit.customers))
	}
}
