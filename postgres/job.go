package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// jobs stores work that goes on when whoever started it has left.
type jobs struct{ *db }

const (
	jobColumns = `id, kind, body, actor, run_id, state, phase, done, total, result, error, cancelled_by, holder, attempt, created_at, finished_at`
	selectJob  = `SELECT ` + jobColumns + ` FROM curfew.jobs`
	insertJob  = `INSERT INTO curfew.jobs (id, kind, body, actor, run_id, state, phase, total, holder, attempt, lease_until)
		VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8, 1, now() + $9::interval) RETURNING ` + jobColumns
	deleteJobs = `DELETE FROM curfew.jobs WHERE state <> 'running' AND created_at < now() - $1::interval`
)

func scanJob(r row) (record.Job, error) {
	var j record.Job
	var actor, canceller string
	err := r.Scan((*text)(&j.ID), &j.Kind, &j.Body, &actor, (*text)(&j.RunID), &j.State, &j.Phase, &j.Done, &j.Total, &j.Result, &j.Error,
		&canceller, &j.Holder, &j.Attempt, (*moment)(&j.CreatedAt), (*moment)(&j.FinishedAt))
	j.Actor = record.ParseActor(actor)
	if canceller != "" {
		j.CancelledBy = record.ParseActor(canceller)
	}
	return j, err
}

// AddJob writes a job that its holder carries out from now on, and forgets those that ended and began longer ago than keep
// says.
func (s jobs) AddJob(ctx context.Context, j record.Job, lease, keep time.Duration) (added record.Job, err error) {
	err = s.send(ctx, func(b *pgx.Batch) {
		b.Queue(deleteJobs, keep)
		b.Queue(insertJob, j.ID, j.Kind, j.Body, record.ActorText(j.Actor), null(j.RunID), j.Phase, j.Total, j.Holder, lease).Query(into(&added, scanJob))
	})
	return added, wrap(err, "begin job %s", j.ID)
}

const selectJobByID = selectJob + ` WHERE id = $1`

// Job returns the one with this id.
func (s jobs) Job(ctx context.Context, id string) (record.Job, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no such job")
	if !isID(id) {
		return record.Job{}, missing
	}
	j, err := one(ctx, s.db, scanJob, selectJobByID, id)
	return j, wrap(orMissing(err, missing), "read job %s", id)
}

const selectJobs = selectJob + ` WHERE (created_at, id) < ($1::timestamptz, $2::uuid) ORDER BY created_at DESC, id DESC LIMIT $3`

// Jobs returns jobs, newest first, behind the cursor.
func (s jobs) Jobs(ctx context.Context, after curfew.Cursor, limit int) ([]record.Job, error) {
	at, id := until(after)
	all, err := many(ctx, s.db, scanJob, selectJobs, at, id, limit)
	return all, wrap(err, "read the jobs")
}

const claimJob = `UPDATE curfew.jobs SET holder = $1, attempt = attempt + 1, lease_until = now() + $2::interval
	WHERE id = (SELECT id FROM curfew.jobs WHERE state = 'running' AND lease_until <= now() ORDER BY lease_until, id LIMIT 1 FOR UPDATE SKIP LOCKED)
	AND state = 'running' AND lease_until <= now() RETURNING ` + jobColumns

// ClaimJob gives the holder a running job whose lease has ended. NotFound: there is none.
func (s jobs) ClaimJob(ctx context.Context, holder string, lease time.Duration) (record.Job, error) {
	j, err := one(ctx, s.db, scanJob, claimJob, holder, lease)
	return j, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "no job waits for anybody")), "take over a job")
}

const holdJob = `UPDATE curfew.jobs SET phase = $4, done = $5, total = $6, lease_until = now() + $7::interval
	WHERE id = $1 AND holder = $2 AND attempt = $3 AND state = 'running' RETURNING ` + jobColumns

// HoldJob writes how far a job has come, and renews its lease. Conflict: another has it, or it has ended.
func (s jobs) HoldJob(ctx context.Context, j record.Job, lease time.Duration) (record.Job, error) {
	held, err := one(ctx, s.db, scanJob, holdJob, j.ID, j.Holder, j.Attempt, j.Phase, j.Done, j.Total, lease)
	return held, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "job %s has moved", j.ID)), "go on with job %s", j.ID)
}

const endJob = `UPDATE curfew.jobs SET phase = $4, done = $5, total = $6, state = $7, result = $8, error = $9, finished_at = now()
	WHERE id = $1 AND holder = $2 AND attempt = $3 AND state = 'running' RETURNING ` + jobColumns

// EndJob writes how a job ended. Conflict: another has it, or it has ended.
func (s jobs) EndJob(ctx context.Context, j record.Job) (record.Job, error) {
	ended, err := one(ctx, s.db, scanJob, endJob, j.ID, j.Holder, j.Attempt, j.Phase, j.Done, j.Total, j.State, j.Result, j.Error)
	return ended, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "job %s has moved", j.ID)), "end job %s", j.ID)
}

const cancelJob = `UPDATE curfew.jobs SET cancelled_by = CASE cancelled_by WHEN '' THEN $2 ELSE cancelled_by END
	WHERE id = $1 AND state = 'running' RETURNING ` + jobColumns

// CancelJob asks a job to stop. Conflict: there is none that runs.
func (s jobs) CancelJob(ctx context.Context, id string, by curfew.Actor) (record.Job, error) {
	j, err := one(ctx, s.db, scanJob, cancelJob, id, record.ActorText(by))
	return j, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "the job has ended")), "cancel job %s", id)
}
