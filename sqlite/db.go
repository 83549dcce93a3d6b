package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/curfewhq/curfew"
)

// db reads and writes the file. The type of every noun embeds it.
type db struct {
	path    string
	clock   func() time.Time
	ahead   atomic.Int64 // of the clock, in microseconds: see clock.go
	trace   curfew.Trace
	timeout time.Duration // of Options
	file    *file
	writer  *writer
	reader  *reader
}

// now is the store's clock, with the precision of the rows.
func (d *db) now() time.Time { return d.wall().Add(time.Duration(d.ahead.Load()) * time.Microsecond) }

// wall is the machine's clock, by which tokens, keys and browsers go.
func (d *db) wall() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Close waits for running calls and closes the file. The anchor is closed last:
// the last connection moves the log into the file, which readers cannot do.
func (d *db) Close() error {
	return errors.Join(d.reader.close(), d.writer.close(), d.file.close())
}

// Ping checks that the file can be read and is still in its place.
func (d *db) Ping(ctx context.Context) error {
	if err := d.file.check(); err != nil {
		return wrap(err, "ping %s", d.path)
	}
	_, err := one(ctx, d, value[int64], "SELECT count(*) FROM sqlite_schema")
	return wrap(err, "ping %s", d.path)
}

func (d *db) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return d.reader.query(ctx, query, args...)
}

func (d *db) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return d.reader.limit(ctx)
}

// fromNow is an argument of exec: this long after the time of its transaction.
type fromNow time.Duration

// fromWall is the same without a test clock.
type fromWall time.Duration

// exec runs one statement in its own transaction and returns how many rows it
// changed.
func (d *db) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = d.write(ctx, func(ctx context.Context, tx *transaction) error {
		n, err = tx.exec(ctx, query, tx.dated(args)...)
		return err
	})
	return n, err
}

// dated is arguments with the times of this transaction.
func (tx *transaction) dated(args []any) []any {
	dated := slices.Clone(args)
	for i, arg := range dated {
		switch after := arg.(type) {
		case fromNow:
			dated[i] = micros(tx.now.Add(time.Duration(after)))
		case fromWall:
			dated[i] = micros(tx.wall.Add(time.Duration(after)))
		}
	}
	return dated
}
