package wire

import (
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// Health converts a health report. Its fixes call baseURL.
func Health(r lifecycle.Report, version, baseURL string) api.Health {
	h := api.Health{
		Health: r.Health, Writable: r.Writable, Timestamp: r.Timestamp.UTC().Truncate(time.Microsecond), Version: version, StartedAt: r.StartedAt.UTC().Truncate(time.Microsecond),
		Sessions: sessionHealth(r.Sessions), Requests: requestHealth(r.Requests), Checkouts: checkoutHealth(r.Checkouts),
		Mechanics: mechanicHealth(r), Customers: customerHealth(r), Sweeper: sweeperHealth(r),
		Problems: []string{}, Findings: []api.HealthFinding{}, Recommendations: []string{},
		Details: healthDetails(r),
	}
	for _, f := range r.Findings {
		call := fix(f, r, baseURL)
		h.Problems = append(h.Problems, f.Problem)
		h.Recommendations = append(h.Recommendations, call)
		h.Findings = append(h.Findings, finding(f, call))
	}
	if len(r.Findings) == 0 {
		h.Recommendations = append(h.Recommendations, "All systems healthy")
	}
	return h
}

// finding converts a finding and its fix.
func finding(f lifecycle.Finding, fix string) api.HealthFinding {
	shape := api.HealthFinding{
		Code: string(f.Code), Severity: string(f.Severity), Count: f.Count, Since: OptionalTime(f.Since), Fix: fix,
		Sessions:  append([]string{}, f.Sessions...),
		Customers: append([]string{}, f.Customers...),
		Payments:  append([]string{}, f.Payments...),
	}
	if a := f.Acknowledged; a != nil {
		known := Acknowledgement(*a)
		shape.Acknowledged = &known
	}
	return shape
}

// OutsideFindings returns a copy of findings without what operators wrote.
func OutsideFindings(findings []lifecycle.Finding) []lifecycle.Finding {
	all := slices.Clone(findings)
	for i, f := range all {
		if f.Acknowledged != nil {
			a := *f.Acknowledged
			a.By, a.Reason = curfew.Actor{Role: curfew.Role(a.By.Outside())}, ""
			all[i].Acknowledged = &a
		}
	}
	return all
}

func sessionHealth(f *curfew.SessionFigures) api.SessionHealth {
	if f == nil {
		return api.SessionHealth{}
	}
	by, total := counts(curfew.SessionStatuses(), f.ByStatus)
	waiting := by[string(curfew.Waiting)]
	return api.SessionHealth{
		Total: &total, ByStatus: by,
		Waiting:  api.WaitingHealth{Total: &waiting, Stale: &f.Stale, VeryStale: &f.VeryStale},
		Orphaned: &f.Orphaned, OverdueAssigned: &f.OverdueAssigned, OverdueLive: &f.OverdueLive,
	}
}

func requestHealth(f *curfew.RequestFigures) api.RequestHealth {
	if f == nil {
		return api.RequestHealth{}
	}
	by, total := counts(curfew.RequestStatuses(), f.ByStatus)
	pending := by[string(curfew.Pending)]
	return api.RequestHealth{
		Total: &total, ByStatus: by, Pending: api.PendingHealth{Total: &pending, Stale: &f.Stale},
	}
}

func checkoutHealth(f *curfew.CheckoutFigures) api.CheckoutHealth {
	if f == nil {
		return api.CheckoutHealth{}
	}
	by, _ := counts(curfew.Outcomes(), f.ByOutcome)
	oldest := int64(f.OldestUnsettled / time.Second)
	return api.CheckoutHealth{ByOutcome: by, OldestUnsettledSeconds: &oldest, Owed: f.Owed(), Totals: totals(f.Totals)}
}

func totals(of []curfew.CheckoutTotal) []api.CheckoutTotal {
	all := make([]api.CheckoutTotal, len(of))
	for i, t := range of {
		all[i] = api.CheckoutTotal{Outcome: string(t.Outcome), Currency: t.Currency, Amount: t.Amount, Count: t.Count}
	}
	return all
}

// counts returns the number of rows by status, and their total. It has every status of the vocabulary, and those that
// were found beyond it.
func counts[S ~string](vocabulary []S, found map[S]int) (map[string]int, int) {
	by, total := make(map[string]int), 0
	for _, status := range vocabulary {
		by[string(status)] = 0
	}
	for status, n := range found {
		by[string(status)] = n
		total += n
	}
	return by, total
}

func mechanicHealth(r lifecycle.Report) api.MechanicHealth {
	var h api.MechanicHealth
	if r.Mechanics != nil {
		h.Busy = &r.Mechanics.Busy
	}
	if r.Heartbeats != nil {
		h.Connected, h.LastQueueRead = &r.Heartbeats.Connected, OptionalTime(r.Heartbeats.QueueRead)
	}
	return h
}

func customerHealth(r lifecycle.Report) api.CustomerHealth {
	h := api.CustomerHealth{WindowSeconds: int64(r.BlockedWindow / time.Second)}
	if r.Repeated == nil {
		return h
	}
	h.BlockedRepeatedly = make([]api.RepeatedlyBlocked, len(r.Repeated))
	for i, who := range r.Repeated {
		h.BlockedRepeatedly[i] = api.RepeatedlyBlocked{CustomerID: who.CustomerID, Count: who.Count, LastAt: who.LastAt.UTC()}
	}
	return h
}

func sweeperHealth(r lifecycle.Report) api.SweeperHealth {
	h := api.SweeperHealth{Enabled: r.SweeperOn}
	if r.Heartbeats == nil {
		return h
	}
	alive := r.SweeperAlive()
	h.Alive, h.LastSuccess = &alive, OptionalTime(r.Heartbeats.Sweep)
	if h.LastSuccess != nil {
		lag := r.Heartbeats.Lag.Seconds()
		h.LagSeconds = &lag
	}
	return h
}

// healthDetails lists the oldest sessions. A stale session's pending request is listed with it.
func healthDetails(r lifecycle.Report) api.HealthDetails {
	if r.Details == nil {
		return api.HealthDetails{}
	}
	d := api.HealthDetails{
		StaleWaitingSessions: []api.Aged{}, StalePendingRequests: []api.Aged{}, OrphanedSessions: []api.Aged{},
	}
	for _, s := range r.Details.Stale {
		d.StaleWaitingSessions = append(d.StaleWaitingSessions, aged(s, s.ID, s.CreatedAt))
		if s.Request.Status == curfew.Pending {
			d.StalePendingRequests = append(d.StalePendingRequests, aged(s, s.Request.ID, s.Request.CreatedAt))
		}
	}
	for _, s := range r.Details.Orphans {
		d.OrphanedSessions = append(d.OrphanedSessions, aged(s, s.ID, s.CreatedAt))
	}
	return d
}

func aged(s curfew.Snapshot, id string, created time.Time) api.Aged {
	age := s.Now.Sub(created)
	return api.Aged{
		ID: id, CustomerID: s.CustomerID, AgeSeconds: int64(age / time.Second), Age: lifecycle.Span(age),
		ExpiresAt: s.ExpiresAt.UTC(), Adopted: adopted(s.AdoptedFrom, s.AdoptedID),
	}
}

// Acknowledgement converts the acknowledgement of a finding.
func Acknowledgement(a curfew.Acknowledgement) api.FindingAcknowledgement {
	return api.FindingAcknowledgement{By: strings.TrimSuffix(a.By.String(), ":"), Reason: a.Reason, At: a.At.UTC(), Until: a.Until.UTC()}
}
