package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// writer is the only connection that writes. Callers take turns in the order in
// which they ask; the queue of database/sql is not fair and would let some
// starve.
type writer struct {
	file  *file
	db    *sql.DB
	turn  chan struct{}
	conn  *sql.Conn            // nil before its first use, and after it failed
	stmts map[string]*sql.Stmt // of conn
}

func newWriter(f *file) *writer {
	db := f.open("&_pragma=cache_size(-16384)")
	db.SetMaxOpenConns(1)
	return &writer{file: f, db: db, turn: make(chan struct{}, 1)}
}

// transaction is one decision being written. Now is its only reading of the
// clock.
type transaction struct {
	w   *writer
	now time.Time
}

// write runs f in one transaction that has the write lock from its start, and
// commits if f returns no error. Otherwise nothing is written. A commit is
// acknowledged only while the file is in its place.
//
// Once begun, it is not interrupted: f's context does not end. It is short, and
// a caller who gave up would not know the outcome.
func (d *db) write(ctx context.Context, f func(context.Context, *transaction) error) error {
	ctx, end := d.trace.Begin(ctx, "sqlite write")
	defer end()
	noteSystem(ctx, "BEGIN")
	return noteError(ctx, d.commit(ctx, f))
}

func (d *db) commit(ctx context.Context, f func(context.Context, *transaction) error) error {
	w := d.writer
	if err := w.acquire(ctx, d.timeout); err != nil {
		return err
	}
	defer w.release()
	defer w.file.settle(ctx)
	if err := w.begin(ctx); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed && w.conn != nil {
			w.rollback()
		}
	}()
	ctx = context.WithoutCancel(ctx)
	tx := &transaction{w, d.now()}
	if err := f(ctx, tx); err != nil {
		return w.judge(err)
	}
	var err error
	committed, err = w.finish(ctx, tx)
	return err
}

// finish commits, and checks before and after whether the file is in its place.
func (w *writer) finish(ctx context.Context, tx *transaction) (committed bool, err error) {
	if err := w.file.check(); err != nil {
		return false, err
	}
	if _, err := tx.exec(ctx, "COMMIT"); err != nil {
		return false, w.judge(err)
	}
	if err := w.file.check(); err != nil {
		return true, unknown(err)
	}
	return true, nil
}

// judge discards the connection if another one may succeed, and the file if the
// error says that its content is wrong.
func (w *writer) judge(err error) error {
	if worn(err) {
		w.discard()
	}
	if damaged(err) {
		return w.file.ruin(fmt.Errorf("%s is damaged: %w", w.file.name, err))
	}
	return err
}

// acquire waits for its turn to write, up to the limit. It creates no timer if
// nobody else is writing.
func (w *writer) acquire(ctx context.Context, limit time.Duration) error {
	if err := ctx.Err(); err != nil {
		return translate(err)
	}
	select {
	case w.turn <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return translate(ctx.Err())
	}
}

func (w *writer) release() { <-w.turn }

// begin takes the write lock, which another program may hold.
func (w *writer) begin(ctx context.Context) error {
	if err := w.file.trusted(); err != nil {
		return err
	}
	if w.conn == nil {
		conn, err := w.db.Conn(ctx)
		if err != nil {
			return translate(err)
		}
		w.conn, w.stmts = conn, map[string]*sql.Stmt{}
		if err := w.file.watch(ctx); err != nil {
			return err
		}
	}
	stmt, err := w.prepare(ctx, "BEGIN IMMEDIATE") //nolint:sqlclosecheck // kept as long as the connection
	if err == nil {
		_, err = stmt.ExecContext(ctx)
	}
	if err != nil {
		w.discard()
	}
	return w.judge(translate(err))
}

// rollback ends a failed transaction. If SQLite has ended it already, this
// fails, and the connection is discarded.
func (w *writer) rollback() {
	if _, err := (&transaction{w: w}).exec(context.Background(), "ROLLBACK"); err != nil {
		w.discard()
	}
}

// discard closes a connection whose state is unknown. It closes the statements
// first: SQLite keeps a connection, and its locks, as long as there is one.
func (w *writer) discard() {
	if w.conn == nil {
		return
	}
	for _, stmt := range w.stmts {
		_ = stmt.Close() // the connection goes, whatever it says
	}
	// Raw hands the error back: this is how database/sql knows that the
	// connection is not to be used again.
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	w.conn, w.stmts = nil, nil
}

// prepare returns the statement of a text, parsed once per connection.
func (w *writer) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := w.stmts[query]; ok {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(ctx, query)
	if err == nil {
		w.stmts[query] = stmt
	}
	return stmt, err
}

// exec runs a statement without a result and returns how many rows it changed.
func (tx *transaction) exec(ctx context.Context, query string, args ...any) (int64, error) {
	stmt, err := tx.w.prepare(ctx, query) //nolint:sqlclosecheck // kept as long as the connection
	if err != nil {
		return 0, translate(err)
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, translate(err)
	}
	return result.RowsAffected()
}

// hit is exec for a write guarded by its WHERE: if no row was as expected, it
// returns the given error.
func (tx *transaction) hit(ctx context.Context, moved error, query string, args ...any) error {
	n, err := tx.exec(ctx, query, args...)
	if err == nil && n == 0 {
		err = moved
	}
	return err
}

func (tx *transaction) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.w.prepare(ctx, query) //nolint:sqlclosecheck // kept as long as the connection
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// close waits for its turn, so that no transaction is cut off. Before closing
// anything it checks the file once more.
func (w *writer) close() error {
	w.turn <- struct{}{}
	defer w.release()
	_ = w.file.check() // what it finds, settle goes by
	w.file.settle(context.Background())
	var err error
	for _, stmt := range w.stmts {
		err = errors.Join(err, stmt.Close())
	}
	if w.conn != nil {
		err = errors.Join(err, w.conn.Close())
		w.conn, w.stmts = nil, nil
	}
	return errors.Join(err, w.db.Close())
}
