package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/job"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

const (
	// answerWithin is how long a call that starts a job waits for it to end.
	answerWithin = 2 * time.Second
	// defaultWindow is how far back a comparison looks by default.
	defaultWindow = 72 * time.Hour
)

// jobHandlers start jobs and report their state.
type jobHandlers struct {
	runner *job.Runner
	within time.Duration
	// asksProvider reports that there is a provider to compare with.
	asksProvider bool
}

// worked is the response of a route that starts a job: 200 with a T if the job ends at once,
// otherwise 202 with an api.Job and its location.
type worked[T any] struct {
	Status   int
	Location string `header:"Location"`
	Body     answerOf[T]
}

type answerOf[T any] struct{ is any }

// MarshalJSON implements json.Marshaler.
func (a answerOf[T]) MarshalJSON() ([]byte, error) { return json.Marshal(a.is) }

// Schema implements huma.SchemaProvider.
func (answerOf[T]) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, "")
}

// started responds with the result of a job, or with its location if it is still running. The
// returned err is the job's error; answer is what it did nevertheless, or nil if it did not begin.
func started[T any](ctx context.Context, h jobHandlers, j record.Job, body any) (out *worked[T], answer any, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	j.Body = string(text)
	begun, err := h.runner.Start(ctx, j)
	if err != nil {
		return nil, nil, err
	}
	problem.RequestOf(ctx).Describe("", begun.Job.RunID, "")
	late := time.NewTimer(h.within)
	defer late.Stop()
	select {
	case done := <-begun.Done:
		if done.Err != nil && !done.GoesOn {
			return nil, done.Answer, done.Err
		}
		if !done.GoesOn {
			return &worked[T]{Status: http.StatusOK, Body: answerOf[T]{done.Answer}}, done.Answer, nil
		}
	case <-late.C:
	case <-ctx.Done():
	}
	return &worked[T]{http.StatusAccepted, "/api/debug/jobs/" + begun.Job.ID, answerOf[T]{h.stands(ctx, begun.Job)}}, nil, nil
}

// stands returns the job's current state, or the last known one.
func (h jobHandlers) stands(ctx context.Context, j record.Job) api.Job {
	if now, err := h.runner.Job(ctx, j.ID); err == nil {
		j = now
	}
	return wire.Job(j)
}

func (h jobHandlers) list(ctx context.Context, _ auth.Request, in *pageInput) (*response[api.Jobs], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	jobs, err := h.runner.Jobs(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	jobs, next := wire.Page(jobs, in.Limit, func(j record.Job) curfew.Cursor { return curfew.Cursor{At: j.CreatedAt, ID: j.ID} })
	return okay(wire.Jobs(jobs, next), nil)
}

var errNoJob = curfew.Errorf(curfew.NotFound, "there is no such job: GET /api/debug/jobs lists them; they are kept for 30 days")

func (h jobHandlers) read(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Job], error) {
	j, err := h.runner.Job(ctx, wire.CanonicalID(c.ID))
	return okay(wire.Job(j), hidden(err, errNoJob))
}

func (h jobHandlers) cancel(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Job], error) {
	j, err := h.runner.Cancel(ctx, wire.CanonicalID(c.ID), c.Actor)
	problem.RequestOf(ctx).Describe("", j.ID, "")
	return okay(wire.Job(j), hidden(err, errNoJob))
}

type reconcileInput struct {
	Body api.Reconcile
}

func (h jobHandlers) reconcile(ctx context.Context, c auth.Request, in *reconcileInput) (*worked[api.Reconciliation], error) {
	if !h.asksProvider {
		return nil, curfew.Errorf(curfew.Invalid, "no provider is set up to reconcile with: set stripe.api_key")
	}
	out, _, err := started[api.Reconciliation](ctx, h, record.Job{Kind: record.ReconcileJob, Actor: c.Actor}, in.Body)
	return out, err
}

// jobWork returns the work for each kind of job.
func jobWork(keeper *lifecycle.Keeper) map[record.JobKind]job.Work {
	w := work{keeper}
	return map[record.JobKind]job.Work{
		record.CleanupJob: decoded(w.cleanup), record.UndoJob: decoded(w.undo), record.ReconcileJob: decoded(w.reconcile),
	}
}

// decoded turns a function that takes the decoded request into work.
func decoded[T any](do func(context.Context, record.Job, T, lifecycle.Job) (any, error)) job.Work {
	return func(ctx context.Context, j record.Job, how lifecycle.Job) (any, error) {
		var body T
		if err := json.Unmarshal([]byte(j.Body), &body); err != nil {
			return nil, curfew.Errorf(curfew.Invalid, "what job %s asks for cannot be read by this release", j.ID)
		}
		return do(ctx, j, body, how)
	}
}

type work struct{ keeper *lifecycle.Keeper }

func (w work) cleanup(ctx context.Context, j record.Job, b api.Cleanup, how lifecycle.Job) (any, error) {
	what, err := parseCleanup(j.Actor, b)
	if err != nil {
		return nil, err
	}
	what.Job = how
	var run curfew.Run
	var drifted []lifecycle.Drift
	if b.PreviewID != "" {
		run, drifted, err = w.keeper.Cleanups.ExecutePreview(ctx, wire.CanonicalID(b.PreviewID), what)
	} else {
		run, err = w.keeper.Cleanups.RunCleanup(ctx, what)
	}
	if run.StartedAt.IsZero() {
		return nil, err
	}
	result := wire.CleanupResult(run, drifted)
	result.Success = result.Success && err == nil
	return result, err
}

// undoBody is the request of an undo.
type undoBody struct {
	RunID string `json:"runId"`
	api.Undo
}

func (w work) undo(ctx context.Context, j record.Job, b undoBody, how lifecycle.Job) (any, error) {
	u, err := w.keeper.Cleanups.Undo(ctx, lifecycle.Undo{RunID: b.RunID, Reason: b.Reason, Trigger: curfew.ByAPI, Actor: j.Actor, Job: how})
	if u.Run.StartedAt.IsZero() {
		return nil, err
	}
	return wire.Undone(u), err
}

func (w work) reconcile(ctx context.Context, _ record.Job, b api.Reconcile, how lifecycle.Job) (any, error) {
	window := defaultWindow
	if b.SinceHours > 0 {
		window = time.Duration(b.SinceHours) * time.Hour
	}
	r, err := w.keeper.Payments.ReconcileJob(ctx, window, how)
	if errors.Is(err, curfew.Invalid) {
		return nil, err
	}
	return wire.Reconciliation(r), err
}

func parseCleanup(by curfew.Actor, b api.Cleanup) (lifecycle.Cleanup, error) {
	minutes := 0
	if b.MaxAgeMinutes != nil {
		minutes = *b.MaxAgeMinutes
	}
	what, err := wire.ParseCleanup(by, b.CustomerID, b.Rules, minutes, b.Reason)
	what.Only, what.Except = b.Only, b.Except
	return what, err
}
