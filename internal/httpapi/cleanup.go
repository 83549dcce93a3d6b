package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
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
	jobs     jobHandlers
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

type cleanupResponse = worked[previewOrResult]

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
	problem.RequestOf(ctx).Describe(b.CustomerID, "", "")
	what, err := parseCleanup(c.Actor, b)
	switch {
	case err != nil:
		return nil, err
	case b.PreviewID != "":
		err = h.checkPreview(ctx, b, what)
	case len(b.Only)+len(b.Except) > 0:
		err = curfew.Errorf(curfew.Invalid, "only and except choose rows of a preview: give its previewId")
	case b.DryRun:
		p, err := h.keeper.Cleanups.StorePreview(ctx, what)
		return &cleanupResponse{Status: http.StatusOK, Body: answerOf[previewOrResult]{wire.Preview(p)}}, err
	}
	if err == nil && b.PreviewID == "" {
		err = h.keeper.Cleanups.MayRun(ctx, "", what)
	}
	if err != nil {
		return nil, err
	}
	out, did, err := started[previewOrResult](ctx, h.jobs, record.Job{Kind: record.CleanupJob, Actor: c.Actor}, b)
	if result, ok := did.(api.CleanupResult); ok && err != nil {
		return nil, h.failed(ctx, result, err)
	}
	return out, err
}

func (h cleanupHandlers) checkPreview(ctx context.Context, b api.Cleanup, what lifecycle.Cleanup) error {
	if b.DryRun || b.CustomerID != "" || len(b.Rules) > 0 || b.MaxAgeMinutes != nil {
		return curfew.Errorf(curfew.Invalid,
			"previewId cannot be combined with dryRun, customerId, rules or maxAgeMinutes: the preview already says what is cleaned up")
	}
	id := wire.CanonicalID(b.PreviewID)
	if id == "" {
		return errNoPreview
	}
	return hidden(h.keeper.Cleanups.MayRun(ctx, id, what), errNoPreview)
}

var errNoPreview = curfew.Errorf(curfew.NotFound, "there is no such preview: previews are kept for a day")

// failed returns the problem of a failed run. If the run had begun, it says what was committed.
func (h cleanupHandlers) failed(ctx context.Context, result api.CleanupResult, err error) error {
	f := h.problems.From(ctx, errors.New(err.Error())) // without its kind: the run failed, whatever the cause
	f.CleanupResult = &result
	return f
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

func (h cleanupHandlers) undo(ctx context.Context, c auth.Request, in *undoInput) (*worked[api.Undone], error) {
	id := wire.CanonicalID(c.ID)
	if id == "" {
		return nil, errNoRun
	}
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	if err := h.keeper.Cleanups.MayUndo(ctx, id); err != nil {
		return nil, hidden(err, errNoRun)
	}
	out, _, err := started[api.Undone](ctx, h.jobs, record.Job{Kind: record.UndoJob, Actor: c.Actor}, undoBody{id, in.Body})
	return out, hidden(err, errNoRun)
}
