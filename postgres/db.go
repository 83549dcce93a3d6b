package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// db sends statements and transactions. The type of every noun embeds it.
type db struct {
	pool *pool
}

// Close closes the pool once its connections have been released.
func (d *db) Close() { d.pool.Close() }

// Ping checks that the database answers.
func (d *db) Ping(ctx context.Context) error {
	err := d.pool.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error { return conn.Ping(ctx) })
	return wrap(translate(err), "reach the database")
}

// attempts is how often a transaction is begun that the server gave up for a
// deadlock, a serialization failure or a connection that only reads.
const attempts = 5

// tx runs do in a transaction, and runs it again if the server asks for that, so do must
// not keep results of an earlier attempt. The transaction keeps to the call's limit
// whatever context do passes to it.
func (d *db) tx(ctx context.Context, do func(*transaction) error) error {
	return d.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		t := &transaction{conn: conn, limit: ctx}
		return t.end(ctx, do(t))
	})
}

// send runs what is queued in one round trip, as one implicit transaction. The
// results go where the queued callbacks put them.
func (d *db) send(ctx context.Context, queue func(*pgx.Batch)) error {
	return d.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var b pgx.Batch
		queue(&b)
		return conn.SendBatch(ctx, &b).Close()
	})
}

// again repeats a transaction that the server rolled back because of others, within the
// limit of one call.
func (d *db) again(ctx context.Context, do func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.pool.timeout)
	defer cancel()
	return repeat(ctx, func() error { return d.pool.with(ctx, do) })
}

func repeat(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if n == attempts || !repeatable(err) {
			return translate(err)
		}
		select {
		case <-time.After(rand.N(10 * time.Millisecond << n)): //nolint:gosec // G404: a jitter, no secret
		case <-ctx.Done():
			return translate(err)
		}
	}
}

// asynchronousCommit lets a transaction commit without waiting for the disk. Its rows
// matter only together with a later transaction, whose commit brings both to the disk.
const asynchronousCommit = `SELECT set_config('synchronous_commit', 'off', true)`

// read passes the rows of one statement to collect, which closes them.
func (d *db) read(ctx context.Context, collect func(pgx.Rows) error, sql string, args ...any) error {
	return translate(d.pool.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, sql, args...) // its error comes out of the rows
		return collect(rows)
	}))
}

// one reads a single row; NotFound if there is none.
func one[T any](ctx context.Context, d *db, scan pgx.RowToFunc[T], sql string, args ...any) (v T, err error) {
	err = d.read(ctx, into(&v, scan), sql, args...)
	return v, err
}

// many reads all rows.
func many[T any](ctx context.Context, d *db, scan pgx.RowToFunc[T], sql string, args ...any) (all []T, err error) {
	err = d.read(ctx, func(rows pgx.Rows) (err error) {
		all, err = pgx.CollectRows(rows, scan)
		return err
	}, sql, args...)
	return all, err
}

// exec runs one statement and returns how many rows it changed.
func (d *db) exec(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = d.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		tag, err := conn.Exec(ctx, sql, args...)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}
