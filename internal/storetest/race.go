package storetest

import (
	"errors"
	"flag"
	"fmt"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

var raceFlag = flag.Int("race.rounds", 0, "rounds of each race between two, in storetest; by default 200, or 40 with -short")

func raceRounds() int { return effort.Of(*raceFlag, 40, 200) }

var races = contract{
	"a hundred admissions of one customer are one session":                         racesForSlot,
	"lesson 9: a hundred admissions of one reference are one session":              racesForReference,
	"one credit spent by ten at once is spent once":                                racesForCredit,
	"accept and clear: what was accepted never ends":                               racesAcceptClear,
	"accept and sweep at the deadline: what was accepted never ends":               racesAcceptSweep,
	"accept and cancel: one of them happens":                                       racesAcceptCancel,
	"lesson 10: two mechanics, one request: one gets it":                           racesForRequest,
	"lesson 10: one mechanic, two requests: one is theirs, the other is untouched": racesForMechanic,
	"concurrent cancellations by another program never wait for ours":              racesForeignCancel,
	"four sweeps at once end each session once":                                    racesSweeps,
}

// race lets n callers act at the same time and returns those who succeeded. The others must fail
// with the given kind.
func (f *fixture) race(n int, lost curfew.Kind, do func(i int) error) []int {
	f.Helper()
	errs := together(n, do)
	var won []int
	for i, err := range errs {
		if err == nil {
			won = append(won, i)
		} else if !errors.Is(err, lost) {
			f.Fatalf("the loser %d got %v, want kind %s", i, err, lost)
		}
	}
	return won
}

// together runs n functions at the same time.
func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

func racesForSlot(f *fixture) {
	for round := range max(1, raceRounds()/50) {
		customer := fmt.Sprint("customer-", round)
		won := f.race(100, curfew.Conflict, func(int) error {
			_, err := f.Store.Admit(f.Context(), admission(customer))
			return err
		})
		f.same("admitted", len(won), 1)
	}
}

func racesForReference(f *fixture) {
	for round := range max(1, raceRounds()/50) {
		ref := fmt.Sprint("pay-", round)
		admitted := make([]curfew.Snapshot, 100)
		won := f.race(100, curfew.Conflict, func(i int) (err error) {
			a := admission(fmt.Sprintf("customer-%d-%d", round, i))
			a.Checkout.Ref = ref
			admitted[i], err = f.Store.Admit(f.Context(), a)
			return err
		})
		f.same("admitted", len(won), 1)
		r, err := f.Store.Reference(f.Context(), ref)
		f.must(err)
		f.same("the reference's session", r.Session, admitted[won[0]].Session)
	}
}

func racesForCredit(f *fixture) {
	for round := range max(1, raceRounds()/20) {
		c := f.credited(fmt.Sprint("customer-", round))
		won := f.race(10, curfew.Conflict, func(int) error {
			_, err := f.Store.Admit(f.Context(), spending(c))
			return err
		})
		f.same("spent", len(won), 1)
		f.same("its version", f.checkout(c.CustomerID, c.ID).Version, c.Version+1)
	}
}

// racesAcceptClear is regression test number one: a session is accepted while a manual cleanup
// runs.
func racesAcceptClear(f *fixture) {
	accepted := 0
	for round := range raceRounds() {
		st := f.aged(f.longAdmission(fmt.Sprint("customer-", round)), time.Hour)
		accepted += f.duel(st, fmt.Sprint("mechanic-", round), func() ([]record.Ended, error) {
			return f.Store.End(f.Context(), f.clearing(st))
		})
	}
	f.Logf("%d of %d were accepted, the others cleared", accepted, raceRounds())
}

// racesAcceptSweep races an acceptance against a sweep around the deadline; the sweep repeats until
// the session is settled one way or the other. The loser gets more time in the next round, so that
// on any machine each wins about half of the time.
func racesAcceptSweep(f *fixture) {
	accepted, after := 0, 4*time.Millisecond
	for round := range raceRounds() {
		a := admission(fmt.Sprint("customer-", round))
		a.Deadline.After = after
		st, err := f.Store.Admit(f.Context(), a)
		f.must(err)
		won := f.duel(st, fmt.Sprint("mechanic-", round), func() ([]record.Ended, error) { return f.sweepUntilSettled(st) })
		accepted += won
		if after = after * 5 / 4; won == 1 {
			after = after * 16 / 25
		}
	}
	f.Logf("%d of %d were accepted, the others swept", accepted, raceRounds())
	if raceRounds() >= 100 && (accepted == 0 || accepted == raceRounds()) {
		f.Error("one side always won: this was no race")
	}
}

// sweepUntilSettled sweeps until it has ended the session or somebody else has changed it.
func (f *fixture) sweepUntilSettled(st curfew.Snapshot) (got []record.Ended, err error) {
	for len(got) == 0 && err == nil {
		if now, err := f.Store.Session(f.Context(), st.ID); err != nil || now.Version > st.Version {
			return nil, err
		}
		got, err = f.Store.End(f.Context(), batch(curfew.Credited, st))
	}
	return got, err
}

// duel lets a mechanic accept while a cleanup runs, and returns how many acceptances won. The
// mechanic's answer must agree with the stored state.
func (f *fixture) duel(st curfew.Snapshot, mechanic string, cleanup func() ([]record.Ended, error)) int {
	f.Helper()
	var ended []record.Ended
	errs := together(2, func(i int) (err error) {
		if i == 0 {
			_, err = f.Store.Change(f.Context(), accepting(st, mechanic))
			return err
		}
		ended, err = cleanup()
		return err
	})
	f.must(errs[1])
	now := f.read(st.ID)
	if errs[0] == nil {
		f.same("ended although it was accepted", len(ended), 0)
		f.same("the accepted session", []any{now.Status, now.MechanicID}, []any{curfew.Waiting, mechanic})
		return 1
	}
	f.kind(errs[0], curfew.Conflict)
	if now.Status == curfew.Waiting { // Neither: the sweep skipped a row that was locked.
		f.same("the untouched session", now.Session, st.Session)
		return 0
	}
	f.same("ended", len(ended), 1)
	f.same("the ended session", []any{now.Status, now.MechanicID, now.Request.Status}, []any{curfew.Cancelled, "", curfew.RequestExpired})
	return 0
}

func racesAcceptCancel(f *fixture) {
	for round := range max(1, raceRounds()/4) {
		st := f.admit(fmt.Sprint("customer-", round))
		changes := []record.Change{accepting(st, fmt.Sprint("m-", round)), endChange(st, curfew.Cancelled, curfew.ByRequest)}
		won := f.race(2, curfew.Conflict, func(i int) error {
			_, err := f.Store.Change(f.Context(), changes[i])
			return err
		})
		f.same("winners", len(won), 1)
		f.same("the status", f.read(st.ID).Status, changes[won[0]].To)
	}
}

// racesForRequest covers lesson 10.
func racesForRequest(f *fixture) {
	for round := range max(1, raceRounds()/4) {
		st := f.admit(fmt.Sprint("customer-", round))
		mechanic := func(i int) string { return fmt.Sprintf("m-%d-%d", round, i) }
		won := f.race(2, curfew.Conflict, func(i int) error {
			_, err := f.Store.Change(f.Context(), accepting(st, mechanic(i)))
			return err
		})
		f.same("winners", len(won), 1)
		f.same("whose it is", f.read(st.ID).MechanicID, mechanic(won[0]))
		_, err := f.Store.Slot(f.Context(), mechanic(1-won[0]))
		f.kind(err, curfew.NotFound)
	}
}

// racesForMechanic covers lesson 10.
func racesForMechanic(f *fixture) {
	for round := range max(1, raceRounds()/4) {
		mechanic := fmt.Sprint("m-", round)
		offered := []curfew.Snapshot{f.admit(fmt.Sprint("left-", round)), f.admit(fmt.Sprint("right-", round))}
		won := f.race(2, curfew.MechanicBusy, func(i int) error {
			_, err := f.Store.Change(f.Context(), accepting(offered[i], mechanic))
			return err
		})
		f.same("winners", len(won), 1)
		lost := offered[1-won[0]]
		f.sameSnapshot("the losing side", f.read(lost.ID), lost)
	}
}

// racesForeignCancel lets many writers, of another program and of Curfew, end sessions of different
// customers. Counters shared by all of them must be locked in one order, or the database reports
// deadlocks.
func racesForeignCancel(f *fixture) {
	cancel := []func(curfew.Snapshot) error{
		func(st curfew.Snapshot) error {
			_, err := f.Store.Change(f.Context(), endChange(st, curfew.Cancelled, curfew.ByRequest))
			return err
		},
		func(st curfew.Snapshot) error {
			if refusal := f.try("UPDATE {sessions} SET status = 'cancelled' WHERE id = $1", st.ID); refusal != "" {
				return errors.New(refusal)
			}
			return nil
		},
	}
	for round := range max(2, raceRounds()/20) {
		f.must(errors.Join(together(24, func(i int) error {
			st, err := f.Store.Admit(f.Context(), admission(fmt.Sprintf("customer-%d-%d", i, round)))
			if err != nil {
				return err
			}
			return cancel[i%2](st)
		})...))
	}
}

func racesSweeps(f *fixture) {
	chosen := seed.New(f)
	for round := range max(1, raceRounds()/40) {
		var late []curfew.Snapshot
		for i := range 20 {
			late = append(late, f.aged(f.admit(fmt.Sprintf("customer-%d-%d", round, i)), time.Hour))
		}
		ended := make([][]string, 4)
		won := f.race(4, curfew.Unavailable, func(i int) error {
			mine := append([]curfew.Snapshot(nil), late...)
			seed.Dice(chosen, fmt.Sprint(round, i)).Shuffle(len(mine), func(a, b int) { mine[a], mine[b] = mine[b], mine[a] })
			got, err := f.Store.End(f.Context(), batch(curfew.Credited, mine...))
			for _, e := range got {
				ended[i] = append(ended[i], e.Session.ID)
			}
			return err
		})
		f.same("sweeps that looked", len(won), 4)
		f.endedOnce(late, ended)
	}
}

// endedOnce fails unless each session is in exactly one of the lists.
func (f *fixture) endedOnce(late []curfew.Snapshot, lists [][]string) {
	f.Helper()
	times := map[string]int{}
	for _, list := range lists {
		for _, id := range list {
			times[id]++
		}
	}
	for _, st := range late {
		if times[st.ID] > 1 || (times[st.ID] == 1) != f.read(st.ID).Status.Ended() {
			f.Errorf("session %s ended %d times", st.ID, times[st.ID])
		}
	}
	f.same("left for the next look", f.ended(batch(curfew.Credited, late...)), f.leftOf(late, times))
}

// leftOf returns the ids of the sessions that no sweep ended.
func (f *fixture) leftOf(late []curfew.Snapshot, times map[string]int) []string {
	var left []string
	for _, st := range late {
		if times[st.ID] == 0 {
			left = append(left, st.ID)
		}
	}
	return left
}
