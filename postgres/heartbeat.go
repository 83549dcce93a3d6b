package postgres

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// heartbeats stores the signs of life of background work and processes.
type heartbeats struct{ *db }

const upsertSignal = `INSERT INTO curfew.signals (name, lag) VALUES ($1, $2)
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
	return s.send(ctx, func(b *pgx.Batch) {
		b.Queue(asynchronousCommit)
		b.Queue(upsertSignal, name, lag)
	})
}

const (
	upsertProcess = `INSERT INTO curfew.signals (name, until) VALUES ('process:' || $1, now() + $2::interval)
		ON CONFLICT (name) DO UPDATE SET at = excluded.at, until = excluded.until`
	// A row may find room in its table while no table can grow. Sorting more than
	// its memory holds writes a file of some 300 kB beside the tables.
	littleMemory = `SELECT set_config('work_mem', '64kB', true)`
	sortOnDisk   = `SELECT count(*) FROM (SELECT repeat('x', 1000) || i AS x FROM generate_series(1, 300) i ORDER BY x OFFSET 0) sorted`
)

// everyColumn fails if a table or a column that the service needs is missing or unreadable.
// The guards' tables may be missing, if guards are switched off.
var everyColumn = func() string {
	var parts []string
	for _, table := range slices.Sorted(maps.Keys(rights)) {
		if names := strings.Fields(columns[table]); len(names) > 0 {
			parts = append(parts, "SELECT 1 FROM (SELECT "+strings.Join(names, ", ")+" FROM curfew."+table+" WHERE false) "+table)
		}
	}
	return strings.Join(parts, " UNION ALL ")
}()

// RecordHeartbeat writes the row of a process, in a transaction of two round trips like
// other writes, which a pooler in statement mode refuses. It also writes an event and takes
// it back: every change has one, and another program's trigger may refuse it.
func (s heartbeats) RecordHeartbeat(ctx context.Context, process string, ttl time.Duration) error {
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(littleMemory)
		b.Queue(sortOnDisk)
	})
	if code(err) != diskFull { // whatever else it is keeps the row from being written, or nothing
		err = s.tx(ctx, func(t *transaction) error {
			if err := t.send(ctx, queueProbe); err != nil {
				return err
			}
			return t.last(ctx, func(b *pgx.Batch) { b.Queue(upsertProcess, process, ttl) })
		})
	}
	return wrap(err, "write the row of this process")
}

func queueProbe(b *pgx.Batch) {
	probe := record.ProbeEvent(newID())
	b.Queue(everyColumn)
	b.Queue(`SAVEPOINT probe`)
	queueEvents(b, []event{{
		subject: "session", customerID: probe.CustomerID, subjectID: probe.Subject, number: probe.Number, to: probe.To, actor: probe.Actor, reason: probe.Reason,
	}})
	b.Queue(`ROLLBACK TO SAVEPOINT probe`)
}

const deleteProcess = `DELETE FROM curfew.signals WHERE name = 'process:' || $1`

// ForgetProcess removes the row of a process.
func (s heartbeats) ForgetProcess(ctx context.Context, process string) error {
	_, err := s.exec(ctx, deleteProcess, process)
	return wrap(err, "remove the row of this process")
}

const upsertStreams = `INSERT INTO curfew.signals (name, n, until) VALUES ('streams:' || $1, $2, now() + $3::interval)
	ON CONFLICT (name) DO UPDATE SET at = excluded.at, n = excluded.n, until = excluded.until`

// RecordStreams records how many mechanics are connected to a process.
func (s heartbeats) RecordStreams(ctx context.Context, process string, mechanics int, ttl time.Duration) error {
	_, err := s.exec(ctx, upsertStreams, process, mechanics, ttl)
	return wrap(err, "record who is connected")
}

const (
	selectHeartbeats = `SELECT sweep.at, sweep.lag, queue.at, now(),
			(SELECT coalesce(sum(n), 0)::bigint FROM curfew.signals WHERE name LIKE 'streams:%' AND until >= now())
		FROM (VALUES (1)) one (row)
		LEFT JOIN curfew.signals sweep ON sweep.name = 'sweep'
		LEFT JOIN curfew.signals queue ON queue.name = 'queue'`
	selectLastRun = `SELECT ` + runColumns + ` FROM curfew.runs WHERE outcome <> 'running' AND undoes IS NULL ORDER BY started_at DESC, id DESC LIMIT 1`
)

// Heartbeats are what background work last said of itself.
func (s heartbeats) Heartbeats(ctx context.Context) (curfew.Heartbeats, error) {
	var p curfew.Heartbeats
	var runs []curfew.Run
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(selectHeartbeats).QueryRow(func(row pgx.Row) error {
			return row.Scan((*moment)(&p.Sweep), (*span)(&p.Lag), (*moment)(&p.QueueRead), (*moment)(&p.Now), &p.Connected)
		})
		b.Queue(selectLastRun).Query(func(rows pgx.Rows) (err error) {
			runs, err = pgx.CollectRows(rows, scanRun)
			return err
		})
	})
	if len(runs) > 0 {
		p.LastRun = &runs[0]
	}
	return p, wrap(err, "read the heartbeats")
}
