package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

type selection struct {
	CustomerID    string   `query:"customerId" doc:"Only this customer's sessions"`
	Rules         []string `query:"rules" maxItems:"10" doc:"Only these rules"`
	MaxAgeMinutes int      `query:"maxAgeMinutes" minimum:"1" maximum:"5256000" doc:"Replaces the deadline of unassigned sessions by their creation + this age"`
}

func (s *Server) previewCleanup(ctx context.Context, c call, in *selection) (*answered[api.Preview], error) {
	what, err := cleanup(c.actor, in.CustomerID, in.Rules, in.MaxAgeMinutes, "")
	if err != nil {
		return nil, err
	}
	p, err := s.engine.Preview(ctx, what)
	return okay(PreviewJSON(p), err)
}

// cleanup is what a caller asks for, in lifecycle's words.
func cleanup(by curfew.Actor, customerID string, names []string, minutes int, reason string) (lifecycle.Cleanup, error) {
	rules, err := curfew.ParseRules(names)
	if err == nil {
		err = curfew.CheckText("reason", reason)
	}
	if err == nil && customerID != "" {
		err = curfew.CheckID("customerId", customerID)
	}
	return lifecycle.Cleanup{
		CustomerID: customerID, Rules: rules, MaxAge: time.Duration(minutes) * time.Minute, Reason: reason,
		Trigger: curfew.ByAPI, Actor: by,
	}, err
}

type cleaning struct {
	Body api.Cleanup
}

type cleaned = answered[previewOrResult]

// previewOrResult is what the route answers with: api.Preview for a dry run,
// else api.CleanupResult.
type previewOrResult struct{ is any }

// MarshalJSON implements json.Marshaler.
func (p previewOrResult) MarshalJSON() ([]byte, error) { return json.Marshal(p.is) }

// Schema implements huma.SchemaProvider.
func (previewOrResult) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		r.Schema(reflect.TypeFor[api.CleanupResult](), true, ""), r.Schema(reflect.TypeFor[api.Preview](), true, ""),
	}}
}

func (s *Server) runCleanup(ctx context.Context, c call, in *cleaning) (*cleaned, error) {
	b := in.Body
	minutes := 0
	if b.MaxAgeMinutes != nil {
		minutes = *b.MaxAgeMinutes
	}
	what, err := cleanup(c.actor, b.CustomerID, b.Rules, minutes, b.Reason)
	switch {
	case err != nil:
		return nil, err
	case b.PreviewID != "":
		return s.executePreview(ctx, b, what)
	case b.DryRun:
		p, err := s.engine.StorePreview(ctx, what)
		return okay(previewOrResult{PreviewJSON(p)}, err)
	}
	run, err := s.engine.RunCleanup(ctx, what)
	return s.ran(ctx, run, nil, err)
}

func (s *Server) executePreview(ctx context.Context, b api.Cleanup, what lifecycle.Cleanup) (*cleaned, error) {
	if b.DryRun || b.CustomerID != "" || len(b.Rules) > 0 || b.MaxAgeMinutes != nil {
		return nil, curfew.Errorf(curfew.Invalid,
			"a preview says already what is cleaned: previewId goes without dryRun, customerId, rules and maxAgeMinutes")
	}
	id := canonical(b.PreviewID)
	if id == "" {
		return nil, errNoPreview
	}
	run, drifted, err := s.engine.ExecutePreview(ctx, id, what)
	return s.ran(ctx, run, drifted, hidden(err, errNoPreview))
}

var errNoPreview = curfew.Errorf(curfew.NotFound, "there is no such preview: they are kept for a day")

// ran answers with what a run did. One that failed underway says what it had
// committed; one that could not begin is a plain problem.
func (s *Server) ran(ctx context.Context, run curfew.Run, drifted []lifecycle.Drift, err error) (*cleaned, error) {
	if err == nil {
		return okay(previewOrResult{RunJSON(run, drifted)}, nil)
	}
	if run.StartedAt.IsZero() {
		return nil, err
	}
	f := s.fail(ctx, errors.New(err.Error())) // without its kind: whatever broke it, the run is broken
	result := RunJSON(run, drifted)
	result.Success = false
	f.CleanupResult = &result
	return nil, f
}

// PreviewJSON is a preview as the API shows it.
func PreviewJSON(p curfew.Preview) api.Preview {
	stats := p.Stats()
	out := api.Preview{
		WouldClean: api.WouldClean{
			ExpiredRequests: stats.ExpiredRequests, OldWaitingSessions: stats.OldWaitingSessions,
			PotentialOrphans: stats.OrphanedSessions, NoShows: stats.NoShows, Overran: stats.Overran,
			ScheduledMissed: stats.ScheduledMissed, Total: stats.TotalCleaned,
		},
		Items: make([]api.PreviewItem, len(p.Items)), Truncated: p.Truncated,
		Tip: "Use POST method to actually clean these up",
	}
	if p.ID != "" {
		out.PreviewID = &p.ID
	}
	for i, it := range p.Items {
		out.Items[i] = api.PreviewItem{
			SessionID: it.SessionID, RequestID: it.RequestID, CustomerID: it.CustomerID, Rule: string(it.Rule),
			AgeSeconds: int64(it.Age / time.Second), Version: it.Version, Reason: string(it.Reason), Owed: string(it.Owed),
		}
	}
	return out
}

// RunJSON is what a run did as the API shows it.
func RunJSON(run curfew.Run, drifted []lifecycle.Drift) api.CleanupResult {
	out := api.CleanupResult{
		Success: run.Outcome == curfew.RunSucceeded, Message: "Session cleanup completed", RunID: run.ID,
		Stats: api.CleanupStats(run.Stats), Drifted: make([]api.Drift, len(drifted)),
	}
	if !out.Success {
		out.Message = "Session cleanup failed: what the stats count is done, the rest is not"
	}
	if n := run.Stats.SetApart; !out.Success && n > 0 {
		out.Message = fmt.Sprintf("Session cleanup failed for %d of what is due, which is set apart and tried again later", n)
	}
	for i, d := range drifted {
		out.Drifted[i] = api.Drift{SessionID: d.SessionID, Why: d.Why}
	}
	return out
}

func (s *Server) listRuns(ctx context.Context, _ call, in *paged) (*answered[api.Runs], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	runs, err := s.engine.Runs(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	runs, next := cut(runs, in.Limit, func(r curfew.Run) curfew.Cursor { return curfew.Cursor{At: r.StartedAt, ID: r.ID} })
	return okay(runsJSON(runs, next), nil)
}

func runsJSON(runs []curfew.Run, next *string) api.Runs {
	all := api.Runs{Runs: make([]api.Run, len(runs)), NextCursor: next}
	for i, r := range runs {
		all.Runs[i] = api.Run{
			ID: r.ID, Trigger: string(r.Trigger), Actor: r.Actor.String(), Reason: r.Reason,
			StartedAt: r.StartedAt.UTC(), FinishedAt: moment(r.FinishedAt), Outcome: string(r.Outcome),
			Error: r.Error, Stats: api.CleanupStats(r.Stats), Undoable: r.Undoable(), Undoes: r.Undoes, UndoneBy: r.UndoneBy,
		}
	}
	return all
}
