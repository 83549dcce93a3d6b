package job

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

const (
	// keep is how long jobs that have ended are remembered.
	keep = 30 * 24 * time.Hour
	// lookEvery is how often a process looks for jobs without a holder.
	lookEvery = 5 * time.Second
	// maxAttempts is how often a job is started: one that kills every process must not go on for ever.
	maxAttempts = 10
)

// Store stores jobs. Errors: Conflict where another has the job or it has ended, NotFound, Unavailable.
type Store interface {
	AddJob(ctx context.Context, j record.Job, lease, keep time.Duration) (record.Job, error)
	Job(ctx context.Context, id string) (record.Job, error)
	Jobs(ctx context.Context, after curfew.Cursor, limit int) ([]record.Job, error)
	ClaimJob(ctx context.Context, holder string, lease time.Duration) (record.Job, error)
	HoldJob(ctx context.Context, j record.Job, lease time.Duration) (record.Job, error)
	EndJob(ctx context.Context, j record.Job) (record.Job, error)
	CancelJob(ctx context.Context, id string, by curfew.Actor) (record.Job, error)
}

// Work carries out a job. It returns the whole result, even after a failure, or nil if it did not begin. It
// must be safe to repeat from the start.
type Work func(ctx context.Context, j record.Job, how lifecycle.Job) (answer any, err error)

// Options of a runner. All but Logger are required.
type Options struct {
	Store Store
	Work  map[record.JobKind]Work
	// Begin makes the context of a piece of work, which does not end with its caller, and a function that
	// ends it.
	Begin  func(context.Context) (context.Context, func())
	Logger *slog.Logger
}

// Runner carries out jobs. Its methods are safe for concurrent use.
type Runner struct {
	Options
	holder   string      // names this process
	attempts sync.Map    // by the job's id: what this process carries out
	stopping atomic.Bool // this process is about to end: it begins nothing more
}

// New returns a runner. Run takes over jobs without a holder.
func New(o Options) *Runner {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Runner{Options: o, holder: newID()}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Started is a job that this process has begun.
type Started struct {
	Job  record.Job
	Done <-chan Outcome // receives once
}

// Outcome is how this process ended its work on a job.
type Outcome struct {
	Answer any   // nil: there is none
	Err    error // why it failed
	// GoesOn reports that the job has not ended: another process carries it on.
	GoesOn bool
}

// Start begins a job, with a run of its own unless it has none. The context ends the call, not the job.
func (r *Runner) Start(ctx context.Context, j record.Job) (Started, error) {
	j.ID, j.Holder, j.Total = newID(), r.holder, -1
	if j.Kind != record.ReconcileJob {
		j.RunID = newID()
	}
	j, err := r.Store.AddJob(ctx, j, record.JobLease, keep)
	if err != nil {
		return Started{}, err
	}
	return Started{j, r.begin(ctx, j)}, nil
}

// begin carries out a job that this process holds.
func (r *Runner) begin(ctx context.Context, j record.Job) <-chan Outcome {
	ctx, end := r.Begin(ctx)
	done := make(chan Outcome, 1)
	a := newAttempt(r, j)
	r.attempts.Store(j.ID, a)
	go func() {
		defer end()
		defer r.attempts.CompareAndDelete(j.ID, a)
		done <- a.carryOut(ctx)
	}()
	return done
}

// Run takes over jobs without a holder, until the context ends.
func (r *Runner) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		for r.takeOver(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// takeOver takes one job over, and reports whether there may be more.
func (r *Runner) takeOver(ctx context.Context) bool {
	if r.stopping.Load() || ctx.Err() != nil {
		return false
	}
	j, err := r.Store.ClaimJob(ctx, r.holder, record.JobLease)
	if err != nil {
		if !errors.Is(err, curfew.NotFound) && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "jobs that nobody carries out could not be looked for", "error", err)
		}
		return false
	}
	r.Logger.InfoContext(ctx, "a job goes on here", "job", j.ID, "kind", j.Kind, "attempt", j.Attempt)
	r.begin(ctx, j)
	return true
}

// Job returns the job with this id.
func (r *Runner) Job(ctx context.Context, id string) (record.Job, error) { return r.Store.Job(ctx, id) }

// Jobs returns jobs, newest first, behind the cursor.
func (r *Runner) Jobs(ctx context.Context, after curfew.Cursor, limit int) ([]record.Job, error) {
	return r.Store.Jobs(ctx, after, limit)
}

// Cancel asks a job to stop between two steps. What it has done stays. One that has ended is left as it is.
func (r *Runner) Cancel(ctx context.Context, id string, by curfew.Actor) (record.Job, error) {
	j, err := r.Store.CancelJob(ctx, id, by)
	if errors.Is(err, curfew.Conflict) {
		return r.Store.Job(ctx, id)
	}
	if a, ok := r.attempts.Load(id); ok && err == nil { // another process notices it when it renews its lease
		a.(*attempt).heed(j) //nolint:errcheck,forcetypeassert // nothing else is in there
	}
	return j, err
}
