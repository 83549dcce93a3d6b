package wire

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// Preview converts a preview. Its id is null unless it is stored.
func Preview(p curfew.Preview) api.Preview {
	stats := p.Stats()
	out := api.Preview{
		WouldClean: api.WouldClean{
			ExpiredRequests: stats.ExpiredRequests, OldWaitingSessions: stats.OldWaitingSessions,
			PotentialOrphans: stats.OrphanedSessions, Unattended: stats.Unattended, NoShows: stats.NoShows, Overran: stats.Overran,
			ScheduledMissed: stats.ScheduledMissed, Total: stats.TotalCleaned, Forgotten: stats.Forgotten,
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
			Adopted: adopted(it.AdoptedFrom, it.AdoptedID),
		}
	}
	return out
}

// CleanupResult converts what a run did, and the sessions it left alone because they had changed since the preview.
func CleanupResult(run curfew.Run, drifted []lifecycle.Drift) api.CleanupResult {
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
		out.Drifted[i] = api.Drift(d)
	}
	return out
}

// Runs converts a page of the record of cleanups. A nil next means that it is the last page.
func Runs(runs []curfew.Run, next *string) api.Runs {
	all := api.Runs{Runs: make([]api.Run, len(runs)), NextCursor: next}
	for i, r := range runs {
		all.Runs[i] = api.Run{
			ID: r.ID, Trigger: string(r.Trigger), Actor: r.Actor.String(), Reason: r.Reason,
			StartedAt: r.StartedAt.UTC(), FinishedAt: OptionalTime(r.FinishedAt), Outcome: string(r.Outcome),
			Error: r.Error, Stats: api.CleanupStats(r.Stats), Undoable: r.Undoable(), Undoes: r.Undoes, UndoneBy: r.UndoneBy,
		}
	}
	return all
}

// Undone converts what an undo did.
func Undone(u lifecycle.Undone) api.Undone {
	out := api.Undone{
		Revived: make([]api.Revived, len(u.Revived)), NotRevived: make([]api.NotRevived, len(u.NotRevived)), RunID: u.Run.ID,
	}
	for i, r := range u.Revived {
		out.Revived[i] = api.Revived(r)
	}
	for i, n := range u.NotRevived {
		out.NotRevived[i] = api.NotRevived(n)
	}
	return out
}

// ParseCleanup reads what a caller wants to clean up. The error's kind is Invalid.
func ParseCleanup(by curfew.Actor, customerID string, names []string, minutes int, reason string) (lifecycle.Cleanup, error) {
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
