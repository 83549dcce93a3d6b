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
	pool   *pgxpool.Pool
	groups *groups
}

// parameters is what every connection of Open's pool asks of the server, unless
// the URL says otherwise: a lock that does not come is given up before the
// statement is, and both before a caller does.
var parameters = map[string]string{
	"application_name":                    "curfew",
	"statement_timeout":                   "5s",
	"lock_timeout":                        "2s",
	"idle_in_transaction_session_timeout": "10s",
	"timezone":                            "UTC",
}

// Options of OpenWith. The zero value is Open's.
type Options struct {
	Trace curfew.Trace // is shown every round trip; nil: nobody looks
}

// Open connects to the database that the URL names, with a pool of Curfew's
// own. Errors: Invalid for a URL that cannot be read, Unavailable.
func Open(ctx context.Context, url string) (*Store, error) { return OpenWith(ctx, url, Options{}) }

// OpenWith is Open with options.
func OpenWith(ctx context.Context, url string, o Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The driver's text leaves out the password.
		return nil, curfew.Errorf(curfew.Invalid, "the database URL: %s", err)
	}
	for name, value := range parameters {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = int32(max(8, 4*runtime.GOMAXPROCS(0))) //nolint:gosec // G115: a small number of cores
	}
	if o.Trace != nil {
		config.ConnConfig.Tracer = tracer{o.Trace}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", translate(err))
	}
	s := New(pool)
	if err := s.Ping(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// New is the store over a pool of the caller's, whose timeouts hold.
func New(pool *pgxpool.Pool) *Store { return &Store{pool, newGroups(pool)} }

// Close closes the pool once its connections have been given back.
func (s *Store) Close() { s.pool.Close() }

// Ping asks the database for an answer.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", translate(err))
	}
	return nil
}

// attempts is how often a transaction is begun that the server gave up for a
// deadlock or a serialization failure.
const attempts = 5

// tx runs do in a transaction, and again from its beginning where the server
// asks for it: do must not keep what an earlier attempt told it.
func (s *Store) tx(ctx context.Context, do func(*transaction) error) error {
	return again(ctx, func() error {
		return s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
			t := &transaction{conn: conn}
			return t.end(ctx, do(t))
		})
	})
}

// send runs what is queued in one round trip, as one implicit transaction. The
// results go where the queued callbacks put them.
func (s *Store) send(ctx context.Context, queue func(*pgx.Batch)) error {
	return again(ctx, func() error {
		var b pgx.Batch
		queue(&b)
		return s.pool.SendBatch(ctx, &b).Close()
	})
}

func again(ctx context.Context, do func() error) error {
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

// one reads the one row; NotFound if there is none.
func one[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, _ := s.pool.Query(ctx, sql, args...) // its error comes out of the rows
	v, err := pgx.CollectOneRow(rows, scan)
	return v, translate(err)
}

// many reads all rows.
func many[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, _ := s.pool.Query(ctx, sql, args...)
	all, err := pgx.CollectRows(rows, scan)
	return all, translate(err)
}

// exec runs one statement and says how many rows it changed.
func (s *Store) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	var n int64
	err := again(ctx, func() error {
		tag, err := s.pool.Exec(ctx, sql, args...)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}
