package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
)

// Store is lifecycle's store on PostgreSQL. It is safe for concurrent use.
type Store struct {
	pool   *pool
	groups *groups
	// permitted is when this role was last seen to have every right.
	permitted *permitted
}

// Options of OpenWith. The zero value is Open's.
type Options struct {
	Trace curfew.Trace // is shown every round trip; nil: nobody looks
	// Timeout limits every call, waiting for a connection included: beyond it the
	// error is Unavailable, and the next call gets a new connection. 0: 10 seconds,
	// or twice the URL's statement_timeout if that is longer. What reads or writes
	// whole tables (Migrate, SetGuards, Dump, Load, Broken) has no limit.
	Timeout time.Duration
}

// Open connects to the database that the URL names, with a pool of Curfew's
// own. Errors: Invalid for a URL that cannot be read and for a database that
// cannot keep Curfew's promises (another engine, distributed tables), Unavailable.
func Open(ctx context.Context, url string) (*Store, error) { return OpenWith(ctx, url, Options{}) }

// OpenWith is Open with options.
func OpenWith(ctx context.Context, url string, o Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The driver's text leaves out the password.
		return nil, curfew.Errorf(curfew.Invalid, "the database URL: %s", err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = int32(max(8, 4*runtime.GOMAXPROCS(0))) //nolint:gosec // G115: a small number of cores
	}
	if o.Trace != nil {
		config.ConnConfig.Tracer = tracer{o.Trace, config.ConnConfig.Database}
	}
	pool, err := openPool(ctx, config, url, o)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", translate(err))
	}
	s := newStore(pool)
	if err := s.whole(ctx); err != nil {
		s.Close()
		return nil, err
	}
	pool.serving = true
	return s, nil
}

// New is the store over a pool of the caller's, whose settings hold: each
// connection is looked at when it is first used, and one that lacks what Curfew
// relies on is refused with Invalid. Configure sets all of it. Calls are limited
// as Open's are.
func New(p *pgxpool.Pool) *Store {
	return newStore(&pool{Pool: p, timeout: limitOf(p.Config(), 0), foreign: true, serving: true})
}

func newStore(p *pool) *Store { return &Store{p, newGroups(p), &permitted{}} }

// Close closes the pool once its connections have been given back.
func (s *Store) Close() { s.pool.Close() }

// Ping asks the database for an answer.
func (s *Store) Ping(ctx context.Context) error {
	err := s.pool.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error { return conn.Ping(ctx) })
	return wrap(translate(err), "reach the database")
}

// attempts is how often a transaction is begun that the server gave up for a
// deadlock, a serialization failure or a connection that only reads.
const attempts = 5

// tx runs do in a transaction, and again from its beginning where the server
// asks for it: do must not keep what an earlier attempt told it. The
// transaction keeps to the limit of the call whatever context do gives it.
func (s *Store) tx(ctx context.Context, do func(*transaction) error) error {
	return s.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		t := &transaction{conn: conn, limit: ctx}
		return t.end(ctx, do(t))
	})
}

// send runs what is queued in one round trip, as one implicit transaction. The
// results go where the queued callbacks put them.
func (s *Store) send(ctx context.Context, queue func(*pgx.Batch)) error {
	return s.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var b pgx.Batch
		queue(&b)
		return conn.SendBatch(ctx, &b).Close()
	})
}

// again repeats what the server rolled back for no fault of its own, within the
// limit of one call.
func (s *Store) again(ctx context.Context, do func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.pool.timeout)
	defer cancel()
	return repeat(ctx, func() error { return s.pool.with(ctx, do) })
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

// unhurried lets a transaction's commit not wait for the disk: what it wrote is
// worth nothing without a later one, whose commit takes it to the disk too.
const unhurried = `SELECT set_config('synchronous_commit', 'off', true)`

// read hands the rows of one statement to take, which closes them.
func (s *Store) read(ctx context.Context, take func(pgx.Rows) error, sql string, args ...any) error {
	return translate(s.pool.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, sql, args...) // its error comes out of the rows
		return take(rows)
	}))
}

// one reads the one row; NotFound if there is none.
func one[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) (v T, err error) {
	err = s.read(ctx, into(&v, scan), sql, args...)
	return v, err
}

// many reads all rows.
func many[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) (all []T, err error) {
	err = s.read(ctx, func(rows pgx.Rows) (err error) {
		all, err = pgx.CollectRows(rows, scan)
		return err
	}, sql, args...)
	return all, err
}

// exec runs one statement and says how many rows it changed.
func (s *Store) exec(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = s.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		tag, err := conn.Exec(ctx, sql, args...)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}
