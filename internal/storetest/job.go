package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var jobs = contract{
	"a job is read as it was written":                               readsJob,
	"its holder records its progress and its end":                   holdsJob,
	"a finished job stays as it is":                                 endsJobOnce,
	"a job under a lease cannot be claimed":                         keepsJob,
	"a job whose lease has ended continues with another holder":     claimsJob,
	"a holder that lost its lease writes nothing":                   losesJob,
	"one of many claimants gets the job":                            racesJob,
	"the job that has waited longest is claimed first":              claimsOldestJob,
	"a cancelled job knows by whom":                                 cancelsJob,
	"jobs are newest first, page by page, and old ones are deleted": listsJobs,
	"a missing job is not found":                                    missesJob,
	"an existing run continues with its figures":                    resumesRun,
}

// jobStore is the part of a store that stores jobs.
type jobStore interface {
	AddJob(ctx context.Context, j record.Job, lease, keep time.Duration) (record.Job, error)
	Job(ctx context.Context, id string) (record.Job, error)
	Jobs(ctx context.Context, after curfew.Cursor, limit int) ([]record.Job, error)
	ClaimJob(ctx context.Context, holder string, lease time.Duration) (record.Job, error)
	HoldJob(ctx context.Context, j record.Job, lease time.Duration) (record.Job, error)
	EndJob(ctx context.Context, j record.Job) (record.Job, error)
	CancelJob(ctx context.Context, id string, by curfew.Actor) (record.Job, error)
}

func jobsOf(f *fixture) jobStore {
	return f.Store.(jobStore) //nolint:errcheck,forcetypeassert // both are
}

// job adds a job whose first holder is "one", with the given lease.
func (f *fixture) job(lease time.Duration) record.Job {
	f.Helper()
	j, err := jobsOf(f).AddJob(f.Context(), record.Job{
		ID: newID(), Kind: record.UndoJob, Body: `{"runId":"x"}`, Actor: mara, RunID: newID(), Holder: "one",
		JobProgress: record.JobProgress{Phase: "reviving sessions", Total: -1},
	}, lease, time.Hour)
	f.must(err)
	return j
}

func readsJob(f *fixture) {
	j := f.job(time.Hour)
	f.around("created", j.CreatedAt, time.Now())
	f.same("written", j, record.Job{
		ID: j.ID, Kind: record.UndoJob, Body: `{"runId":"x"}`, Actor: mara, RunID: j.RunID, State: record.JobRunning, Holder: "one", Attempt: 1,
		JobProgress: record.JobProgress{Phase: "reviving sessions", Total: -1}, CreatedAt: j.CreatedAt,
	})
	read, err := jobsOf(f).Job(f.Context(), j.ID)
	f.must(err)
	f.same("read", read, j)
}

func holdsJob(f *fixture) {
	j := f.job(time.Hour)
	j.JobProgress = record.JobProgress{Phase: "settling payments", Done: 7, Total: 9}
	held, err := jobsOf(f).HoldJob(f.Context(), j, time.Hour)
	f.must(err)
	f.same("held", held, j)
	j.State, j.Done, j.Result, j.Error = record.JobFailed, 8, `{"revived":[]}`, "the disk is full"
	ended, err := jobsOf(f).EndJob(f.Context(), j)
	f.must(err)
	f.around("ended", ended.FinishedAt, time.Now())
	j.FinishedAt = ended.FinishedAt
	f.same("ended", ended, j)
}

func endsJobOnce(f *fixture) {
	j := f.job(time.Hour)
	j.State = record.JobSucceeded
	ended, err := jobsOf(f).EndJob(f.Context(), j)
	f.must(err)
	j.State = record.JobFailed
	f.refused(curfew.Conflict, func() error { return failed(jobsOf(f).EndJob(f.Context(), j)) })
	f.refused(curfew.Conflict, func() error { return failed(jobsOf(f).HoldJob(f.Context(), j, time.Hour)) })
	f.refused(curfew.Conflict, func() error { return failed(jobsOf(f).CancelJob(f.Context(), j.ID, mara)) })
	f.refused(curfew.NotFound, func() error { return failed(jobsOf(f).ClaimJob(f.Context(), "two", time.Hour)) })
	read, err := jobsOf(f).Job(f.Context(), j.ID)
	f.must(err)
	f.same("it stays", read, ended)
}

func keepsJob(f *fixture) {
	j := f.job(-time.Second)
	held, err := jobsOf(f).HoldJob(f.Context(), j, time.Hour)
	f.must(err)
	f.same("held", held, j)
	f.refused(curfew.NotFound, func() error { return failed(jobsOf(f).ClaimJob(f.Context(), "two", time.Hour)) })
}

func claimsJob(f *fixture) {
	j := f.job(time.Hour)
	j.Done = 222
	_, err := jobsOf(f).HoldJob(f.Context(), j, -time.Second)
	f.must(err)
	got, err := jobsOf(f).ClaimJob(f.Context(), "two", time.Hour)
	f.must(err)
	j.Holder, j.Attempt = "two", 2
	f.same("taken over", got, j)
	f.refused(curfew.NotFound, func() error { return failed(jobsOf(f).ClaimJob(f.Context(), "three", time.Hour)) })
}

func losesJob(f *fixture) {
	j := f.job(-time.Second)
	_, err := jobsOf(f).ClaimJob(f.Context(), j.Holder, time.Hour) // by a process of the same name: the attempt tells them apart
	f.must(err)
	late := j
	late.State, late.Result = record.JobSucceeded, "{}"
	f.refused(curfew.Conflict, func() error { return failed(jobsOf(f).HoldJob(f.Context(), late, time.Hour)) })
	f.refused(curfew.Conflict, func() error { return failed(jobsOf(f).EndJob(f.Context(), late)) })
	read, err := jobsOf(f).Job(f.Context(), j.ID)
	f.must(err)
	j.Attempt = 2
	f.same("it goes on", read, j)
}

func racesJob(f *fixture) {
	j := f.job(-time.Second)
	const replicas = 8
	won := make(chan string, replicas)
	for range replicas {
		go func() {
			holder := newID()
			got, err := jobsOf(f).ClaimJob(f.Context(), holder, time.Hour)
			if err != nil || got.Holder != holder || got.ID != j.ID {
				holder = ""
			}
			won <- holder
		}()
	}
	winners := 0
	for range replicas {
		if <-won != "" {
			winners++
		}
	}
	f.same("winners", winners, 1)
}

func claimsOldestJob(f *fixture) {
	later, first := f.job(-time.Second), f.job(-time.Hour)
	for _, want := range []record.Job{first, later} {
		got, err := jobsOf(f).ClaimJob(f.Context(), "two", time.Hour)
		f.must(err)
		f.same("taken over", got.ID, want.ID)
	}
}

func cancelsJob(f *fixture) {
	j := f.job(time.Hour)
	for _, by := range []curfew.Actor{otto, mara} { // the first counts
		got, err := jobsOf(f).CancelJob(f.Context(), j.ID, by)
		f.must(err)
		f.same("by", got.CancelledBy, otto)
	}
	held, err := jobsOf(f).HoldJob(f.Context(), j, time.Hour)
	f.must(err)
	f.same("its holder is told", held.CancelledBy, otto)
	f.refused(curfew.Conflict, func() error { return failed(jobsOf(f).CancelJob(f.Context(), newID(), mara)) })
}

func listsJobs(f *fixture) {
	all := []record.Job{f.job(time.Hour), f.job(time.Hour), f.job(time.Hour)}
	var got []record.Job
	var after curfew.Cursor
	for len(got) < 4 {
		page, err := jobsOf(f).Jobs(f.Context(), after, 2)
		f.must(err)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = curfew.Cursor{At: got[len(got)-1].CreatedAt, ID: got[len(got)-1].ID}
	}
	f.same("newest first", got, []record.Job{all[2], all[1], all[0]})
	all[0].State = record.JobSucceeded
	_, err := jobsOf(f).EndJob(f.Context(), all[0])
	f.must(err)
	_, err = jobsOf(f).AddJob(f.Context(), record.Job{ID: newID(), Kind: record.CleanupJob, Body: "{}", Actor: mara, Holder: "one"}, time.Hour, -time.Second)
	f.must(err)
	f.refused(curfew.NotFound, func() error { return failed(jobsOf(f).Job(f.Context(), all[0].ID)) })
	_, err = jobsOf(f).Job(f.Context(), all[1].ID) // it runs, however old it is
	f.must(err)
}

func missesJob(f *fixture) {
	for _, id := range []string{newID(), "", "x"} {
		f.refused(curfew.NotFound, func() error { return failed(jobsOf(f).Job(f.Context(), id)) })
	}
}

func resumesRun(f *fixture) {
	r := f.begin(aRun("by hand"))
	r.Stats.Revived = 222
	stopped := f.finish(r, curfew.RunInterrupted)
	again := r
	again.Stats = curfew.Stats{}
	got, err := f.Store.BeginRun(f.Context(), again)
	f.must(err)
	f.same("its start, figures and reason", []any{got.StartedAt, got.Stats, got.Reason}, []any{stopped.StartedAt, stopped.Stats, "by hand"})
	f.same("how it stands", []any{got.Outcome, got.Error, got.FinishedAt}, []any{curfew.RunRunning, "", time.Time{}})
}
