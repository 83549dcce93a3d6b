package lifecycle

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
)

// maxRehearsed is how many sessions a rehearsal names of each kind.
const maxRehearsed = 20

// Rehearsal is what a full cleanup would end now, each of it held against its
// own row.
type Rehearsal struct {
	Stats    curfew.Stats
	Begins   int       // appointments that would begin
	Live     Rehearsed // in a conversation, beyond what was bought and the grace
	Assigned Rehearsed // accepted, and never joined in time
	// Early is what would end before its own deadline though no rule for orphans
	// says so: always none.
	Early Rehearsed
}

// Rehearsed counts sessions and names the first.
type Rehearsed struct {
	Count    int
	Sessions []curfew.Standing
}

func (r *Rehearsed) add(s curfew.Standing) {
	if r.Count++; len(r.Sessions) < maxRehearsed {
		r.Sessions = append(r.Sessions, s)
	}
}

// Rehearse walks through a full cleanup to its end and changes nothing.
func (cl *Cleanups) Rehearse(ctx context.Context) (r Rehearsal, err error) {
	for page, err := range cl.pages(ctx, Cleanup{}) {
		if err != nil {
			return r, fmt.Errorf("rehearse a cleanup: %w", err)
		}
		for _, s := range page {
			rule, ok, err := cl.rule(ctx, s, Cleanup{})
			if err != nil {
				return r, fmt.Errorf("rehearse a cleanup: %w", err)
			}
			if ok {
				cl.rehearse(&r, s, rule)
			}
		}
	}
	return r, nil
}

func (cl *Cleanups) rehearse(r *Rehearsal, s curfew.Standing, rule curfew.Rule) {
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

// provenDue asks the row itself, not the query that found it.
func (cl *Cleanups) provenDue(s curfew.Standing, rule curfew.Rule) bool {
	if rule.Name == curfew.Orphans && s.MechanicID == "" && s.Now.Sub(s.CreatedAt) > cl.rules.policy.OrphanTTL {
		return true
	}
	return !s.ExpiresAt.IsZero() && s.ExpiresAt.Before(s.Now)
}
