package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/curfewhq/curfew"
)

// reader is the connections that read. Each statement sees one moment of the
// file, so every read here is a single statement.
type reader struct {
	file    *file // nil: there is none
	db      *sql.DB
	trace   curfew.Trace
	timeout time.Duration // of a reading
	mu      sync.RWMutex
	stmts   map[string]*sql.Stmt
}

func newReader(f *file, o Options) *reader {
	db := f.open("&_query_only=1")
	n := max(4, runtime.NumCPU())
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return &reader{file: f, db: db, trace: o.Trace, timeout: o.Timeout, stmts: map[string]*sql.Stmt{}}
}

// open cannot fail: the first connection reports what is wrong with a name.
func open(dsn string) *sql.DB {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		panic(err) // the driver is not linked in
	}
	return db
}

func (r *reader) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, end := r.trace.Begin(ctx, "sqlite read")
	defer end()
	noteSystem(ctx, "SELECT")
	if err := r.file.trusted(); err != nil {
		return nil, noteError(ctx, err)
	}
	stmt, err := r.prepare(ctx, query) //nolint:sqlclosecheck // kept as long as the reader
	if err != nil {
		return nil, noteError(ctx, err)
	}
	rows, err := stmt.QueryContext(ctx, args...) //nolint:sqlclosecheck // the caller's, many closes it
	if damaged(err) && r.file != nil {
		err = as(curfew.Unavailable, "the database cannot answer now: try again", err)
	}
	return rows, noteError(ctx, err)
}

// prepare returns the statement of a text; database/sql parses it once per
// connection.
func (r *reader) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.RLock()
	stmt := r.stmts[query]
	r.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	stmt, err := r.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if first := r.stmts[query]; first != nil {
		return first, stmt.Close() //nolint:sqlclosecheck // only this one is not kept
	}
	r.stmts[query] = stmt
	return stmt, nil
}

// close closes the statements with their connections.
func (r *reader) close() error { return r.db.Close() }

// source is where rows are read from: the reader, or a transaction.
type source interface {
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	// limit returns the context that limits a whole read.
	limit(ctx context.Context) (context.Context, context.CancelFunc)
}

func (r *reader) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.timeout)
}

// A transaction that has begun is not interrupted.
func (*transaction) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

// unlimited is a reader without a limit, for whole tables.
type unlimited struct{ *reader }

func (unlimited) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

// many reads all rows.
func many[T any](ctx context.Context, src source, scan func(row) (T, error), query string, args ...any) (all []T, err error) {
	ctx, cancel := src.limit(ctx)
	defer cancel()
	rows, err := src.query(ctx, query, args...)
	if err != nil {
		return nil, translate(err)
	}
	defer func() { err = errors.Join(err, translate(rows.Close())) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, translate(err)
		}
		all = append(all, v)
	}
	return all, translate(rows.Err())
}

// one reads a single row; NotFound if there is none.
func one[T any](ctx context.Context, src source, scan func(row) (T, error), query string, args ...any) (T, error) {
	all, err := many(ctx, src, scan, query, args...)
	if err == nil && len(all) == 0 {
		err = translate(sql.ErrNoRows)
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}
