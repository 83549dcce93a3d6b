package lifecycle

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// maxDryRunNamed is how many sessions a dry run names of each kind.
const maxDryRunNamed = 20

// DryRun is what a full cleanup would end now, with each session checked against its own
// row.
type DryRun struct {
	Stats    curfew.Stats
	Begins   int            // appointments that would begin
	Live     DryRunSessions // live beyond what was bought and the grace
	Assigned DryRunSessions // accepted, and never joined in time
	// Early counts sessions that would end before their own deadline and not as orphans.
	// There must be none.
	Early DryRunSessions
}

// DryRunSessions counts sessions and names the first ones.
type DryRunSessions struct {
	Count    int
	Sessions []curfew.Snapshot
}

func (r *DryRunSessions) add(s curfew.Snapshot) {
	if r.Count++; len(r.Sessions) < maxDryRunNamed {
		r.Sessions = append(r.Sessions, s)
	}
}

// DryRun computes a full cleanup without changing anything. Errors: Unavailable.
func (cl *Cleanups) DryRun(ctx context.Context) (r DryRun, err error) {
	for page, err := range cl.pages(ctx, Cleanup{}) {
		if err != nil {
			return r, fmt.Errorf("dry run a cleanup: %w", err)
		}
		for _, s := range page {
			rule, ok, err := cl.rule(ctx, s, Cleanup{})
			if err != nil {
				return r, fmt.Errorf("dry run a cleanup: %w", err)
			}
			if ok {
				cl.countDryRun(&r, s, rule)
			}
		}
	}
	return r, nil
}

func (cl *Cleanups) countDryRun(r *DryRun, s curfew.Snapshot, rule record.Rule) {
	if rule.Name == curfew.Due {
		r.Begins++
		return
	}
	r.Stats.Count(rule.Name, s.Offered())
	switch {
	case s.Status == curfew.Live:
		r.Live.add(s)
	case s.Assigned():
		r.Assigned.add(s)
	}
	if !cl.provenDue(s, rule) {
		r.Early.add(s)
	}
}

// provenDue checks the row itself, not the query that found it.
func (cl *Cleanups) provenDue(s curfew.Snapshot, rule record.Rule) bool {
	if rule.Name == curfew.Orphans && s.MechanicID == "" && s.Now.Sub(s.CreatedAt) > cl.rules.policy.OrphanTTL {
		return true
	}
	return !s.ExpiresAt.IsZero() && s.ExpiresAt.Before(s.Now)
}
