package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type previewInput struct {
	CustomerID    string   `query:"customerId" doc:"Only this customer's sessions"`
	Rules         []string `query:"rules" maxItems:"10" doc:"Only these rules"`
	MaxAgeMinutes int      `query:"maxAgeMinutes" minimum:"1" maximum:"5256000" doc:"Replaces the deadline of unassigned sessions by their creation + this age"`
}

// cleanupHandlers handle cleanups and the record of their runs.
type cleanupHandlers struct {
	keeper   *lifecycle.Keeper
	problems problem.Writer
}

func (h cleanupHandlers) preview(ctx context.Context, c auth.Request, in *previewInput) (*response[api.Preview], error) {
	what, err := wire.ParseCleanup(c.Actor, in.CustomerID, in.Rules, in.MaxAgeMinutes, "")
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(in.CustomerID, "", "")
	p, err := h.keeper.Cleanups.Preview(ctx, what)
	return okay(wire.Preview(p), err)
}

type cleanupInput struct {
	Body api.Cleanup
}

type cleanupResponse = response[previewOrResult]

// previewOrResult is the response's body: an api.Preview for a dry run, otherwise an api.CleanupResult.
type previewOrResult struct{ is any }

// MarshalJSON implements json.Marshaler.
func (p previewOrResult) MarshalJSON() ([]byte, error) { return json.Marshal(p.is) }

// Schema implements huma.SchemaProvider.
func (previewOrResult) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		r.Schema(reflect.TypeFor[api.CleanupResult](), true, ""), r.Schema(reflect.TypeFor[api.Preview](), true, ""),
	}}
}

func (h cleanupHandlers) run(ctx context.Context, c auth.Request, in *cleanupInput) (*cleanupResponse, error) {
	b := in.Body
	minutes := 0
	if b.MaxAgeMinutes != nil {
		minutes = *b.MaxAgeMinutes
	}
	problem.RequestOf(ctx).Describe(b.CustomerID, "", "")
	what, err := wire.ParseCleanup(c.Actor, b.CustomerID, b.Rules, minutes, b.Reason)
	switch {
	case err != nil:
		return nil, err
	case b.PreviewID != "":
		return h.executePreview(ctx, b, what)
	case b.DryRun:
		p, err := h.keeper.Cleanups.StorePreview(ctx, what)
		return okay(previewOrResult{wire.Preview(p)}, err)
	}
	run, err := h.keeper.Cleanups.RunCleanup(ctx, what)
	return h.ran(ctx, run, nil, err)
}

func (h cleanupHandlers) executePreview(ctx context.Context, b api.Cleanup, what lifecycle.Cleanup) (*cleanupResponse, error) {
	if b.DryRun || b.CustomerID != "" || len(b.Rules) > 0 || b.MaxAgeMinutes != nil {
		return nil, curfew.Errorf(curfew.Invalid,
			"previewId cannot be combined with dryRun, customerId, rules or maxAgeMinutes: the preview already says what is cleaned up")
	}
	id := wire.CanonicalID(b.PreviewID)
	if id == "" {
		return nil, errNoPreview
	}
	run, drifted, err := h.keeper.Cleanups.ExecutePreview(ctx, id, what)
	return h.ran(ctx, run, drifted, hidden(err, errNoPreview))
}

var errNoPreview = curfew.Errorf(curfew.NotFound, "there is no such preview: previews are kept for a day")

// ran responds with what a run did. The problem of a run that failed underway says what it had committed; the problem of one
// that could not begin does not.
func (h cleanupHandlers) ran(ctx context.Context, run curfew.Run, drifted []lifecycle.Drift, err error) (*cleanupResponse, error) {
	problem.RequestOf(ctx).Describe("", run.ID, "")
	if err == nil {
		return okay(previewOrResult{wire.CleanupResult(run, drifted)}, nil)
	}
	if run.StartedAt.IsZero() {
		return nil, err
	}
	f := h.problems.From(ctx, errors.New(err.Error())) // without its kind: whatever the cause, the run failed
	result := wire.CleanupResult(run, drifted)
	result.Success = false
	f.CleanupResult = &result
	return nil, f
}

func (h cleanupHandlers) runs(ctx context.Context, _ auth.Request, in *pageInput) (*response[api.Runs], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	runs, err := h.keeper.Cleanups.Runs(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	runs, next := wire.Page(runs, in.Limit, func(r curfew.Run) curfew.Cursor { return curfew.Cursor{At: r.StartedAt, ID: r.ID} })
	return okay(wire.Runs(runs, next), nil)
}

type undoInput struct {
	ID   string `path:"id"`
	Body api.Undo
}

var errNoRun = curfew.Errorf(curfew.NotFound, "there is no such run: GET /api/debug/cleanup-runs lists them")

func (h cleanupHandlers) undo(ctx context.Context, c auth.Request, in *undoInput) (*response[api.Undone], error) {
	id := wire.CanonicalID(c.ID)
	if id == "" {
		return nil, errNoRun
	}
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	u, err := h.keeper.Cleanups.Undo(ctx, lifecycle.Undo{RunID: id, Reason: in.Body.Reason, Trigger: curfew.ByAPI, Actor: c.Actor})
	return okay(wire.Undone(u), hidden(err, errNoRun))
}
