package sqlite

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// heartbeats stores the signs of life of background work and processes.
type heartbeats struct{ *db }

const upsertSignal = `
INSERT INTO signals (name, at, lag) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, lag = excluded.lag`

// RecordSweep records a successful sweep and how late it was.
func (s heartbeats) RecordSweep(ctx context.Context, lag time.Duration) error {
	return wrap(s.record(ctx, "sweep", lag), "record a sweep")
}

// RecordQueueRead records a look at the queue.
func (s heartbeats) RecordQueueRead(ctx context.Context) error {
	return wrap(s.record(ctx, "queue", 0), "record a look at the queue")
}

// record leaves a sign of life, which the next one replaces.
func (s heartbeats) record(ctx context.Context, name string, lag time.Duration) error {
	_, err := s.exec(ctx, upsertSignal, name, fromNow(0), lag.Microseconds())
	return err
}

const upsertProcess = `
INSERT INTO signals (name, at, until) VALUES ('process:' || $1, $2, $3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, until = excluded.until`

// everyColumn fails if a table or a column that the migrations make is missing.
var everyColumn = sync.OnceValues(func() (string, error) {
	all, err := expected()
	columns := map[string][]string{}
	for _, part := range all {
		if name, ok := strings.CutPrefix(part, "column "); ok {
			table, column, _ := strings.Cut(name, ".")
			columns[table] = append(columns[table], column)
		}
	}
	var parts []string
	for _, table := range slices.Sorted(maps.Keys(columns)) {
		if !strings.HasPrefix(table, "sqlite_") {
			parts = append(parts, "SELECT 1 FROM (SELECT "+strings.Join(columns[table], ", ")+" FROM "+table+" WHERE 0)")
		}
	}
	return strings.Join(parts, " UNION ALL "), err
})

// RecordHeartbeat writes the row of a process. It also writes an event and takes it back: every
// change has one, and another program's trigger may refuse it.
func (s heartbeats) RecordHeartbeat(ctx context.Context, process string, ttl time.Duration) error {
	look, err := everyColumn()
	if err != nil {
		return wrap(err, "write the row of this process")
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if _, err := many(ctx, tx, value[int64], look); err != nil {
			return err
		}
		if err := tx.tryEvent(ctx); err != nil {
			return err
		}
		_, err := tx.exec(ctx, upsertProcess, process, micros(tx.now), micros(tx.now.Add(ttl)))
		return err
	})
	return wrap(err, "write the row of this process")
}

// tryEvent writes an event and takes it back.
func (tx *transaction) tryEvent(ctx context.Context) error {
	if _, err := tx.exec(ctx, "SAVEPOINT probe"); err != nil {
		return err
	}
	if err := tx.record(ctx, "session", record.ProbeEvent(newID())); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "ROLLBACK TO probe"); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "RELEASE probe")
	return err
}

const deleteProcess = `DELETE FROM signals WHERE name = 'process:' || $1`

// ForgetProcess removes the row of a process.
func (s heartbeats) ForgetProcess(ctx context.Context, process string) error {
	_, err := s.exec(ctx, deleteProcess, process)
	return wrap(err, "remove the row of this process")
}

const upsertStreams = `
INSERT INTO signals (name, at, n, until) VALUES ('streams:' || $1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, n = excluded.n, until = excluded.until`

// RecordStreams records how many mechanics are connected to a process.
func (s heartbeats) RecordStreams(ctx context.Context, process string, mechanics int, ttl time.Duration) error {
	_, err := s.exec(ctx, upsertStreams, process, fromNow(0), mechanics, fromNow(ttl))
	return wrap(err, "record who is connected")
}

const selectHeartbeats = `
SELECT (SELECT at FROM signals WHERE name = 'sweep'), (SELECT lag FROM signals WHERE name = 'sweep'),
    (SELECT at FROM signals WHERE name = 'queue'),
    (SELECT coalesce(sum(n), 0) FROM signals WHERE name LIKE 'streams:%' AND until >= $1)`

const selectLastRun = `SELECT ` + runColumns + ` FROM runs WHERE finished_at IS NOT NULL AND undoes IS NULL ORDER BY started_at DESC, id DESC LIMIT 1`

// Heartbeats returns the latest heartbeats of background work.
func (s heartbeats) Heartbeats(ctx context.Context) (curfew.Heartbeats, error) {
	now := s.now()
	p, err := one(ctx, s.db, scanHeartbeats, selectHeartbeats, micros(now))
	if err != nil {
		return curfew.Heartbeats{}, wrap(err, "read the heartbeats")
	}
	p.Now = now
	run, err := one(ctx, s.db, scanRun(now), selectLastRun)
	if err != nil && !errors.Is(err, curfew.NotFound) {
		return curfew.Heartbeats{}, wrap(err, "read the last run")
	}
	if err == nil {
		p.LastRun = &run
	}
	return p, nil
}

func scanHeartbeats(r row) (curfew.Heartbeats, error) {
	var p curfew.Heartbeats
	err := r.Scan(moment(&p.Sweep), span(&p.Lag, time.Microsecond), moment(&p.QueueRead), &p.Connected)
	return p, err
}
