package lifecycle

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

func (h *Health) sessionFindings(r Report) []Finding {
	var all []Finding
	d := r.details()
	if s := r.Sessions; s != nil {
		all = append(all,
			Finding{
				Code: VeryStaleSessions, Severity: Critical, Count: s.VeryStale,
				Problem: fmt.Sprintf("%s older than %s (CRITICAL!)", count(s.VeryStale, "waiting session"), Span(h.rules.policy.VeryStaleAfter)),
			}.about(olderThan(d.Stale, h.rules.policy.VeryStaleAfter), deadlineOf),
			Finding{
				Code: StaleSessions, Severity: Warning, Count: s.Stale,
				Problem: fmt.Sprintf("%s past the deadline and not ended", count(s.Stale, "waiting session")),
			}.about(d.Stale, deadlineOf),
			Finding{
				Code: OrphanedSessions, Severity: Warning, Count: s.Orphaned,
				Problem: fmt.Sprintf("%s offered to no mechanic", count(s.Orphaned, "waiting session")),
			}.about(d.Orphans, created),
			Finding{
				Code: OverdueAssigned, Severity: Warning, Count: s.OverdueAssigned,
				Problem: fmt.Sprintf("%s accepted and never joined in time", count(s.OverdueAssigned, "session")),
			}.about(d.OverdueAssigned, deadlineOf),
			Finding{
				Code: OverdueLive, Severity: Warning, Count: s.OverdueLive,
				Problem: fmt.Sprintf("%s live beyond what was bought and the grace", count(s.OverdueLive, "session")),
			}.about(d.OverdueLive, deadlineOf),
			Finding{
				Code: OverdueScheduled, Severity: Warning, Count: s.OverdueScheduled,
				Problem: fmt.Sprintf("%s past the start and not begun", count(s.OverdueScheduled, "appointment")),
			}.about(d.OverdueScheduled, deadlineOf))
	}
	if q := r.Requests; q != nil {
		all = append(all, Finding{
			Code: StaleRequests, Severity: Warning, Count: q.Stale,
			Problem: fmt.Sprintf("%s pending past the deadline", count(q.Stale, "request")),
		}.about(d.Stale, deadlineOf))
	}
	return all
}

// details returns the rows that could be read.
func (r Report) details() curfew.HealthDetails {
	if r.Details == nil {
		return curfew.HealthDetails{}
	}
	return *r.Details
}

func deadlineOf(s curfew.Snapshot) time.Time { return s.ExpiresAt }

func created(s curfew.Snapshot) time.Time { return s.CreatedAt }

func olderThan(sessions []curfew.Snapshot, age time.Duration) []curfew.Snapshot {
	return slices.DeleteFunc(slices.Clone(sessions), func(s curfew.Snapshot) bool { return s.Age() <= age })
}

func (f Finding) about(sessions []curfew.Snapshot, since func(curfew.Snapshot) time.Time) Finding {
	for _, s := range sessions {
		f.Sessions = append(f.Sessions, s.ID)
		f = f.of(s.CustomerID, since(s))
	}
	return f
}
