package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Job is work that outlives the call that starts it: a cleanup, an undo, or a comparison with the
// payment provider's books.
type Job struct {
	JobID       string          `json:"jobId"`
	RunID       string          `json:"runId,omitempty" doc:"The run that records it; a reconciliation has none"`
	Kind        string          `json:"kind" enum:"cleanup,undo,reconcile"`
	State       string          `json:"state" enum:"running,succeeded,failed,cancelled"`
	Phase       string          `json:"phase" doc:"What it is doing; once it has ended, the last thing it did"`
	Done        int64           `json:"done" doc:"Sessions or payments processed so far"`
	Total       *int64          `json:"total" doc:"Null while it is unknown"`
	Actor       string          `json:"actor" doc:"Who started it: role:id"`
	StartedAt   time.Time       `json:"startedAt"`
	FinishedAt  *time.Time      `json:"finishedAt" doc:"Null while it runs"`
	CancelledBy string          `json:"cancelledBy,omitempty" doc:"Who asked it to stop: role:id"`
	Error       string          `json:"error,omitempty" doc:"Why it failed"`
	Result      json.RawMessage `json:"result,omitempty" doc:"The full result, once it has ended"`
}

// Jobs is a page of jobs, newest first, without their results.
type Jobs struct {
	Jobs       []Job   `json:"jobs" nullable:"false"`
	NextCursor *string `json:"nextCursor" doc:"Where the next page begins; null on the last"`
}

// Reconcile asks for a comparison with the payment provider's books.
type Reconcile struct {
	SinceHours int `json:"sinceHours,omitempty" minimum:"1" maximum:"8760" doc:"How far back to compare; absent: 72 hours"`
}

// Reconciliation is the result of comparing the provider's books with Curfew's.
type Reconciliation struct {
	Since       time.Time    `json:"since"`
	Paid        int          `json:"paid" doc:"Payments that the provider lists"`
	Missed      int          `json:"missed" doc:"Messages that the provider could not deliver and that were recorded now"`
	Differences []Difference `json:"differences" nullable:"false"`
	Unreadable  []string     `json:"unreadable,omitempty" doc:"What could not be checked, and why" nullable:"false"`
}

// Difference is a payment on which the books disagree, and what was done about it.
type Difference struct {
	Kind       string     `json:"kind" enum:"missing_here,not_paid_there,amount_differs,refunded_there_only,refunded_here_only"`
	Ref        string     `json:"ref"`
	CheckoutID string     `json:"checkoutId"`
	Outcome    string     `json:"outcome" doc:"What became of the payment, now"`
	Detail     string     `json:"detail"`
	Since      *time.Time `json:"since,omitempty" doc:"When an earlier reconciliation found it; absent if this one did"`
	Settled    bool       `json:"settled" doc:"Nothing is left to do"`
	Done       string     `json:"done,omitempty" doc:"What was done about it"`
	Todo       string     `json:"todo,omitempty" doc:"What is left for a person"`
}

const jobsPath = "/api/debug/jobs"

// Jobs returns a page of jobs.
func (c *Client) Jobs(ctx context.Context, p Page) (Jobs, error) {
	return get[Jobs](ctx, c, jobsPath+p.query())
}

// Job returns a job, with its result once it has ended.
func (c *Client) Job(ctx context.Context, id string) (Job, error) {
	return get[Job](ctx, c, at(jobsPath+"/%s", id))
}

// CancelJob asks a job to stop. What it has done stays.
func (c *Client) CancelJob(ctx context.Context, id string) (Job, error) {
	return post[Job](ctx, c, at(jobsPath+"/%s/cancel", id), nil)
}

// Reconcile compares payments with the provider's books, records those that are missing, and waits
// for the end.
func (c *Client) Reconcile(ctx context.Context, what Reconcile) (Reconciliation, error) {
	return await[Reconciliation](ctx, c, "/api/debug/reconcile", what)
}

// askEvery is how often a waiting client reads the job.
const askEvery = time.Second

// await starts work and waits for its end, however long it takes.
func await[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	var answer T
	status, text, err := c.answered(ctx, http.MethodPost, path, body, "")
	switch {
	case err != nil:
		return answer, err
	case status != http.StatusAccepted:
		return answer, decode(text, &answer)
	}
	var j Job
	if err := decode(text, &j); err != nil {
		return answer, err
	}
	if j, err = c.untilEnded(ctx, j); err != nil {
		return answer, err
	}
	if len(j.Result) > 0 {
		if err := decode(j.Result, &answer); err != nil {
			return answer, err
		}
	}
	return answer, j.failure()
}

// untilEnded waits for the end of a job.
func (c *Client) untilEnded(ctx context.Context, j Job) (Job, error) {
	timer := time.NewTicker(askEvery)
	defer timer.Stop()
	for j.State == "running" {
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-timer.C:
		}
		var err error
		if j, err = c.Job(ctx, j.JobID); err != nil {
			return j, err
		}
	}
	return j, nil
}

// failure is the problem of a job that did not succeed, with what a cleanup had committed.
func (j Job) failure() error {
	if j.State == "succeeded" {
		return nil
	}
	p := &Problem{Type: "about:blank", Title: "The job did not come to its end", Status: http.StatusInternalServerError, Code: "internal", Detail: j.Error}
	if j.State == "cancelled" {
		p.Detail = "job " + j.JobID + " was stopped by " + j.CancelledBy + ": what was done is done, the rest is not"
	}
	if j.Kind == "cleanup" && len(j.Result) > 0 {
		p.CleanupResult = &CleanupResult{}
		if err := decode(j.Result, p.CleanupResult); err != nil {
			return err
		}
	}
	return p
}
