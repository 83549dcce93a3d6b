package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

func (s *Site) overviewView(ctx context.Context, _ *http.Request, _ curfew.Actor) (any, error) {
	report := s.keeper.Health.Report(ctx)
	h := wire.Health(report, s.version, s.baseURL)
	at := moments{h.Timestamp}
	return Overview{
		State: stateOf(h), Findings: findingViews(h, report), Groups: figureGroups(h),
		Sweeper: sweeperFacts(h, at), Repeated: repeatedViews(report, at), First: s.firstStep(h),
	}, nil
}

// stateOf summarizes the report in one sentence.
func stateOf(h api.Health) State {
	if h.Health == lifecycle.Undetermined {
		return State{Tone: "critical", Sentence: "Curfew cannot tell how things are: some figures could not be read."}
	}
	who := fmt.Sprintf("%s and %s", noun{"customer is waiting", "customers are waiting"}.of(*h.Sessions.Waiting.Total),
		noun{"session is live", "sessions are live"}.of(h.Sessions.ByStatus[string(curfew.Live)]))
	open := 0
	for _, f := range h.Findings {
		if f.Acknowledged == nil {
			open++
		}
	}
	if open == 0 {
		return State{Tone: "good", Sentence: "All is well: " + who + "."}
	}
	tone := "warning"
	for _, f := range h.Findings {
		if f.Severity == string(lifecycle.Critical) && f.Acknowledged == nil {
			tone = "critical"
		}
	}
	return State{Tone: tone, Sentence: noun{"thing needs", "things need"}.of(open) + " attention; " + who + "."}
}

func findingViews(h api.Health, r lifecycle.Report) []Finding {
	all := make([]Finding, len(h.Findings))
	for i, f := range h.Findings {
		code := lifecycle.Code(f.Code)
		all[i] = Finding{
			Code: f.Code, Severity: f.Severity, Problem: h.Problems[i], Call: f.Fix, Fix: remedy(code),
			Look: linkOf(code, r), Sessions: f.Sessions, Count: f.Count,
		}
		if a := f.Acknowledged; a != nil {
			all[i].Known = fmt.Sprintf("Acknowledged by %s until %s: %s", a.By, a.Until.Format("2006-01-02 15:04 MST"), a.Reason)
		}
		all[i].Acknowledge = acknowledgement(f, h.Timestamp)
	}
	return all
}

// remedies lists the cleanup rules that end what a finding is about. An empty list means all rules.
var remedies = map[lifecycle.Code][]string{
	lifecycle.VeryStaleSessions: {},
	lifecycle.CleanupFailed:     {},
	lifecycle.SweeperSilent:     {},
	lifecycle.StaleSessions:     {string(curfew.OldWaiting)},
	lifecycle.StaleRequests:     {string(curfew.ExpiredRequests)},
	lifecycle.OrphanedSessions:  {string(curfew.Orphans)},
	lifecycle.OverdueAssigned:   {string(curfew.Forgotten), string(curfew.Absences), string(curfew.NoShows)},
	lifecycle.OverdueLive:       {string(curfew.Overruns)},
	lifecycle.OverdueScheduled:  {string(curfew.Due), string(curfew.Misses)},
	lifecycle.StuckRows:         {},
	lifecycle.LeakedSlots:       {},
}

// remedy returns the button that ends what a finding is about, or nil if there is none.
func remedy(code lifecycle.Code) *Action {
	rules, ok := remedies[code]
	if !ok {
		return nil
	}
	return &Action{
		Name: "clean", Label: "Clean up", Call: "POST /api/debug/cleanup-sessions", Body: jsonOf(api.Cleanup{Rules: rules}),
		Ask: "Run this cleanup?", Reason: "optional", Harm: true, Why: []string{
			"It ends what is overdue now, and nothing before its deadline. Payments of cancelled sessions are settled by the policy. Nothing is deleted.",
			"To see each row first, use the Cleanup page.",
		},
	}
}

// acknowledgement returns the button that acknowledges a finding for a day, or withdraws that. It is nil for what could not
// be read.
func acknowledgement(f api.HealthFinding, now time.Time) *Action {
	path := "/api/debug/findings/" + f.Code + "/acknowledge"
	switch {
	case f.Code == string(lifecycle.Unreadable):
		return nil
	case f.Acknowledged != nil:
		return &Action{Name: "withdraw", Label: "Withdraw the acknowledgement", Call: "DELETE " + path, Ask: "Withdraw the acknowledgement of this finding?"}
	}
	return &Action{
		Name: "acknowledge", Label: "Acknowledge…", Call: "POST " + path, Ask: "Acknowledge this finding for a day?", Reason: "required",
		Body: jsonOf(map[string]time.Time{"until": now.Add(24 * time.Hour).Truncate(time.Second)}),
		Why: []string{
			"It stays on this page with the reason, but no longer makes health worse or pages anybody.",
			"It counts again in a day, or at once if it becomes worse. This fixes nothing.",
		},
	}
}

// linkOf returns where to see more of a finding.
func linkOf(code lifecycle.Code, r lifecycle.Report) *Link {
	switch code {
	case lifecycle.BlockedRepeatedly:
		if len(r.Repeated) > 0 {
			return &Link{Name: "See what blocks them", Path: customerPath(r.Repeated[0].CustomerID)}
		}
	case lifecycle.BooksDiffer:
		return &Link{Name: "See the differences", Path: "/console/payments#differences"}
	case lifecycle.MoneyUnsettled:
		return &Link{Name: "See the payments", Path: "/console/payments"}
	case lifecycle.RefundFailing, lifecycle.RefundsOverdue:
		return &Link{Name: "See the payments", Path: "/console/payments?outcome=" + string(curfew.RefundDue)}
	case lifecycle.QueueUnwatched:
		return &Link{Name: "See the queue", Path: "/" + MechanicPage}
	}
	if rules, ok := remedies[code]; ok {
		path := "/" + CleanupPage
		for i, rule := range rules {
			path += string("?&"[min(i, 1)]) + "rules=" + rule
		}
		return &Link{Name: "See the rows", Path: path}
	}
	return nil
}

func figureGroups(h api.Health) []Group {
	status := func(name curfew.SessionStatus) *int { return counted(h.Sessions.ByStatus, string(name)) }
	outcome := func(name curfew.Outcome) *int { return counted(h.Checkouts.ByOutcome, string(name)) }
	bad := func(key, name string, n *int, hint, tone string) Figure {
		return Figure{Key: key, Name: name, Value: n, Hint: hint, Tone: tone}
	}
	sessions := func(f Figure, query string) Figure {
		f.Href = "/console/sessions?sort=deadline" + query
		return f
	}
	payments := func(key, name string, of curfew.Outcome, n *int, hint, tone string) Figure {
		f := bad(key, name, n, hint, tone)
		f.Href = "/console/payments?outcome=" + string(of)
		return f
	}
	return []Group{
		{Key: "sessions", Name: "Sessions", Figures: []Figure{
			sessions(Figure{Key: "open", Name: "Open", Value: sum(status(curfew.Waiting), status(curfew.Live)), Hint: "hold a slot"}, ""),
			sessions(Figure{Key: "waiting", Name: "Waiting", Value: status(curfew.Waiting)}, "&status=waiting"),
			sessions(Figure{Key: "live", Name: "Live", Value: status(curfew.Live)}, "&status=live"),
			sessions(Figure{Key: "scheduled", Name: "Scheduled", Value: status(curfew.Scheduled)}, "&status=scheduled"),
		}},
		{Key: "overdue", Name: "Overdue", Figures: []Figure{
			sessions(bad("stale", "Stale", h.Sessions.Waiting.Stale, "past the deadline", "warning"), "&status=waiting&overdue=true"),
			sessions(bad("veryStale", "Very stale", h.Sessions.Waiting.VeryStale, "for a long time", "critical"), "&status=waiting&overdue=true"),
			rows(bad("orphaned", "Orphaned", h.Sessions.Orphaned, "offered to no mechanic", "warning"), "?rules="+string(curfew.Orphans)),
			sessions(bad("overdueLive", "Overran", h.Sessions.OverdueLive, "live too long", "warning"), "&status=live&overdue=true"),
		}},
		{Key: "mechanics", Name: "Mechanics", Figures: []Figure{
			{Key: "busy", Name: "Busy", Value: h.Mechanics.Busy, Href: "/console/sessions?sort=deadline"},
			{Key: "connected", Name: "Connected", Value: h.Mechanics.Connected, Href: "/" + MechanicPage},
		}},
		{Key: "money", Name: "Money", Figures: []Figure{
			payments("deferred", "Deferred", curfew.Deferred, outcome(curfew.Deferred), "wait for a slot", ""),
			payments("refundDue", "Refunds due", curfew.RefundDue, sum(outcome(curfew.RefundDue), outcome(curfew.Refunding)), "or under way", "warning"),
			payments("held", "Held", curfew.Held, outcome(curfew.Held), "need a decision", "critical"),
		}},
	}
}

// rows lets a figure lead to the rows that a cleanup would end.
func rows(f Figure, query string) Figure {
	f.Href = "/" + CleanupPage + query
	return f
}

func counted(by map[string]int, name string) *int {
	n, ok := by[name]
	if !ok {
		return nil
	}
	return &n
}

func sum(a, b *int) *int {
	if a == nil || b == nil {
		return nil
	}
	n := *a + *b
	return &n
}

func sweeperFacts(h api.Health, at moments) []Fact {
	timer := "off in this process"
	if h.Sweeper.Enabled {
		timer = "on"
	}
	lag := "never swept"
	if h.Sweeper.LagSeconds != nil {
		lag = time.Duration(*h.Sweeper.LagSeconds * float64(time.Second)).Round(time.Millisecond).String()
	}
	return []Fact{
		{Name: "Timer", Value: timer},
		last("Last success", h.Sweeper.LastSuccess, h.Sweeper.Alive == nil, at),
		{Name: "Lag of the last sweep", Value: lag},
		last("Last time a mechanic read the queue", h.Mechanics.LastQueueRead, h.Sweeper.Alive == nil, at),
		{Name: "Process started", At: at.at(h.StartedAt)},
	}
}

// last says when the last sign of life was, that there was none, or that it is unknown.
func last(name string, t *time.Time, unknown bool, at moments) Fact {
	switch {
	case unknown:
		return Fact{Name: name, Value: "unknown"}
	case t == nil:
		return Fact{Name: name, Value: "never"}
	}
	return Fact{Name: name, At: at.at(*t)}
}

func repeatedViews(r lifecycle.Report, at moments) []Repeated {
	all := make([]Repeated, len(r.Repeated))
	for i, c := range r.Repeated {
		all[i] = Repeated{CustomerID: c.CustomerID, Times: things("time").of(c.Count), LastAt: at.at(c.LastAt)}
	}
	return all
}
