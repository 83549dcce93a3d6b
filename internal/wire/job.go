package wire

import (
	"encoding/json"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// Job converts a job, with its result.
func Job(j record.Job) api.Job {
	out := JobProgress(j)
	if j.Result != "" {
		out.Result = json.RawMessage(j.Result)
	}
	return out
}

// JobProgress converts a job without its result.
func JobProgress(j record.Job) api.Job {
	out := api.Job{
		JobID: j.ID, RunID: j.RunID, Kind: string(j.Kind), State: string(j.State), Phase: j.Phase, Done: j.Done, Actor: j.Actor.String(),
		StartedAt: j.CreatedAt.UTC(), FinishedAt: OptionalTime(j.FinishedAt), Error: j.Error,
	}
	if j.Total >= 0 {
		out.Total = &j.Total
	}
	if j.CancelledBy.ID != "" {
		out.CancelledBy = j.CancelledBy.String()
	}
	return out
}

// Jobs converts a page of jobs. A nil next means that it is the last page.
func Jobs(jobs []record.Job, next *string) api.Jobs {
	all := api.Jobs{Jobs: make([]api.Job, len(jobs)), NextCursor: next}
	for i, j := range jobs {
		all.Jobs[i] = JobProgress(j)
	}
	return all
}

// Reconciliation converts a comparison with the provider's books.
func Reconciliation(r lifecycle.Reconciliation) api.Reconciliation {
	out := api.Reconciliation{
		Since: r.Since.UTC(), Paid: r.Paid, Missed: r.Missed, Unreadable: r.Unreadable, Differences: make([]api.Difference, len(r.Differences)),
	}
	for i, d := range r.Differences {
		out.Differences[i] = api.Difference{
			Kind: d.Kind, Ref: d.Ref, CheckoutID: d.CheckoutID, Outcome: string(d.Outcome), Detail: d.Detail, Since: OptionalTime(d.Since),
			Settled: d.Settled, Done: d.Done, Todo: d.Todo,
		}
	}
	return out
}
