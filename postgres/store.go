package postgres

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
)

// Store is Curfew's tables on PostgreSQL: one type for each noun, all on the same pool.
// It is safe for concurrent use.
type Store struct {
	*db
	admissions
	claims
	sessions
	queue
	checkouts
	payments
	refunds
	captures
	ledgers
	books
	differences
	refusedMessages
	cleanup
	runs
	health
	consistency
	timeline
	activity
	heartbeats
	oneTimes
	limits
	quarantine
	acknowledgements
	outbox
	stream
	deliveries
	endpoints
	apiKeys
	revocations
	signIns
	audit
	approvals
	jobs
	unsubscriptions
	erasures
	schema
	backup
	directory
	lists
}

// Options configure OpenWith. The zero value is what Open uses.
type Options struct {
	Trace curfew.Trace // records every round trip; nil records none
	// Timeout limits every call, including the wait for a connection; after it the error is
	// Unavailable, and the next call gets a new connection. 0 means 10 seconds, or twice the
	// URL's statement_timeout if that is longer. Methods that read or write whole tables
	// (Migrate, SetGuards, Dump, Load, Broken) have no limit.
	Timeout time.Duration
}

// Open connects to the database that the URL names, with a pool of its own. It neither
// creates nor checks tables; Migrate and Verify do. Errors: Invalid for a malformed URL
// and for a database that cannot keep Curfew's promises (another engine, distributed
// tables); Unavailable.
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
		return nil, refusedParameter(err)
	}
	pool.serving = true
	return s, nil
}

// New returns a store over the caller's pool, and does not change its settings: each
// connection is examined at its first use, and refused with Invalid if it lacks a setting
// that Curfew relies on. Configure sets all of them. Calls have the same limits as with
// Open.
func New(p *pgxpool.Pool) *Store {
	return newStore(&pool{Pool: p, timeout: limitOf(p.Config(), 0), foreign: true, serving: true})
}

func newStore(p *pool) *Store {
	d := &db{p}
	return &Store{
		d, admissions{d, newGroupCommit(p)}, claims{d}, sessions{d}, queue{d}, checkouts{d}, payments{d}, refunds{d}, captures{d}, ledgers{d}, books{d}, differences{d}, refusedMessages{d}, cleanup{d}, runs{d}, health{d}, consistency{d}, timeline{d}, activity{d}, heartbeats{d}, oneTimes{d}, limits{d}, quarantine{d}, acknowledgements{d}, outbox{d}, stream{d}, deliveries{d}, endpoints{d}, apiKeys{d}, revocations{d}, signIns{d}, audit{d}, approvals{d}, jobs{d}, unsubscriptions{d}, erasures{d}, schema{d, &permitted{}}, backup{d}, directory{d}, lists{d},
	}
}
