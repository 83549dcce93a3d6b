// Package pgtest gives a test its own PostgreSQL database.
//
// The server is the one that CURFEW_TEST_POSTGRES names, as set by scripts/with-postgres; its user
// must be allowed to create and drop databases. The package knows nothing of Curfew's tables:
// callers who want them pass a function that creates them. Only tests import it.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// limit bounds each operation on the server, so that a hung server fails the test long before the
// run's own timeout.
const limit = 2 * time.Minute

// Database returns the URL of a new, empty database. It is dropped when t ends, even if somebody is
// still connected to it. Without a server t fails with instructions for starting one.
func Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, server(t), "template1")
}

// Template returns the URL of a new database, a copy of one that build has filled; it is dropped
// when t ends. The original is built once per server and name, however many tests and processes ask
// for it at once, and stays on the server. So the name must change with what build does, for
// example by containing a digest of the migrations. build must leave no connection open.
func Template(t testing.TB, name string, build func(url string) error) string {
	t.Helper()
	admin, original := template(t, name, build)
	return newDatabase(t, admin, original)
}

// Lasting is Template for a database that outlives t. Whoever has it last calls drop, which also fails if
// transactions waited for each other there.
func Lasting(t testing.TB, name string, build func(url string) error) (there string, drop func(context.Context) error) {
	t.Helper()
	admin, original := template(t, name, build)
	copied := newName()
	drop = func(ctx context.Context) error { return dropDatabase(ctx, admin, copied) }
	if err := copyDatabase(t.Context(), admin, original, copied); err != nil {
		t.Fatal(errors.Join(err, drop(context.WithoutCancel(t.Context()))))
	}
	return address(admin, copied), drop
}

// template returns the server, and the name of the original that build has filled.
func template(t testing.TB, name string, build func(url string) error) (admin *url.URL, original string) {
	t.Helper()
	admin, original = server(t), originalName(name)
	if err := buildOnce(t.Context(), admin, original, build); err != nil {
		t.Fatalf("pgtest: template %s: %v", name, err)
	}
	return admin, original
}

// Copy returns the URL of a new database, a copy of the one at that URL, to which nobody may be
// connected. It is dropped when t ends.
func Copy(t testing.TB, original string) string {
	t.Helper()
	there, err := url.Parse(original)
	if err != nil {
		t.Fatalf("pgtest: copy: %v", err)
	}
	return newDatabase(t, server(t), strings.TrimPrefix(there.Path, "/"))
}

// server returns the URL of the server's own database, through which all others are made.
func server(t testing.TB) *url.URL {
	t.Helper()
	raw := os.Getenv("CURFEW_TEST_POSTGRES")
	if raw == "" {
		t.Fatal("pgtest: CURFEW_TEST_POSTGRES is not set: run make test, or scripts/with-postgres go test ./…")
	}
	admin, err := url.Parse(raw)
	if err != nil {
		t.Fatalf("pgtest: CURFEW_TEST_POSTGRES is not a URL: %v", err)
	}
	return admin
}

// newDatabase copies the database called original and has the copy dropped when t ends.
func newDatabase(t testing.TB, admin *url.URL, original string) string {
	t.Helper()
	name := newName()
	// Arrange the drop first: the creation may have succeeded even if its answer was lost.
	t.Cleanup(func() {
		err := dropDatabase(context.WithoutCancel(t.Context()), admin, name)
		if err != nil && (!errors.Is(err, errDeadlock) || !mayDeadlock(t)) {
			t.Error(err)
		}
	})
	if err := copyDatabase(t.Context(), admin, original, name); err != nil {
		t.Fatal(err)
	}
	return address(admin, name)
}

func newName() string { return "curfew_test_" + strings.ToLower(rand.Text()) }

func copyDatabase(ctx context.Context, admin *url.URL, original, name string) error {
	// Copying files takes half of what writing each of their pages to the log does.
	create := "CREATE DATABASE " + quote(name) + " TEMPLATE " + quote(original) + " STRATEGY FILE_COPY"
	if err := execute(ctx, admin, create); err != nil {
		return fmt.Errorf("pgtest: create %s: %w", name, err)
	}
	return nil
}

// errDeadlock says that transactions waited for each other: whoever they are of waits for a second, until the
// server gives one of them up.
var errDeadlock = errors.New("transactions waited for each other: they must lock the same rows in the same order")

// dropDatabase fails with errDeadlock if transactions waited for each other there. It is gone even then.
func dropDatabase(ctx context.Context, admin *url.URL, name string) error {
	var deadlocks int
	err := borrowed(ctx, admin, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT coalesce((SELECT deadlocks FROM pg_stat_database WHERE datname = $1), 0)", name).Scan(&deadlocks)
	})
	if err == nil {
		err = execute(ctx, admin, dropStatement(name))
	}
	if err != nil {
		return fmt.Errorf("pgtest: drop %s: %w", name, err)
	}
	if deadlocks > 0 {
		return fmt.Errorf("pgtest: %d times %w", deadlocks, errDeadlock)
	}
	return nil
}

// deadlocking is the names of the tests that called MayDeadlock.
var deadlocking sync.Map

// MayDeadlock says that t makes transactions wait for each other, which fails any other test.
func MayDeadlock(t testing.TB) {
	t.Helper()
	deadlocking.Store(t.Name(), true)
}

func mayDeadlock(t testing.TB) bool {
	_, meant := deadlocking.Load(t.Name())
	return meant
}

// built is the originals that this process has found complete.
var built sync.Map

// buildOnce creates the database called original unless it exists. One process builds at a time:
// the others wait for an advisory lock in the server's own database, and then find it done.
func buildOnce(ctx context.Context, admin *url.URL, original string, build func(url string) error) error {
	if _, done := built.Load(original); done {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := connected(ctx, admin, func(conn *pgx.Conn) error {
		// The lock ends with the connection.
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", original); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		var exists bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", original).Scan(&exists)
		if err != nil || exists {
			return err
		}
		return buildOriginal(ctx, conn, admin, original, build)
	})
	if err == nil {
		built.Store(original, true)
	}
	return err
}

// buildOriginal builds under another name and renames the result when it is complete, so that a
// build that failed or was killed is never taken for a finished one. It first drops what such a
// build left behind.
func buildOriginal(ctx context.Context, conn *pgx.Conn, admin *url.URL, original string, build func(url string) error) error {
	draft := original + "_draft"
	for _, statement := range []string{dropStatement(draft), "CREATE DATABASE " + quote(draft)} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	if err := build(address(admin, draft)); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	_, err := conn.Exec(ctx, "ALTER DATABASE "+quote(draft)+" RENAME TO "+quote(original))
	return err
}

// idle is connections to the server's own database, for the next statement: every new one costs the
// server a process.
var idle = make(chan *pgx.Conn, 4)

// execute runs one statement in the server's own database.
func execute(ctx context.Context, admin *url.URL, statement string) error {
	return borrowed(ctx, admin, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	})
}

// borrowed calls do with a connection to the server's own database, and again with a new one if that
// was dead.
func borrowed(ctx context.Context, admin *url.URL, do func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := borrow(ctx, admin)
	if err != nil {
		return err
	}
	err = do(ctx, conn)
	if err != nil && conn.IsClosed() { // its server was stopped meanwhile, as tests do
		if conn, err = pgx.Connect(ctx, admin.String()); err == nil {
			err = do(ctx, conn)
		}
	}
	if err != nil {
		return errors.Join(err, closed(ctx, conn))
	}
	select {
	case idle <- conn:
		return nil
	default:
		return conn.Close(ctx)
	}
}

func closed(ctx context.Context, conn *pgx.Conn) error {
	if conn == nil {
		return nil
	}
	return conn.Close(ctx)
}

// borrow returns an idle connection, or else a new one.
func borrow(ctx context.Context, admin *url.URL) (*pgx.Conn, error) {
	for {
		select {
		case conn := <-idle:
			if conn.Config().ConnString() == admin.String() {
				return conn, nil
			}
			_ = conn.Close(ctx) // another server's
		default:
			return pgx.Connect(ctx, admin.String())
		}
	}
}

// connected calls do with a new connection to the server's own database.
func connected(ctx context.Context, admin *url.URL, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, admin.String())
	if err != nil {
		return err
	}
	err = do(conn)
	if closeErr := conn.Close(ctx); err == nil {
		err = closeErr
	}
	return err
}

// address returns the URL of another database of the same server.
func address(admin *url.URL, name string) string {
	there := *admin
	there.Path = "/" + name
	return there.String()
}

func dropStatement(name string) string {
	return "DROP DATABASE IF EXISTS " + quote(name) + " WITH (FORCE)"
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// originalName shortens name to fit PostgreSQL's limit of 63 bytes.
func originalName(name string) string {
	return fmt.Sprintf("curfew_template_%.16x", sha256.Sum256([]byte(name)))
}
