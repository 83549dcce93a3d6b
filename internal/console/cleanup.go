package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// How many rows of a preview and how many runs a page shows at first.
const (
	rowsShown = 50
	runsShown = 20
)

// cleanupView shows a stored preview, or what is due now under the filters of the query, and past runs. An invalid filter is
// an error: without it the page would show, and clean up, everything.
func (s *Site) cleanupView(ctx context.Context, r *http.Request, who curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "customerId", "maxAgeMinutes", "preview", "cursor", "runs")
	if err != nil {
		return nil, err
	}
	what, filters, err := filtered(q, who)
	if err != nil {
		return nil, err
	}
	p, err := s.previewOf(ctx, wire.CanonicalID(q.Get("preview")), what)
	if err != nil {
		return nil, err
	}
	after, err := problem.ParseCursor(q.Get("cursor"))
	if err != nil {
		return nil, err
	}
	at := moments{time.Now()}
	jobs, err := s.atWork(ctx, at, record.CleanupJob, record.UndoJob) // before the runs, which end first
	if err != nil {
		return nil, err
	}
	runs, next, err := s.runs(ctx, after, q.Get("runs"))
	if err != nil {
		return nil, err
	}
	v := Cleanup{Jobs: jobs, State: dueState(p, filters), Filters: filters, PreviewID: p.ID, Taken: at.at(taken(p, at.now)), Truncated: p.Truncated}
	v.Figures, v.Run = previewFigures(p.Stats()), execution(p)
	v.Rows, v.More = previewRows(p, q)
	v.Total = len(p.Items)
	v.Runs, v.History = runViews(runs, at), runTabs(q.Get("runs"))
	if next != nil {
		v.Older = Link{Name: "Older runs", Path: runsPath(q.Get("runs"), *next)}
	}
	return v, nil
}

// previewOf returns the stored preview with this id. Without an id, or if the preview has been forgotten, it returns what
// is due now.
func (s *Site) previewOf(ctx context.Context, id string, what lifecycle.Cleanup) (curfew.Preview, error) {
	if id != "" {
		p, err := s.keeper.Cleanups.StoredPreview(ctx, id)
		if curfew.KindOf(err) != curfew.NotFound || err == nil {
			return p, err
		}
	}
	return s.keeper.Cleanups.Preview(ctx, what)
}

func taken(p curfew.Preview, now time.Time) time.Time {
	if p.CreatedAt.IsZero() {
		return now
	}
	return p.CreatedAt
}

// choices returns the rules that can be ticked, in the order of the page.
var choices = []struct {
	rule  curfew.RuleName
	label string
}{
	{curfew.OldWaiting, "Old waiting, with requests"},
	{curfew.Orphans, "Orphans"},
	{curfew.Forgotten, "Forgotten by their mechanic"},
	{curfew.Absences, "Unattended"},
	{curfew.NoShows, "No-shows"},
	{curfew.Overruns, "Overran"},
	{curfew.Due, "Appointments that begin"},
	{curfew.Misses, "Missed appointments"},
}

// filtered returns what the query asks for, and how the page says so.
func filtered(q url.Values, who curfew.Actor) (lifecycle.Cleanup, Filters, error) {
	f := Filters{CustomerID: q.Get("customerId"), MaxAge: q.Get("maxAgeMinutes")}
	var said []string
	minutes := 0
	if f.MaxAge != "" {
		var err error
		if minutes, err = strconv.Atoi(f.MaxAge); err != nil || minutes < 1 || minutes > 5256000 {
			return lifecycle.Cleanup{}, f, curfew.Errorf(curfew.Invalid, "maxAgeMinutes must be a whole number from 1 to 5256000")
		}
	}
	what, err := wire.ParseCleanup(who, f.CustomerID, q["rules"], minutes, "")
	if err != nil {
		return what, f, err
	}
	if f.CustomerID != "" {
		said = append(said, "customer "+f.CustomerID)
	}
	if minutes > 0 {
		said = append(said, "older than "+f.MaxAge+" min")
	}
	for _, c := range choices {
		chosen := slices.Contains(what.Rules, c.rule)
		f.Rules = append(f.Rules, Choice{Value: string(c.rule), Label: c.label, Chosen: chosen})
		if chosen {
			said = append(said, c.label)
		}
	}
	f.Said = listed(said)
	return what, f, nil
}

func dueState(p curfew.Preview, f Filters) State {
	rows, under := p.Stats().TotalCleaned, ""
	if f.Said != "" {
		under = " under these filters"
	}
	if len(p.Items) == 0 {
		return State{Tone: "good", Sentence: "Nothing needs cleaning up" + under + "."}
	}
	return State{Tone: "warning", Sentence: "A cleanup would end " + things("session").of(len(p.Items)) +
		under + ": " + things("row").of(rows) + " with their requests."}
}

func previewFigures(stats curfew.Stats) []Figure {
	figure := func(key, name string, n int, hint string) Figure {
		return Figure{Key: key, Name: name, Value: &n, Hint: hint}
	}
	return []Figure{
		figure("total", "Total", stats.TotalCleaned, "rows: sessions and requests"),
		figure("expiredRequests", "Expired requests", stats.ExpiredRequests, "nobody accepted them"),
		figure("oldWaitingSessions", "Old waiting sessions", stats.OldWaitingSessions, "past their deadline"),
		figure("potentialOrphans", "Potential orphans", stats.OrphanedSessions, "offered to no mechanic"),
		figure("unattended", "Unattended", stats.Unattended, "accepted, and the mechanic never came"),
		figure("noShows", "No-shows", stats.NoShows, "accepted, never joined"),
		figure("overran", "Overran", stats.Overran, "live past what was bought"),
		figure("scheduledMissed", "Missed", stats.ScheduledMissed, "appointments, slot taken"),
	}
}

func previewRows(p curfew.Preview, q url.Values) ([]CleanupRow, Link) {
	show, err := strconv.Atoi(q.Get("rows"))
	if err != nil || show < rowsShown {
		show = rowsShown
	}
	rows := make([]CleanupRow, min(show, len(p.Items)))
	for i := range rows {
		it := p.Items[i]
		rows[i] = CleanupRow{
			SessionID: it.SessionID, CustomerID: it.CustomerID, Rule: capital(ruleNouns[it.Rule].one),
			Age: Span(it.Age), Payment: settlements[it.Owed],
			Origin: curfew.Session{AdoptedFrom: it.AdoptedFrom, AdoptedID: it.AdoptedID}.Origin(),
		}
		if it.Reason == curfew.Cleared {
			rows[i].Rule += ", before its deadline"
		}
	}
	if len(p.Items) <= show {
		return rows, Link{}
	}
	more := url.Values{}
	for name, values := range q {
		more[name] = values
	}
	more.Set("rows", strconv.Itoa(10*show))
	return rows, Link{Name: grouped(show) + " of " + grouped(len(p.Items)) + " shown: show more", Path: "?" + more.Encode()}
}

// execution returns the button that runs exactly this preview. Before the preview is stored, it calls nothing.
func execution(p curfew.Preview) Action {
	a := Action{Name: "run", Label: "Run Cleanup", Main: true, Reason: "optional"}
	if p.ID == "" || len(p.Items) == 0 {
		return a
	}
	customers, rules, early := map[string]bool{}, map[curfew.RuleName]int{}, 0
	for _, it := range p.Items {
		customers[it.CustomerID] = true
		rules[it.Rule]++
		if it.Reason == curfew.Cleared {
			early++
		}
	}
	var parts []string
	for _, c := range choices {
		if n := rules[c.rule]; n > 0 {
			parts = append(parts, ruleNouns[c.rule].of(n))
		}
	}
	a.Call = "POST /api/debug/cleanup-sessions"
	a.Body, a.Ask, a.Rows = jsonOf(api.Cleanup{PreviewID: p.ID}), "Run the cleanup?", len(p.Items)
	a.Why = []string{
		"This ends " + things("session").of(len(p.Items)) + " of " + things("customer").of(len(customers)) + ", " +
			things("row").of(p.Stats().TotalCleaned) + " with their requests: " + listed(parts) + ".",
		"These are exactly the rows that are shown; what has moved since is left alone. Ended sessions stay ended, and the " +
			"payments of cancelled ones are settled by the policy. Nothing is deleted.",
	}
	if early > 0 {
		a.Reason = "required"
		a.Why = append(a.Why, things("session").of(early)+" would end before the deadline: say why.")
	}
	return a
}

// triggers says how a run came about, beside who it was; of a call over HTTP or from a page that says enough.
var triggers = map[curfew.Trigger]string{
	curfew.ByTimer: "by itself", curfew.ByQueue: "a mechanic loaded the queue", curfew.ByCommand: "on the command line", curfew.ByLibrary: "by the library",
}

func runViews(runs []curfew.Run, at moments) []Run {
	all := make([]Run, len(runs))
	for i, r := range runs {
		all[i] = Run{
			ID: r.ID, Trigger: triggers[r.Trigger], Actor: r.Actor.String(), Reason: r.Reason, Outcome: string(r.Outcome),
			Cleaned: ran(r), Error: r.Error, StartedAt: at.at(r.StartedAt), Undone: r.UndoneBy != "",
		}
		if r.Undoable() {
			all[i].Undo = &Action{
				Name: "undo", Label: "Undo…", Call: "POST /api/debug/cleanup-runs/" + r.ID + "/undo", Ask: "Undo this run?", Reason: "optional",
				Why: []string{
					ran(r) + ".",
					lifecycle.Describe(lifecycle.UndoRun),
				},
			}
		}
	}
	return all
}

// ran says what a run did.
func ran(r curfew.Run) string {
	if r.Undoes != "" {
		return "Undid a run: " + things("session").of(r.Stats.Revived) + " came back"
	}
	return capital(cleanedUp(r.Stats))
}
