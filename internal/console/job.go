package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

const (
	// jobRows is how many rows of a job's result a page shows.
	jobRows = 200
	// jobsShown is how many of the newest jobs a page looks at, and jobsRecent how long it shows one that has ended. The
	// result of a quick one was already shown to the caller who started it.
	jobsShown  = 20
	jobsRecent = time.Hour
	jobsQuick  = 2 * time.Second
)

// JobReader reads jobs.
type JobReader interface {
	Job(ctx context.Context, id string) (record.Job, error)
	Jobs(ctx context.Context, after curfew.Cursor, limit int) ([]record.Job, error)
}

var jobNames = map[record.JobKind]string{
	record.CleanupJob: "Cleanup", record.UndoJob: "Undo of a run", record.ReconcileJob: "Comparison with the provider",
}

// atWork shows the jobs of these kinds that run, and those that ended a moment ago.
func (s *Site) atWork(ctx context.Context, at moments, kinds ...record.JobKind) ([]JobLine, error) {
	jobs, err := s.jobs.Jobs(ctx, curfew.Cursor{}, jobsShown)
	var lines []JobLine
	for _, j := range jobs {
		recent := at.now.Sub(j.FinishedAt) < jobsRecent && j.FinishedAt.Sub(j.CreatedAt) > jobsQuick
		if slices.Contains(kinds, j.Kind) && (j.State == record.JobRunning || recent) {
			lines = append(lines, jobLine(j, at))
		}
	}
	return lines, err
}

func jobLine(j record.Job, at moments) JobLine {
	l := JobLine{
		ID: j.ID, Name: jobNames[j.Kind], Actor: j.Actor.String(), StartedAt: at.at(j.CreatedAt), State: string(j.State),
		Running: j.State == record.JobRunning, Done: j.Done, Phase: capital(j.Phase), Error: asSentence(strings.TrimSuffix(j.Error, ".")),
	}
	if j.Total >= 0 {
		l.Total = &j.Total
	}
	if j.CancelledBy.ID != "" {
		l.CancelledBy = j.CancelledBy.String()
	}
	if l.Running && l.CancelledBy == "" {
		l.Stop = &Action{
			Name: "stop", Label: "Stop…", Call: "POST /api/debug/jobs/" + j.ID + "/cancel", Ask: "Stop this job?",
			Done: "It stops after the current step.",
			Why:  []string{"It stops between two steps. What it has done stays done, and the rest is left as it is."},
		}
	}
	return l
}

// jobView shows a job: its progress, and what became of each customer.
func (s *Site) jobView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "id", "after")
	if err != nil {
		return nil, err
	}
	j, err := s.jobs.Job(ctx, wire.CanonicalID(q.Get("id")))
	if err != nil {
		if curfew.KindOf(err) == curfew.NotFound {
			err = curfew.Errorf(curfew.NotFound, "there is no such job: jobs are kept for 30 days, and the history of cleanups for good")
		}
		return nil, err
	}
	at := moments{time.Now()}
	v := Job{JobLine: jobLine(j, at), RunID: j.RunID, FinishedAt: at.at(j.FinishedAt)}
	v.Sentence = jobState(j)
	err = s.fillJob(ctx, &v, j, wire.CanonicalID(q.Get("after")))
	return v, err
}

// jobState describes the state of a job in a sentence.
func jobState(j record.Job) State {
	name := jobNames[j.Kind]
	switch j.State {
	case record.JobSucceeded:
		return State{Tone: "good", Sentence: name + " by " + j.Actor.String() + ": done."}
	case record.JobFailed:
		return State{Tone: "critical", Sentence: name + " by " + j.Actor.String() + " failed: what was done is done, the rest is not."}
	case record.JobCancelled:
		return State{Tone: "warning", Sentence: name + " was stopped by " + j.CancelledBy.String() + ": what was done is done, the rest is not."}
	case record.JobRunning:
	}
	return State{Sentence: name + " by " + j.Actor.String() + " is running. It continues if you leave this page."}
}

// fillJob adds what a job did: from its answer, and for a cleanup from the history of its run.
func (s *Site) fillJob(ctx context.Context, v *Job, j record.Job, after string) error {
	switch j.Kind {
	case record.UndoJob:
		return v.fillUndo(j)
	case record.ReconcileJob:
		return v.fillReconciliation(j)
	case record.CleanupJob:
	}
	var result api.CleanupResult
	if err := readResult(j, &result); err != nil {
		return err
	}
	for _, d := range result.Drifted {
		v.Left = append(v.Left, JobRow{CustomerID: d.CustomerID, SessionID: d.SessionID, Became: capital(d.Why)})
	}
	return s.fillEnded(ctx, v, j, after)
}

// fillEnded adds the sessions that the run of a cleanup moved, page by page.
func (s *Site) fillEnded(ctx context.Context, v *Job, j record.Job, after string) error {
	events, err := s.keeper.Cleanups.DidRun(ctx, j.RunID, after, jobRows+1)
	if err != nil {
		return err
	}
	if len(events) > jobRows {
		events = events[:jobRows]
		v.More = Link{Name: "Show more", Path: "?id=" + j.ID + "&after=" + events[jobRows-1].ID}
	}
	for _, e := range events {
		if to := curfew.SessionStatus(e.To); to.Ended() || to == curfew.Waiting {
			v.Rows = append(v.Rows, JobRow{CustomerID: e.CustomerID, SessionID: e.Subject, Became: capital(e.To) + ": " + e.Reason})
		}
	}
	return nil
}

func (v *Job) fillUndo(j record.Job) error {
	var undone api.Undone
	if err := readResult(j, &undone); err != nil {
		return err
	}
	for _, r := range undone.Revived {
		v.Rows = append(v.Rows, JobRow{CustomerID: r.CustomerID, SessionID: r.SessionID, Became: "Came back as", NewSessionID: r.NewSessionID})
	}
	for _, n := range undone.NotRevived {
		v.Left = append(v.Left, JobRow{CustomerID: n.CustomerID, SessionID: n.SessionID, Became: capital(n.Why)})
	}
	return nil
}

func (v *Job) fillReconciliation(j record.Job) error {
	var r api.Reconciliation
	if err := readResult(j, &r); err != nil {
		return err
	}
	for _, d := range r.Differences {
		row := JobRow{SessionID: d.CheckoutID, Became: differenceNames[d.Kind] + ": " + d.Detail + ". " + asSentence(d.Done)}
		if d.Settled {
			v.Rows = append(v.Rows, row)
			continue
		}
		row.Became += " To do: " + d.Todo + "."
		v.Left = append(v.Left, row)
	}
	return nil
}

func readResult(j record.Job, to any) error {
	if j.Result == "" {
		return nil
	}
	return json.Unmarshal([]byte(j.Result), to)
}

// reconciliation is the button that compares payments with the provider's books; nil: no provider is asked.
func (s *Site) reconciliation() *Action {
	if !s.keeper.Rules.AsksProvider() {
		return nil
	}
	return &Action{
		Name: "reconcile", Label: "Compare with the provider…", Call: "POST /api/debug/reconcile", Body: "{}", Ask: "Compare the books?",
		Why: []string{"The payments of the last 72 hours are compared with the provider's books, in both directions. What is missing here is recorded like a " +
			"message from the provider: it may begin or end sessions. What is left for a person is listed on this page."},
	}
}
