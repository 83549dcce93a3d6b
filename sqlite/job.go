package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// jobs stores work that goes on when whoever started it has left.
type jobs struct{ *db }

const (
	jobColumns = `id, kind, body, actor, run_id, state, phase, done, total, result, error, cancelled_by, holder, attempt, created_at, finished_at`
	selectJob  = `SELECT ` + jobColumns + ` FROM jobs`
	insertJob  = `
INSERT INTO jobs (id, kind, body, actor, run_id, state, phase, total, holder, attempt, lease_until, created_at)
VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8, 1, $9, $10) RETURNING ` + jobColumns
	deleteJobs = `DELETE FROM jobs WHERE state <> 'running' AND created_at < $1`
)

func scanJob(r row) (record.Job, error) {
	var j record.Job
	var actor, canceller string
	err := r.Scan(text(&j.ID), text(&j.Kind), text(&j.Body), text(&actor), text(&j.RunID), text(&j.State), text(&j.Phase), number(&j.Done), number(&j.Total),
		text(&j.Result), text(&j.Error), text(&canceller), text(&j.Holder), number(&j.Attempt), moment(&j.CreatedAt), moment(&j.FinishedAt))
	j.Actor = record.ParseActor(actor)
	if canceller != "" {
		j.CancelledBy = record.ParseActor(canceller)
	}
	return j, err
}

// AddJob writes a job that its holder carries out from now on, and forgets those that ended and began longer ago than keep
// says.
func (s jobs) AddJob(ctx context.Context, j record.Job, lease, keep time.Duration) (added record.Job, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if _, err := tx.exec(ctx, deleteJobs, ago(tx.now, keep)); err != nil {
			return err
		}
		added, err = one(ctx, tx, scanJob, insertJob, j.ID, string(j.Kind), j.Body, record.ActorText(j.Actor), null(j.RunID), j.Phase, j.Total, j.Holder,
			micros(tx.now.Add(lease)), micros(tx.now))
		return err
	})
	return added, wrap(err, "begin job %s", j.ID)
}

const selectJobByID = selectJob + ` WHERE id = $1`

// Job returns the one with this id.
func (s jobs) Job(ctx context.Context, id string) (record.Job, error) {
	j, err := one(ctx, s.db, scanJob, selectJobByID, id)
	return j, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no such job")), "read job %s", id)
}

const selectJobs = selectJob + ` WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3`

// Jobs returns jobs, newest first, behind the cursor.
func (s jobs) Jobs(ctx context.Context, after curfew.Cursor, limit int) ([]record.Job, error) {
	at, id := until(after)
	all, err := many(ctx, s.db, scanJob, selectJobs, at, id, limit)
	return all, wrap(err, "read the jobs")
}

const claimJob = `
UPDATE jobs SET holder = $1, attempt = attempt + 1, lease_until = $2
WHERE id = (SELECT id FROM jobs WHERE state = 'running' AND lease_until <= $3 ORDER BY lease_until, id LIMIT 1)
RETURNING ` + jobColumns

// ClaimJob gives the holder a running job whose lease has ended. NotFound: there is none.
func (s jobs) ClaimJob(ctx context.Context, holder string, lease time.Duration) (j record.Job, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		j, err = one(ctx, tx, scanJob, claimJob, holder, micros(tx.now.Add(lease)), micros(tx.now))
		return err
	})
	return j, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "no job waits for anybody")), "take over a job")
}

const holdJob = `
UPDATE jobs SET phase = $4, done = $5, total = $6, lease_until = $7
WHERE id = $1 AND holder = $2 AND attempt = $3 AND state = 'running' RETURNING ` + jobColumns

// HoldJob writes how far a job has come, and renews its lease. Conflict: another has it, or it has ended.
func (s jobs) HoldJob(ctx context.Context, j record.Job, lease time.Duration) (held record.Job, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		held, err = one(ctx, tx, scanJob, holdJob, j.ID, j.Holder, j.Attempt, j.Phase, j.Done, j.Total, micros(tx.now.Add(lease)))
		return err
	})
	return held, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "job %s has moved", j.ID)), "go on with job %s", j.ID)
}

const endJob = `
UPDATE jobs SET phase = $4, done = $5, total = $6, state = $7, result = $8, error = $9, finished_at = $10
WHERE id = $1 AND holder = $2 AND attempt = $3 AND state = 'running' RETURNING ` + jobColumns

// EndJob writes how a job ended. Conflict: another has it, or it has ended.
func (s jobs) EndJob(ctx context.Context, j record.Job) (ended record.Job, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		ended, err = one(ctx, tx, scanJob, endJob, j.ID, j.Holder, j.Attempt, j.Phase, j.Done, j.Total, string(j.State), j.Result, j.Error, micros(tx.now))
		return err
	})
	return ended, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "job %s has moved", j.ID)), "end job %s", j.ID)
}

const cancelJob = `
UPDATE jobs SET cancelled_by = CASE cancelled_by WHEN '' THEN $2 ELSE cancelled_by END
WHERE id = $1 AND state = 'running' RETURNING ` + jobColumns

// CancelJob asks a job to stop. Conflict: there is none that runs.
func (s jobs) CancelJob(ctx context.Context, id string, by curfew.Actor) (j record.Job, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		j, err = one(ctx, tx, scanJob, cancelJob, id, record.ActorText(by))
		return err
	})
	return j, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "the job has ended")), "cancel job %s", id)
}
