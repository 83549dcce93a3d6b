package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/curfewhq/curfew"
)

// Options configure Open. The zero value opens an existing file.
type Options struct {
	// Create creates a missing file. Without it, a missing file is NotFound.
	Create bool
	// Now is the clock that decides; nil is time.Now.
	Now func() time.Time
	// Timeout limits every read, and the wait for a turn to write; after it the
	// error is Unavailable. 0 means 10 seconds. A write that has begun is
	// completed, and methods that read whole tables (Dump, Broken, Inspect) have no
	// limit.
	Timeout time.Duration
	// Trace is called for every read and every transaction, unless it is nil.
	Trace curfew.Trace
}

// callTimeout limits one call, so that a hanging disk or a queue of writers behind
// another program's lock blocks nobody for longer.
const callTimeout = 10 * time.Second

// Store is a SQLite file with Curfew's tables: one type for each noun, all on the
// same file. It is safe for concurrent use.
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

// Open opens the file. It neither creates nor checks tables; Migrate and Verify do.
// A file that is not a database is Invalid; one with several names (hard links), or
// beside another file's log, is Conflict.
//
// If the file is deleted, moved or replaced while it is open, every call returns
// Unavailable from then on, until the store is opened again.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	path, err := locate(path, o)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = callTimeout
	}
	f, err := anchored(ctx, path)
	if err != nil {
		return nil, wrap(err, "open %s", path)
	}
	d := &db{path: path, clock: o.Now, trace: o.Trace, timeout: o.Timeout, file: f, writer: newWriter(f), reader: newReader(f, o)}
	if err := d.checkLibrary(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), d.Close())
	}
	return newStore(d), nil
}

func newStore(d *db) *Store {
	return &Store{
		d, admissions{d}, claims{d}, sessions{d}, queue{d}, checkouts{d}, payments{d}, refunds{d}, captures{d}, ledgers{d}, books{d}, differences{d}, refusedMessages{d}, cleanup{d}, runs{d}, health{d}, consistency{d}, timeline{d}, activity{d}, heartbeats{d}, oneTimes{d}, limits{d}, quarantine{d}, acknowledgements{d}, outbox{d}, stream{d}, deliveries{d}, endpoints{d}, apiKeys{d}, revocations{d}, signIns{d}, audit{d}, approvals{d}, jobs{d}, unsubscriptions{d}, erasures{d}, schema{d}, backup{d}, directory{d}, lists{d},
	}
}

// locate returns the absolute path of the file, and creates it if it is missing and
// that is wanted.
func locate(path string, o Options) (string, error) {
	if path == "" || path == ":memory:" {
		return "", curfew.Errorf(curfew.Invalid, "a SQLite database needs a file, not %q", path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", wrap(err, "open %s", path)
	}
	switch _, err := os.Stat(path); {
	case err == nil:
		return path, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", curfew.Errorf(curfew.Unavailable, "%s cannot be looked at: %v", path, err)
	case !o.Create:
		return "", curfew.Errorf(curfew.NotFound, "there is no database %s: `curfew migrate` makes it, and so does `curfew serve`", path)
	}
	if err := refuseOrphanLog(path); err != nil {
		return "", err
	}
	return path, create(path)
}

// create creates an empty file that only its owner can read: it will hold names and
// e-mail addresses. SQLite gives its other files the same mode.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return curfew.Errorf(curfew.Unavailable, "%s cannot be made: %v", path, err)
	}
	return f.Close()
}

// dsn is the part of the data source's name that all connections share. The
// write-ahead log is the file's own property: Migrate switches it on, so that
// looking at another program's file does not change it.
// What others wrote into the schema gets no function that could reach outside the
// file: triggers and views of theirs run on these connections too.
func dsn(path string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String() +
		"?mode=rw&_busy_timeout=5000&_synchronous=FULL&_foreign_keys=1&_pragma=trusted_schema(0)"
}

// The oldest library whose write-ahead log is known to be sound: up to 3.51.2 a
// checkpoint could corrupt the file.
const (
	soundLibrary       = 3_051_003
	selectLibrary      = "SELECT sqlite_version() FROM (SELECT count(*) FROM sqlite_schema)" // reads the file, too
	libraryVersionText = "the SQLite library is %s, and its write-ahead log can corrupt the file: 3.51.3 or newer is needed"
)

func (d *db) checkLibrary(ctx context.Context) error {
	v, err := one(ctx, d.reader, value[string], selectLibrary)
	if err != nil {
		return err
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(v, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return wrap(err, "SQLite's version %q", v)
	}
	if major*1_000_000+minor*1_000+patch < soundLibrary {
		return curfew.Errorf(curfew.Invalid, libraryVersionText, v)
	}
	return nil
}
