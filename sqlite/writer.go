package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// writer is the only connection that writes. Callers take turns in the order in which
// they ask; the queue of database/sql is not fair and would let some starve. The caller
// whose turn it is also writes for those who wait: see group_commit.go.
type writer struct {
	groupCommit

	file  *file
	db    *sql.DB
	conn  *sql.Conn            // nil before its first use, and after it failed
	stmts map[string]*sql.Stmt // of conn
	group []*entry             // that is being written
	// twice is for tests: every entry is run twice, the first time in vain.
	twice bool
}

// What the log may grow to, in pages, before it is moved into the file: a group
// fills it quickly, and moving it waits for the disk twice.
const writerSettings = "&_pragma=cache_size(-16384)&_pragma=temp_store(2)&_pragma=wal_autocheckpoint(4000)"

func newWriter(f *file) *writer {
	db := f.open(writerSettings)
	db.SetMaxOpenConns(1)
	return &writer{groupCommit: groupCommit{turn: make(chan struct{}, 1), time: groupTime}, file: f, db: db}
}

// transaction is one decision being written. Now is its only reading of the
// clock; wall is the same without a test clock.
type transaction struct {
	w    *writer
	now  time.Time
	wall time.Time
	gone error // after it SQLite may have ended the transaction: nothing more is written
}

// write runs f in one transaction that has the write lock from its start, and
// commits if f returns no error. Otherwise nothing is written. A commit is
// acknowledged only while the file is in its place. Others may share the
// transaction: what they write, f sees as committed, and if it does not last f is
// run again. So it must not keep what an earlier run left in its variables.
//
// Once begun, it is not interrupted: f's context does not end. It is short, and
// a caller who gave up would not know the outcome.
func (d *db) write(ctx context.Context, f func(context.Context, *transaction) error) error {
	return d.traced(ctx, f, func(ctx context.Context, e *entry) error {
		err := d.writer.together(ctx, e, d.timeout)
		if errors.Is(err, errAlone) {
			err = d.writer.alone(ctx, e, d.timeout)
		}
		return err
	})
}

// writeAlone is write for what takes long, or changes tables or their checks: f has a transaction
// of its own and is run once.
func (d *db) writeAlone(ctx context.Context, f func(context.Context, *transaction) error) error {
	return d.traced(ctx, f, func(ctx context.Context, e *entry) error { return d.writer.alone(ctx, e, d.timeout) })
}

func (d *db) traced(ctx context.Context, f func(context.Context, *transaction) error, do func(context.Context, *entry) error) error {
	ctx, end := d.trace.Begin(ctx, "sqlite write")
	defer end()
	noteSystem(ctx, "BEGIN")
	if err := ctx.Err(); err != nil {
		return noteError(ctx, translate(err))
	}
	unending := context.WithoutCancel(ctx)
	err := do(ctx, &entry{run: func(w *writer) error {
		tx := &transaction{w: w, now: d.now(), wall: d.wall()}
		return cmp.Or(f(unending, tx), tx.gone)
	}})
	if fell, ok := errors.AsType[*panicked](err); ok {
		panic(fell)
	}
	return noteError(ctx, err)
}

// step takes a step of the transaction itself.
func (w *writer) step(statement string) error {
	_, err := (&transaction{w: w}).exec(context.Background(), statement)
	return err
}

// commit ends the transaction, and checks before and after whether the file is in
// its place.
func (w *writer) commit() error {
	if err := w.file.check(); err != nil {
		w.rollback()
		return err
	}
	if err := w.step("COMMIT"); err != nil {
		w.rollback()
		switch err = w.judge(err); {
		case w.file.trusted() != nil:
			return unknown(err)
		case unsaved(err):
			return err
		}
		return as(curfew.Unavailable, unansweredText, err)
	}
	if err := w.file.check(); err != nil {
		return unknown(err)
	}
	return nil
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
	if w.conn != nil && w.step("ROLLBACK") != nil {
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

var errDiscarded = curfew.Errorf(curfew.Unavailable, "the connection to the database was given up: try again")

// prepare returns the statement of a text, parsed once per connection.
func (w *writer) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := w.stmts[query]; ok {
		return stmt, nil
	}
	if w.conn == nil {
		return nil, errDiscarded
	}
	stmt, err := w.conn.PrepareContext(ctx, query)
	if err == nil {
		w.stmts[query] = stmt
	}
	return stmt, err
}

// exec runs a statement without a result and returns how many rows it changed.
func (tx *transaction) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if tx.gone != nil {
		return 0, tx.gone
	}
	stmt, err := tx.w.prepare(ctx, query) //nolint:sqlclosecheck // kept as long as the connection
	if err != nil {
		return 0, translate(err)
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, tx.failed(err)
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
	if tx.gone != nil {
		return nil, tx.gone
	}
	stmt, err := tx.w.prepare(ctx, query) //nolint:sqlclosecheck // kept as long as the connection
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, tx.failed(err)
	}
	return rows, nil
}

// failed translates the error of a statement. After some, SQLite has rolled the
// transaction back, and what came next would be committed by itself.
func (tx *transaction) failed(err error) error {
	err = translate(err)
	if ends(err) {
		tx.gone = err
	}
	return err
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
