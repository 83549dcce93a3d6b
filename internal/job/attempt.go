package job

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

const (
	// reportEvery is how often progress is written, if there is any, and renewEvery how often the lease is
	// renewed without.
	reportEvery = 500 * time.Millisecond
	renewEvery  = record.JobLease / 5
	// giveUpAfter is how long a holder works on after it last asked for a lease and got it. The rest of the lease is for
	// the work to notice.
	giveUpAfter = record.JobLease * 2 / 3
	// writeTimeout limits each write.
	writeTimeout = 5 * time.Second
)

// errLost cancels the work of a holder that has lost the job.
var errLost = curfew.Errorf(curfew.Conflict, "another process carries this job on")

// attempt is a job in the hands of this process.
type attempt struct {
	*Runner
	stop   chan struct{} // closed when somebody asks the job to stop
	asking sync.Once

	mu      sync.Mutex
	job     record.Job // with the latest progress
	changed bool       // since it was written
}

func newAttempt(r *Runner, j record.Job) *attempt {
	a := &attempt{Runner: r, job: j, stop: make(chan struct{})}
	a.heed(j)
	return a
}

// heed stops the work if that was requested.
func (a *attempt) heed(j record.Job) {
	if j.CancelledBy != (curfew.Actor{}) {
		a.asking.Do(func() { close(a.stop) })
	}
}

func (a *attempt) cancelled() bool {
	select {
	case <-a.stop:
		return true
	default:
		return false
	}
}

// carryOut does the work while it renews the lease, and writes how it ended.
func (a *attempt) carryOut(ctx context.Context) Outcome {
	if a.job.Attempt > maxAttempts {
		return a.end(ctx, nil, curfew.Errorf(curfew.Unavailable, "it was begun %d times, and every time its process ended", maxAttempts))
	}
	working, cancel := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	over := make(chan struct{})
	renewing.Go(func() { a.renew(working, cancel, over) })
	answer, err := a.work(working)
	close(over)
	renewing.Wait()
	lost := errors.Is(context.Cause(working), errLost)
	cancel(nil)
	switch {
	case lost:
		a.Logger.WarnContext(ctx, "a job was lost: another process carries it on", "job", a.job.ID)
		return Outcome{Err: errLost, GoesOn: true}
	case a.interrupted(ctx, err):
		return a.release(ctx, err)
	}
	return a.end(ctx, answer, err)
}

// interrupted reports whether the work ended only because the process is about to.
func (a *attempt) interrupted(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, lifecycle.ErrStopped) && !a.cancelled())
}

// work calls the work, and survives its panic.
func (a *attempt) work(ctx context.Context) (answer any, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			a.Logger.ErrorContext(ctx, "a job panicked", "job", a.job.ID, "panic", panicked, "stack", string(debug.Stack()))
			answer, err = nil, curfew.Internal
		}
	}()
	work, ok := a.Work[a.job.Kind]
	if !ok {
		return nil, curfew.Errorf(curfew.Invalid, "this release knows no job of kind %q", a.job.Kind)
	}
	return work(ctx, a.job, lifecycle.Job{RunID: a.job.RunID, Again: a.job.Attempt > 1, Stop: a.stop, Progress: a.note})
}

// note records the progress of the work.
func (a *attempt) note(phase string, done, total int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := record.JobProgress{Phase: phase, Done: int64(done), Total: int64(total)}
	a.changed = a.changed || now != a.job.JobProgress
	a.job.JobProgress = now
}

// renew writes progress and renews the lease until the work is over. It cancels the work once the lease is lost, or
// may soon be.
func (a *attempt) renew(ctx context.Context, cancel context.CancelCauseFunc, over <-chan struct{}) {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for held := time.Now(); ; {
		select {
		case <-over:
			return
		case <-ticker.C:
		}
		asked := time.Now()
		j, due := a.toWrite(asked.Sub(held))
		if !due {
			continue
		}
		writing, end := context.WithTimeout(context.WithoutCancel(ctx), min(writeTimeout, giveUpAfter-asked.Sub(held)))
		now, err := a.Store.HoldJob(writing, j, record.JobLease)
		end()
		switch {
		case err == nil:
			held = asked // the lease began later
			a.heed(now)
		case errors.Is(err, curfew.Conflict), time.Since(held) >= giveUpAfter:
			cancel(errLost)
			return
		default:
			a.Logger.WarnContext(ctx, "a job could not say that it goes on", "job", j.ID, "error", err)
		}
	}
}

// toWrite returns the job for writing, if it is time to.
func (a *attempt) toWrite(since time.Duration) (record.Job, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	due := a.changed || since >= renewEvery
	if due {
		a.changed = false
	}
	return a.job, due
}

// release gives a job back, for another process to carry it on at once.
func (a *attempt) release(ctx context.Context, cause error) Outcome {
	a.stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if _, err := a.Store.HoldJob(ctx, a.job, 0); err != nil {
		a.Logger.WarnContext(ctx, "a job could not be given back: it goes on once its lease has ended", "job", a.job.ID, "error", err)
	} else {
		a.Logger.InfoContext(ctx, "a job was given back, because this process stops", "job", a.job.ID)
	}
	return Outcome{Err: cause, GoesOn: true}
}

// end writes how the job ended. If that fails the job goes on once its lease has ended.
func (a *attempt) end(ctx context.Context, answer any, failed error) Outcome {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	j := a.job
	j.State = record.JobSucceeded
	if failed != nil {
		j.State, j.Error = record.JobFailed, textOf(failed)
	}
	if failed != nil && a.cancelled() && errors.Is(failed, lifecycle.ErrStopped) {
		j.State, j.Error = record.JobCancelled, ""
	}
	if answer != nil {
		text, err := json.Marshal(answer)
		if err != nil {
			a.Logger.ErrorContext(ctx, "the answer of a job could not be written", "job", j.ID, "error", err)
		}
		j.Result = string(text)
	}
	if _, err := a.Store.EndJob(ctx, j); err != nil {
		a.Logger.ErrorContext(ctx, "the end of a job could not be written", "job", j.ID, "error", err)
	}
	return Outcome{Answer: answer, Err: failed}
}

// textOf is why a job failed, safe to show. A driver's text belongs in the log.
func textOf(err error) string {
	if known, ok := errors.AsType[*curfew.Error](err); ok && known.Kind != curfew.Internal && known.Message != "" {
		return known.Message
	}
	return "it failed inside: the log says why"
}
