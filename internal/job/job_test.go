package job_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/job"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

var mara = curfew.Actor{Role: curfew.Admin, ID: "mara"}

// environment is processes on a store.
type environment struct {
	*testing.T
	storetest.Harness
	job.Store
	all sync.WaitGroup
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	h := stores.SQLite(t)
	env := &environment{T: t, Harness: h, Store: h.Store.(job.Store)} //nolint:errcheck,forcetypeassert // both are
	t.Cleanup(env.all.Wait)
	return env
}

// process is one that does this for undos.
func (env *environment) process(work job.Work) *job.Runner {
	return job.New(job.Options{
		Store: env.Store, Work: map[record.JobKind]job.Work{record.UndoJob: work},
		Begin: func(ctx context.Context) (context.Context, func()) {
			env.all.Add(1)
			return context.WithoutCancel(ctx), env.all.Done
		},
	})
}

func (env *environment) start(r *job.Runner) job.Started {
	env.Helper()
	s, err := r.Start(env.Context(), record.Job{Kind: record.UndoJob, Body: "{}", Actor: mara})
	env.must(err)
	return s
}

func (env *environment) must(err error) {
	env.Helper()
	if err != nil {
		env.Fatal(err)
	}
}

func (env *environment) read(id string) record.Job {
	env.Helper()
	j, err := env.Job(env.Context(), id)
	env.must(err)
	return j
}

// until looks again and again until the job is so.
func (env *environment) until(id string, so func(record.Job) bool) record.Job {
	env.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(5 * time.Millisecond) {
		if j := env.read(id); so(j) {
			return j
		}
		if time.Now().After(deadline) {
			env.Fatalf("it is %+v", env.read(id))
		}
	}
}

func ended(j record.Job) bool { return j.State != record.JobRunning }

func TestAJobEndsAsItsWorkDoes(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		work  job.Work
		state record.JobState
		says  [2]string // result, error
	}{
		"it succeeds": {func(_ context.Context, _ record.Job, how lifecycle.Job) (any, error) {
			how.Progress("reviving sessions", 3, 3)
			return []int{1}, nil
		}, record.JobSucceeded, [2]string{"[1]", ""}},
		"it fails, with what it did": {func(context.Context, record.Job, lifecycle.Job) (any, error) {
			return []int{1}, curfew.Errorf(curfew.Conflict, "run 7 has gone")
		}, record.JobFailed, [2]string{"[1]", "run 7 has gone"}},
		"the text of a driver is withheld": {func(context.Context, record.Job, lifecycle.Job) (any, error) {
			return nil, errors.New("password is hunter2")
		}, record.JobFailed, [2]string{"", "it failed inside: the log says why"}},
		"a panic fails it": {func(context.Context, record.Job, lifecycle.Job) (any, error) { panic("no") }, record.JobFailed, [2]string{"", "it failed inside: the log says why"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment(t)
			s := env.start(env.process(c.work))
			if out := <-s.Done; out.GoesOn || (out.Err == nil) != (c.state == record.JobSucceeded) {
				t.Errorf("it came to %+v", out)
			}
			j := env.read(s.Job.ID)
			if j.State != c.state || [2]string{j.Result, j.Error} != c.says || j.RunID == "" {
				t.Errorf("it ended as %+v", j)
			}
		})
	}
}

// What a process that stops gives back, another takes over at once: the same run goes on.
func TestAJobIsGivenBackAndTakenOver(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	one := env.process(func(_ context.Context, _ record.Job, how lifecycle.Job) (any, error) {
		how.Progress("reviving sessions", 222, 559)
		return nil, lifecycle.ErrStopped
	})
	s := env.start(one)
	if out := <-s.Done; !out.GoesOn {
		t.Fatalf("it came to %+v", out)
	}
	if j := env.read(s.Job.ID); ended(j) || j.Done != 222 || j.Total != 559 {
		t.Errorf("it was given back as %+v", j)
	}
	how := make(chan lifecycle.Job, 1)
	other := env.process(func(_ context.Context, _ record.Job, h lifecycle.Job) (any, error) {
		how <- h
		return "whole", nil
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	env.all.Go(func() { one.Run(ctx) }) // it stops: it takes nothing over
	env.all.Go(func() { other.Run(ctx) })
	j := env.until(s.Job.ID, ended)
	if h := <-how; !h.Again || h.RunID != s.Job.RunID || j.State != record.JobSucceeded || j.Attempt != 2 {
		t.Errorf("it went on as %+v, and is %+v", h, j)
	}
	stop()
}

// Whoever has lost a job stops, and leaves it alone.
func TestWhoeverLostAJobStops(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	s := env.start(env.process(func(ctx context.Context, _ record.Job, how lifecycle.Job) (any, error) {
		env.Exec(t, "UPDATE "+env.Schema+"jobs SET holder = 'other', attempt = 2")
		how.Progress("reviving sessions", 1, 2)
		<-ctx.Done()
		return "half", ctx.Err()
	}))
	if out := <-s.Done; !out.GoesOn || out.Err == nil {
		t.Errorf("it came to %+v", out)
	}
	if j := env.read(s.Job.ID); ended(j) || j.Holder != "other" || j.Result != "" {
		t.Errorf("it is %+v", j)
	}
}

// silent is a database that renews one lease at once and answers late, and then not at all.
type silent struct {
	job.Store
	renewed *time.Time
}

func (silent) AddJob(_ context.Context, j record.Job, _, _ time.Duration) (record.Job, error) {
	return j, nil
}

func (s silent) HoldJob(ctx context.Context, j record.Job, _ time.Duration) (record.Job, error) {
	if s.renewed.IsZero() {
		*s.renewed = time.Now()
		<-time.After(4900 * time.Millisecond)
		return j, nil
	}
	<-ctx.Done()
	return record.Job{}, ctx.Err()
}

// Another process may take a job over once its lease has ended, so by then its holder must have stopped.
func TestAHolderStopsBeforeItsLeaseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var renewed, stopped time.Time
		env := &environment{T: t, Store: silent{renewed: &renewed}}
		s := env.start(env.process(func(ctx context.Context, _ record.Job, how lifecycle.Job) (any, error) {
			for n := 0; ctx.Err() == nil; n++ { // there is always progress to write
				how.Progress("reviving sessions", n, 1<<20)
				<-time.After(100 * time.Millisecond)
			}
			stopped = time.Now()
			return nil, ctx.Err()
		}))
		if out := <-s.Done; !out.GoesOn || stopped.Sub(renewed) > record.JobLease*3/4 {
			t.Errorf("it came to %+v, %s after a lease of %s began", out, stopped.Sub(renewed), record.JobLease)
		}
	})
}

func TestAJobIsCancelled(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	r := env.process(func(_ context.Context, _ record.Job, how lifecycle.Job) (any, error) {
		how.Progress("reviving sessions", 1, 2)
		<-how.Stop
		return "half", lifecycle.ErrStopped
	})
	s := env.start(r)
	_, err := r.Cancel(t.Context(), s.Job.ID, mara)
	env.must(err)
	<-s.Done
	j := env.read(s.Job.ID)
	if j.State != record.JobCancelled || j.Result != `"half"` || j.CancelledBy != mara || j.Error != "" {
		t.Errorf("it ended as %+v", j)
	}
	if again, err := r.Cancel(t.Context(), s.Job.ID, mara); err != nil || again.State != record.JobCancelled {
		t.Errorf("cancelled again it is %+v (%v)", again, err)
	}
}

// A job that ends every process does not go on for ever.
func TestAJobThatNobodySurvivesEnds(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t)
	s := env.start(env.process(func(context.Context, record.Job, lifecycle.Job) (any, error) { return nil, lifecycle.ErrStopped }))
	<-s.Done
	env.Exec(t, "UPDATE "+env.Schema+"jobs SET attempt = 10")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := env.process(func(context.Context, record.Job, lifecycle.Job) (any, error) {
		t.Error("it was begun again")
		return nil, nil
	})
	env.all.Go(func() { r.Run(ctx) })
	if j := env.until(s.Job.ID, ended); j.State != record.JobFailed || j.Error == "" {
		t.Errorf("it ended as %+v", j)
	}
	stop()
}
