package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// writer is the one connection that writes. Callers take turns in the order of
// asking: the queue of database/sql has none, and somebody would starve in it.
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

// transaction is one decision being written. Now is its one reading of the
// clock.
type transaction struct {
	w   *writer
	now time.Time
}

// write runs f in one transaction that has the write lock from its start, and
// commits if f returns no error. Whatever else happens, nothing of it stays.
// What was committed is acknowledged only while the file is in its place.
//
// Once it has begun it is not interrupted: f's context has no end. It is short,
// and a caller who gave up would not know what became of it.
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

// finish commits, and looks before and after whether the file is in its place.
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

// judge loses the connection, or the file, if the error says that another may
// do better, or that its content is wrong.
func (w *writer) judge(err error) error {
	if worn(err) {
		w.discard()
	}
	if damaged(err) {
		return w.file.ruin(fmt.Errorf("%s is damaged: %w", w.file.name, err))
	}
	return err
}

// acquire waits for its turn to write, up to the limit. No timer is made where
// nobody else writes.
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

// begin takes the write lock, which a program beside us may hold.
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

// rollback ends a failed transaction. SQLite may have ended it already; then
// this fails, and the connection goes.
func (w *writer) rollback() {
	if _, err := (&transaction{w: w}).exec(context.Background(), "ROLLBACK"); err != nil {
		w.discard()
	}
}

// discard closes a connection whose state is not known. Its statements go first:
// as long as there is one, SQLite keeps the connection, and what it has locked.
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

// prepare is the statement of a text, parsed once a connection.
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

// exec is the number of rows that a statement without answer changed.
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

// hit is exec for a write that is guarded by its WHERE: a row that was not there
// as expected is the error given.
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

// close waits for the turn, so that no transaction is cut off. Before anything
// is closed it looks once more at the file.
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
