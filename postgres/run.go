package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// runs stores the runs and previews of the cleanup.
type runs struct{ *db }

const (
	runColumns = `id, trigger, actor, reason, started_at, finished_at, outcome, error, stats, undoes,
		(SELECT undo.id FROM curfew.runs undo WHERE undo.undoes = runs.id AND undo.outcome = 'succeeded' ORDER BY undo.started_at, undo.id LIMIT 1) AS undone_by,
		coalesce((SELECT until FROM curfew.signals WHERE name = 'run:' || runs.id), started_at + ` + runLease + `) >= now() AS alive`
	runLease  = `interval '15 seconds'` // record.RunLease
	insertRun = `INSERT INTO curfew.runs (id, trigger, actor, reason, outcome, stats, undoes)
		VALUES ($1, $2, $3, $4, 'running', $5, $6)
		ON CONFLICT (id) DO UPDATE SET outcome = 'running', finished_at = NULL, error = '' RETURNING ` + runColumns
)

func scanRun(r row) (curfew.Run, error) {
	var v curfew.Run
	var actor string
	var alive bool
	err := r.Scan((*text)(&v.ID), &v.Trigger, &actor, &v.Reason, (*moment)(&v.StartedAt), (*moment)(&v.FinishedAt), &v.Outcome,
		&v.Error, (*stats)(&v.Stats), (*text)(&v.Undoes), (*text)(&v.UndoneBy), &alive)
	v.Actor = record.ParseActor(actor)
	return v.Restored(alive), err
}

// BeginRun records that a run has begun, or that one goes on: with its start and the figures that it has.
func (s runs) BeginRun(ctx context.Context, r curfew.Run) (begun curfew.Run, err error) {
	if r.ID == "" {
		r.ID = newID()
	}
	err = s.send(ctx, func(b *pgx.Batch) {
		b.Queue(asynchronousCommit)
		b.Queue(insertRun, r.ID, r.Trigger, record.ActorText(r.Actor), r.Reason, r.Stats, null(r.Undoes)).Query(into(&begun, scanRun))
	})
	return begun, wrap(err, "begin run %s", r.ID)
}

const finishRun = `UPDATE curfew.runs SET finished_at = now(), outcome = $2, error = $3, stats = $4
	WHERE id = $1 RETURNING ` + runColumns

// FinishRun records how a run ended. For a sweep it does not wait for the disk: a crash
// of the database would only lose that the run ended.
func (s runs) FinishRun(ctx context.Context, r curfew.Run) (finished curfew.Run, err error) {
	err = s.send(ctx, func(b *pgx.Batch) {
		if r.Trigger == curfew.ByTimer {
			b.Queue(asynchronousCommit)
		}
		outcome, why := r.Stored()
		b.Queue(finishRun, r.ID, outcome, why, r.Stats).Query(into(&finished, scanRun))
	})
	return finished, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no run %q", r.ID)), "finish run %s", r.ID)
}

const upsertRunSignal = `INSERT INTO curfew.signals (name, until) VALUES ('run:' || $1, now() + $2::interval)
	ON CONFLICT (name) DO UPDATE SET at = excluded.at, until = excluded.until`

// RenewRun extends a run's lease.
func (s runs) RenewRun(ctx context.Context, id string, ttl time.Duration) error {
	return wrap(s.send(ctx, func(b *pgx.Batch) {
		b.Queue(asynchronousCommit)
		b.Queue(upsertRunSignal, id, ttl)
	}), "say that run %s goes on", id)
}

// countRun writes a run's counts in the transaction that makes them true.
const countRun = `UPDATE curfew.runs SET stats = $2 WHERE id = $1`

const selectRuns = `SELECT ` + runColumns + ` FROM curfew.runs WHERE (started_at, id) < ($1::timestamptz, $2::uuid)
	ORDER BY started_at DESC, id DESC LIMIT $3`

// Runs returns runs, newest first.
func (s runs) Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error) {
	at, id := until(after)
	all, err := many(ctx, s.db, scanRun, selectRuns, at, id, limit)
	return all, wrap(err, "read the runs")
}

const selectRunByID = `SELECT ` + runColumns + ` FROM curfew.runs WHERE id = $1`

// Run returns the run with this id.
func (s runs) Run(ctx context.Context, id string) (curfew.Run, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no run %q", id)
	if !isID(id) {
		return curfew.Run{}, missing
	}
	r, err := one(ctx, s.db, scanRun, selectRunByID, id)
	return r, wrap(orMissing(err, missing), "read run %s", id)
}

const selectRunEvents = `SELECT ` + eventColumns + ` FROM curfew.events WHERE run_id = $1 AND id > $2 ORDER BY id LIMIT $3`

// RunEvents returns a run's events, ordered by id, after the given id.
func (s runs) RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error) {
	if !isID(runID) {
		return nil, nil
	}
	if !isID(after) {
		after = lowestID
	}
	all, err := many(ctx, s.db, scanEvent, selectRunEvents, runID, after, limit)
	return all, wrap(err, "read the events of run %s", runID)
}

const (
	previewColumns = `body, created_at`
	insertPreview  = `INSERT INTO curfew.previews (id, body) VALUES ($1, $2) RETURNING ` + previewColumns
)

func scanPreview(r row) (curfew.Preview, error) {
	var p curfew.Preview
	var created time.Time
	err := r.Scan(&p, (*moment)(&created))
	p.CreatedAt = created
	return p, err
}

// SavePreview stores what a run would change.
func (s runs) SavePreview(ctx context.Context, p curfew.Preview) (curfew.Preview, error) {
	if p.ID == "" {
		p.ID = newID()
	}
	saved, err := one(ctx, s.db, scanPreview, insertPreview, p.ID, p)
	return saved, wrap(err, "save preview %s", p.ID)
}

const selectPreview = `SELECT ` + previewColumns + ` FROM curfew.previews WHERE id = $1 AND created_at >= now() - interval '1 day'`

// Preview returns a preview; NotFound if it is more than a day old.
func (s runs) Preview(ctx context.Context, id string) (curfew.Preview, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no preview %q: they are kept for a day", id)
	if !isID(id) {
		return curfew.Preview{}, missing
	}
	p, err := one(ctx, s.db, scanPreview, selectPreview, id)
	return p, wrap(orMissing(err, missing), "read preview %s", id)
}
