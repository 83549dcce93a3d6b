package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

type writing = func(context.Context, *transaction) error

// note writes a row that names its writer, with an effect of a trigger.
func note(name string) writing {
	return func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, insertRefusal, name, newID(), newID(), micros(tx.now))
		return err
	}
}

// noting makes a store on which every note has an effect of a trigger, too.
func noting(t *testing.T) *Store {
	t.Helper()
	s := made(t)
	s.writer.time = time.Hour // however slow the machine
	execute(t, s, `CREATE TABLE echoes (name TEXT)`)
	execute(t, s, `CREATE TRIGGER echo AFTER INSERT ON refusals BEGIN INSERT INTO echoes VALUES (new.customer_id); END`)
	return s
}

func execute(t *testing.T, s *Store, statement string) {
	t.Helper()
	if _, err := s.exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// noted is who has a row, once, and an effect of it.
func noted(t *testing.T, s *Store) []string {
	t.Helper()
	names, err := many(t.Context(), s.reader, value[string], "SELECT customer_id FROM refusals ORDER BY customer_id")
	echoes, err2 := many(t.Context(), s.reader, value[string], "SELECT name FROM echoes ORDER BY name")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names, echoes) {
		t.Errorf("rows of %v, but effects of %v", names, echoes)
	}
	return names
}

// atOnce calls write for all of them while somebody else has the turn, so that they wait
// in this order, and returns their errors once they were let go.
func atOnce(t *testing.T, s *Store, all ...writing) []error {
	t.Helper()
	errs := make([]error, len(all))
	s.writer.turn <- struct{}{}
	var callers sync.WaitGroup
	for i, f := range all {
		callers.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[i] = fmt.Errorf("panic: %v", v)
				}
			}()
			errs[i] = s.write(context.Background(), f)
		})
		untilWaiting(t, s, i+1)
	}
	s.writer.release()
	callers.Wait()
	return errs
}

// untilWaiting returns when so many wait for their turn.
func untilWaiting(t *testing.T, s *Store, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); waiting(s) != n; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, want %d", waiting(s), n)
		}
	}
}

func waiting(s *Store) int {
	s.writer.mu.Lock()
	defer s.writer.mu.Unlock()
	return len(s.writer.waiting)
}

// atCommit calls f within each COMMIT of the writer's connection; if it returns false, SQLite
// refuses to commit.
func atCommit(t *testing.T, s *Store, f func() bool) {
	t.Helper()
	if err := s.RecordQueueRead(t.Context()); err != nil { // connects
		t.Fatal(err)
	}
	if err := s.writer.conn.Raw(func(conn any) error {
		conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { //nolint:errcheck,forcetypeassert // the driver's connections are
			if f() {
				return 0
			}
			return 1
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestGroup_ThoseWhoComeTogetherShareACommit(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int64{1: 1, 2: 1, 64: 1, 65: 2, 200: 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := noting(t)
			var commits atomic.Int64
			atCommit(t, s, func() bool { commits.Add(1); return true })
			var all []writing
			for i := range n {
				all = append(all, note(fmt.Sprintf("%03d", i)))
			}
			if err := errors.Join(atOnce(t, s, all...)...); err != nil {
				t.Fatal(err)
			}
			if got := noted(t, s); len(got) != n {
				t.Errorf("%d of %d are there", len(got), n)
			}
			if got := commits.Load(); got != want {
				t.Errorf("%d commits, want %d", got, want)
			}
		})
	}
}

// A decision that fails, wherever it stands in its group, takes nothing of the others with it.
func TestGroup_OneThatFailsHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong")
	for sentence, fail := range map[string]struct {
		after writing // what fails, once it has written
		says  string
	}{
		"its own error": {func(context.Context, *transaction) error { return wrong }, "wrong"},
		"a panic":       {func(context.Context, *transaction) error { panic("oh") }, "panic: oh"},
		"a statement that is wrong": {func(ctx context.Context, tx *transaction) error {
			_, err := tx.exec(ctx, "INSERT INTO nowhere VALUES (1)")
			return err
		}, "no such table"},
		"a row that is there": {func(ctx context.Context, tx *transaction) error {
			_, err := tx.exec(ctx, "INSERT INTO refusals SELECT * FROM refusals")
			return err
		}, "another was first"},
		"a trigger that refuses": {func(ctx context.Context, tx *transaction) error {
			_, err := tx.exec(ctx, "INSERT INTO picky VALUES ('refuse')")
			return err
		}, "picky refuses"},
		"a trigger that rolls everything back": {func(ctx context.Context, tx *transaction) error {
			_, err := tx.exec(ctx, "INSERT INTO picky VALUES ('all')")
			return err
		}, "picky ends it"},
		"a trigger that rolls everything back, which it ignores": {func(ctx context.Context, tx *transaction) error {
			_, _ = tx.exec(ctx, "INSERT INTO picky VALUES ('all')")
			_ = note("afterwards")(ctx, tx)
			return nil
		}, "picky ends it"},
		"it has ended the transaction": {func(ctx context.Context, tx *transaction) error {
			if _, err := tx.exec(ctx, "ROLLBACK"); err != nil {
				return err
			}
			return wrong
		}, "wrong"},
		"it has lost the connection": {func(_ context.Context, tx *transaction) error {
			tx.w.discard()
			return wrong
		}, "wrong"},
	} {
		for place := range 3 {
			t.Run(fmt.Sprintf("%s, at place %d", sentence, place), func(t *testing.T) {
				t.Parallel()
				s := noting(t)
				execute(t, s, `CREATE TABLE picky (name TEXT)`)
				execute(t, s, `CREATE TRIGGER picky AFTER INSERT ON picky BEGIN
					SELECT RAISE(ABORT, 'picky refuses') WHERE new.name = 'refuse'; SELECT RAISE(ROLLBACK, 'picky ends it'); END`)
				all := []writing{note("ada"), note("bob"), note("cyd")}
				all[place] = func(ctx context.Context, tx *transaction) error {
					if err := note("bad")(ctx, tx); err != nil {
						return err
					}
					return fail.after(ctx, tx)
				}
				for i, err := range atOnce(t, s, all...) {
					if i != place && err != nil {
						t.Errorf("a neighbour at place %d: %v", i, err)
					}
					if i == place && (err == nil || !strings.Contains(err.Error(), fail.says)) {
						t.Errorf("it failed with %v, want %q", err, fail.says)
					}
				}
				want := slices.Delete([]string{"ada", "bob", "cyd"}, place, place+1)
				if got := noted(t, s); !slices.Equal(got, want) {
					t.Errorf("there is %v, want %v", got, want)
				}
				if err := s.write(t.Context(), note("dan")); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
}

// The second admission of a customer is refused because of the first one's rows. If these are not
// saved, the refusal is not true.
func TestGroup_ARefusalIsNotToldBeforeItsReasonIsSaved(t *testing.T) {
	t.Parallel()
	s := noting(t)
	refuse := true
	atCommit(t, s, func() bool {
		now := refuse
		refuse = false
		return !now
	})
	key := newID()
	same := func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, insertRefusal, "ada", key, "s", micros(tx.now))
		return err
	}
	var told []string
	first := func(ctx context.Context, tx *transaction) error {
		told = append(told, "first")
		if len(told) > 1 { // on its own it fails
			return errors.New("not now")
		}
		return same(ctx, tx)
	}
	errs := atOnce(t, s, first, same)
	if errs[0] == nil || errs[1] != nil {
		t.Errorf("%v: the second is to be saved, because the first was not", errs)
	}
	if got := noted(t, s); len(got) != 1 {
		t.Errorf("there is %v", got)
	}
}

func TestGroup_WhatACommitRefusesIsWrittenOneByOne(t *testing.T) {
	t.Parallel()
	s := noting(t)
	commits := 0
	atCommit(t, s, func() bool { commits++; return commits > 1 })
	if err := errors.Join(atOnce(t, s, note("ada"), note("bob"), note("cyd"))...); err != nil {
		t.Error(err)
	}
	if got := noted(t, s); len(got) != 3 {
		t.Errorf("there is %v", got)
	}
	commits = 0
	s = noting(t)
	atCommit(t, s, func() bool { return false })
	if err := s.write(t.Context(), note("ada")); err == nil || strings.Contains(err.Error(), "not known") {
		t.Errorf("a refused commit is certain to have saved nothing: %v", err)
	}
}

func TestGroup_ACallerWhoseContextEndsLeavesWithoutHarm(t *testing.T) {
	t.Parallel()
	s := noting(t)
	s.writer.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	errs := make([]error, 3)
	var callers sync.WaitGroup
	for i, name := range []string{"ada", "gone", "cyd"} {
		with := ctx
		if i != 1 {
			with = t.Context()
		}
		callers.Go(func() { errs[i] = s.write(with, note(name)) })
		untilWaiting(t, s, i+1)
	}
	cancel()
	untilWaiting(t, s, 2)
	s.writer.release()
	callers.Wait()
	if errs[0] != nil || !errors.Is(errs[1], curfew.Unavailable) || errs[2] != nil {
		t.Errorf("%v", errs)
	}
	if got := noted(t, s); !slices.Equal(got, []string{"ada", "cyd"}) {
		t.Errorf("there is %v", got)
	}
}

// Once it is being written, it is not interrupted, and its caller learns what became of it.
func TestGroup_ACallerWhoIsBeingWrittenWaitsForItsOutcome(t *testing.T) {
	t.Parallel()
	for place := range 2 {
		t.Run(fmt.Sprint("at place ", place), func(t *testing.T) {
			t.Parallel()
			s := noting(t)
			ctx, cancel := context.WithCancel(t.Context())
			all := []writing{note("ada"), note("bob")}
			f, left := all[place], make(chan struct{})
			all[place] = func(inner context.Context, tx *transaction) error {
				cancel()
				select { // nothing shows that a caller stays, so it gets a moment to leave
				case <-left:
				case <-time.After(100 * time.Millisecond):
				}
				return errors.Join(inner.Err(), f(inner, tx))
			}
			errs := make([]error, 2)
			s.writer.turn <- struct{}{}
			var callers sync.WaitGroup
			for i, f := range all {
				callers.Go(func() {
					errs[i] = s.write(ctx, f)
					if i == place {
						close(left)
					}
				})
				untilWaiting(t, s, i+1)
			}
			// The other one may have left when the context ended, or have been written.
			s.writer.release()
			callers.Wait()
			if errs[place] != nil {
				t.Errorf("the one that was being written: %v", errs[place])
			}
			want := []string{"ada", "bob"}
			if other := 1 - place; errs[other] != nil {
				want = slices.Delete(want, other, other+1)
			}
			if got := noted(t, s); !slices.Equal(got, want) {
				t.Errorf("there is %v, want %v (%v)", got, want, errs)
			}
		})
	}
}

func TestGroup_AForeignLockFailsTheLeaderAlone(t *testing.T) {
	t.Parallel()
	s := noting(t)
	other, err := s.file.open("").Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }() // it has only held a lock
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	bob := &entry{run: func(w *writer) error { return note("bob")(t.Context(), &transaction{w: w, now: s.now()}) }, done: make(chan struct{})}
	s.writer.join(bob)
	if err := s.write(t.Context(), note("ada")); !errors.Is(err, curfew.Unavailable) {
		t.Errorf("the leader: %v", err)
	}
	if n := waiting(s); n != 1 {
		t.Errorf("%d still wait, want 1", n)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context(), note("cyd")); err != nil {
		t.Error(err)
	}
	if <-bob.done; bob.err != nil {
		t.Error(bob.err)
	}
	if got := noted(t, s); !slices.Equal(got, []string{"bob", "cyd"}) {
		t.Errorf("there is %v", got)
	}
}

// A slow one ends its group: nobody waits for many of them.
func TestGroup_NobodyWaitsForManyWhoAreSlow(t *testing.T) {
	t.Parallel()
	s := noting(t)
	s.writer.time = groupTime
	var commits atomic.Int64
	atCommit(t, s, func() bool { commits.Add(1); return true })
	slow := func(ctx context.Context, tx *transaction) error {
		for begun := time.Now(); time.Since(begun) <= groupTime; {
			runtime.Gosched()
		}
		return note("slow")(ctx, tx)
	}
	if err := errors.Join(atOnce(t, s, note("ada"), slow, slow, slow)...); err != nil {
		t.Error(err)
	}
	if got := commits.Load(); got < 3 {
		t.Errorf("%d commits, want one for each that is slow", got)
	}
}

// The goroutine that writes for others may be ended within its own decision: nobody is told
// that anything was saved.
func TestGroup_AnEndedGoroutineSavesNothing(t *testing.T) {
	t.Parallel()
	s := noting(t)
	ends := func(context.Context, *transaction) error { runtime.Goexit(); return nil }
	s.writer.turn <- struct{}{}
	told := [2]error{errAlone, errAlone}
	var callers sync.WaitGroup
	for i, f := range []writing{note("ada"), ends} {
		callers.Go(func() { told[i] = s.write(context.Background(), f) })
		untilWaiting(t, s, i+1)
	}
	s.writer.release()
	callers.Wait()
	if err := s.write(t.Context(), note("bob")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if got := noted(t, s); slices.Contains(got, "ada") != (told[0] == nil) || told[1] == nil {
		t.Errorf("the file has %v, but callers were told %v", got, told)
	}
}

// The file may go before the commit of a group, or during it.
func TestGroup_NobodyIsAcknowledgedOnceTheFileIsGone(t *testing.T) {
	t.Parallel()
	for sentence, unsure := range map[string]bool{"before the commit": false, "during the commit": true} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s := noting(t)
			away := func() {
				if err := os.Rename(s.path, s.path+".away"); err != nil {
					t.Error(err)
				}
			}
			cyd := note("cyd")
			if unsure {
				atCommit(t, s, func() bool { away(); return true })
			} else {
				cyd = func(context.Context, *transaction) error { away(); return nil }
			}
			for i, err := range atOnce(t, s, note("ada"), note("bob"), cyd) {
				if !errors.Is(err, curfew.Unavailable) || strings.Contains(err.Error(), "outcome is not known") != unsure {
					t.Errorf("place %d: %v", i, err)
				}
			}
		})
	}
}

// Whatever happens around them: who is told that it is saved has a row, and nobody else has.
func TestGroup_WhoIsToldSoIsSavedAndNobodyElse(t *testing.T) {
	t.Parallel()
	s := noting(t)
	execute(t, s, `CREATE TABLE picky (name TEXT)`)
	execute(t, s, `CREATE TRIGGER picky AFTER INSERT ON picky BEGIN SELECT RAISE(ROLLBACK, 'picky ends it'); END`)
	chosen := seed.New(t)
	var mu sync.Mutex
	var saved []string
	var callers sync.WaitGroup
	for caller := range 32 {
		dice := seed.Dice(chosen, fmt.Sprint("caller ", caller))
		callers.Go(func() {
			for i := range 12 {
				name := fmt.Sprintf("%02d-%02d", caller, i)
				ctx, cancel := context.WithCancel(t.Context())
				f := note(name)
				switch dice.IntN(6) {
				case 0:
					f = func(ctx context.Context, tx *transaction) error {
						return errors.Join(note(name)(ctx, tx), errors.New("wrong"))
					}
				case 1:
					f = func(ctx context.Context, tx *transaction) error {
						_, err := tx.exec(ctx, "INSERT INTO picky VALUES ('all')")
						return err
					}
				case 2:
					go cancel()
				}
				if err := s.write(ctx, f); err == nil {
					mu.Lock()
					saved = append(saved, name)
					mu.Unlock()
				}
				cancel()
			}
		})
	}
	callers.Wait()
	slices.Sort(saved)
	if got := noted(t, s); !slices.Equal(got, saved) {
		t.Errorf("%d rows are saved, but %d callers were told so", len(got), len(saved))
	}
	if waiting(s) > 0 || len(s.writer.turn) > 0 || len(s.writer.group) > 0 {
		t.Error("somebody still waits, or has the turn")
	}
}
