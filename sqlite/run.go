package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// runs stores the runs and previews of the cleanup.
type runs struct{ *db }

// previewLife is how long a preview can be executed.
const previewLife = 24 * time.Hour

const runColumns = `id, trigger, actor, reason, started_at, finished_at, outcome, error, stats, undoes,
    (SELECT undo.id FROM runs undo WHERE undo.undoes = runs.id AND undo.outcome = 'succeeded' ORDER BY undo.started_at, undo.id LIMIT 1) AS undone_by,
    (SELECT until FROM signals WHERE name = 'run:' || runs.id) AS until`

const insertRun = `
INSERT INTO runs (id, trigger, actor, reason, started_at, outcome, undoes) VALUES ($1, $2, $3, $4, $5, 'running', $6)
ON CONFLICT (id) DO UPDATE SET outcome = 'running', finished_at = NULL, error = ''
RETURNING ` + runColumns

// scanRun reads a run in its state at a given time.
func scanRun(now time.Time) func(row) (curfew.Run, error) {
	return func(r row) (curfew.Run, error) { return scanRunAt(r, now) }
}

func scanRunAt(r row, now time.Time) (curfew.Run, error) {
	var v curfew.Run
	var actor string
	var until time.Time
	err := r.Scan(text(&v.ID), text(&v.Trigger), text(&actor), text(&v.Reason), moment(&v.StartedAt), moment(&v.FinishedAt),
		text(&v.Outcome), text(&v.Error), ifReadable(&v.Stats, curfew.Stats{}), text(&v.Undoes), text(&v.UndoneBy), moment(&until))
	v.Actor = record.ParseActor(actor)
	if until.IsZero() {
		until = v.StartedAt.Add(record.RunLease)
	}
	return v.Restored(!until.Before(now)), err
}

// BeginRun records that a run has begun, or that one goes on: with its start and the figures that it has.
func (s runs) BeginRun(ctx context.Context, r curfew.Run) (curfew.Run, error) {
	if r.ID == "" {
		r.ID = newID()
	}
	var begun curfew.Run
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		begun, err = one(ctx, tx, scanRun(tx.now), insertRun, r.ID, string(r.Trigger), record.ActorText(r.Actor), r.Reason, micros(tx.now), null(r.Undoes))
		return err
	})
	return begun, wrap(err, "begin run %s", r.ID)
}

const finishRun = `
UPDATE runs SET finished_at = $2, outcome = $3, error = $4, stats = $5 WHERE id = $1
RETURNING ` + runColumns

// FinishRun records how a run ended.
func (s runs) FinishRun(ctx context.Context, r curfew.Run) (curfew.Run, error) {
	stats, err := json.Marshal(r.Stats)
	if err != nil {
		return curfew.Run{}, wrap(err, "finish run %s", r.ID)
	}
	var finished curfew.Run
	outcome, why := r.Stored()
	err = s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		finished, err = one(ctx, tx, scanRun(tx.now), finishRun, r.ID, micros(tx.now), string(outcome), why, string(stats))
		return orMissing(err, curfew.Errorf(curfew.NotFound, "there is no run %q", r.ID))
	})
	return finished, wrap(err, "finish run %s", r.ID)
}

const upsertRunSignal = `INSERT INTO signals (name, at, until) VALUES ('run:' || $1, $2, $3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, until = excluded.until`

// RenewRun extends a run's lease.
func (s runs) RenewRun(ctx context.Context, id string, ttl time.Duration) error {
	_, err := s.exec(ctx, upsertRunSignal, id, fromNow(0), fromNow(ttl))
	return wrap(err, "say that run %s goes on", id)
}

const countRun = `UPDATE runs SET stats = $2 WHERE id = $1`

// countRun writes a run's counts in the transaction that makes them true.
func (tx *transaction) countRun(ctx context.Context, id string, stats curfew.Stats) error {
	if id == "" {
		return nil
	}
	text, err := json.Marshal(stats)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, countRun, id, string(text))
	return err
}

const selectRuns = `SELECT ` + runColumns + ` FROM runs
WHERE (started_at, id) < ($1, $2)
ORDER BY started_at DESC, id DESC LIMIT $3`

// Runs returns runs, newest first.
func (s runs) Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error) {
	at, id := until(after)
	all, err := many(ctx, s.db, scanRun(s.now()), selectRuns, at, id, limit)
	return all, wrap(err, "read the runs")
}

const selectRunByID = `SELECT ` + runColumns + ` FROM runs WHERE id = $1`

// Run returns the run with this id.
func (s runs) Run(ctx context.Context, id string) (curfew.Run, error) {
	r, err := one(ctx, s.db, scanRun(s.now()), selectRunByID, id)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no run %q", id)), "read run %s", id)
}

const selectRunEvents = `SELECT ` + eventColumns + ` FROM events WHERE run_id = $1 AND id > $2 ORDER BY id LIMIT $3`

// RunEvents returns a run's events, ordered by id, after the given id.
func (s runs) RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error) {
	all, err := many(ctx, s.db, scanEvent, selectRunEvents, runID, after, limit)
	return all, wrap(err, "read the events of run %s", runID)
}

const insertPreview = `INSERT INTO previews (id, created_at, body) VALUES ($1, $2, $3)`

func scanPreview(r row) (curfew.Preview, error) {
	var p curfew.Preview
	err := r.Scan(document(&p))
	return p, err
}

// SavePreview stores what a run would change.
func (s runs) SavePreview(ctx context.Context, p curfew.Preview) (curfew.Preview, error) {
	if p.ID == "" {
		p.ID = newID()
	}
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		p.CreatedAt = tx.now
		body, err := json.Marshal(p)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, insertPreview, p.ID, micros(tx.now), string(body))
		return err
	})
	return p, wrap(err, "save preview %s", p.ID)
}

const selectPreview = `SELECT body FROM previews WHERE id = $1 AND created_at >= $2`

// Preview returns a preview; NotFound if it is more than a day old.
func (s runs) Preview(ctx context.Context, id string) (curfew.Preview, error) {
	p, err := one(ctx, s.db, scanPreview, selectPreview, id, ago(s.now(), previewLife))
	return p, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no preview %q: they are kept for a day", id)), "read preview %s", id)
}
