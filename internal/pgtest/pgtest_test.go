package pgtest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/pgtest"
)

func TestDatabasesAreEmptyAndApart(t *testing.T) {
	t.Parallel()
	for range 2 {
		if err := fill(t.Context(), pgtest.Database(t)); err != nil {
			t.Error(err)
		}
	}
}

func TestDatabaseIsDroppedUnderAnOpenConnection(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("borrower", func(t *testing.T) {
		name = connect(t, pgtest.Database(t)).Config().Database
	})

	var exists bool
	err := connect(t, os.Getenv("CURFEW_TEST_POSTGRES")).
		QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	if err != nil || exists {
		t.Errorf("database %q outlived its test: %t (%v)", name, exists, err)
	}
}

func TestTemplateIsBuiltOnceAndItsCopiesAreApart(t *testing.T) {
	t.Parallel()
	var builds atomic.Int32
	name := rand.Text()
	pgtest.Forget(t, name)
	build := func(url string) error {
		builds.Add(1)
		return fill(t.Context(), url)
	}

	t.Run("copies", func(t *testing.T) {
		for i := range 8 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				var marks int
				conn := connect(t, pgtest.Template(t, name, build))
				err := conn.QueryRow(t.Context(), "WITH mine AS (INSERT INTO marks VALUES (1)) SELECT count(*) FROM marks").Scan(&marks)
				if err != nil || marks != 0 {
					t.Errorf("a new copy holds %d rows of another (%v)", marks, err)
				}
			})
		}
	})
	if got := builds.Load(); got != 1 {
		t.Errorf("built %d times, want once", got)
	}
}

func TestTemplateWhoseBuildFailedIsBuiltAnew(t *testing.T) {
	t.Parallel()
	name := rand.Text()
	pgtest.Forget(t, name)
	message := fatal(t, func(t testing.TB) {
		pgtest.Template(t, name, func(url string) error {
			return errors.Join(fill(t.Context(), url), errors.New("the last migration is wrong"))
		})
	})
	if !strings.Contains(message, "the last migration is wrong") {
		t.Errorf("a failed build says %q", message)
	}

	pgtest.Template(t, name, func(url string) error { return fill(t.Context(), url) })
}

func TestWithoutServerTheTestIsToldWhatToDo(t *testing.T) {
	t.Setenv("CURFEW_TEST_POSTGRES", "")
	if message := fatal(t, func(t testing.TB) { pgtest.Database(t) }); !strings.Contains(message, "make test") {
		t.Errorf("without a server a test reads %q", message)
	}
}

// fill makes a table; it fails where the table exists already.
func fill(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE marks (n int)")
	return errors.Join(err, conn.Close(ctx))
}

// connect returns a connection that nobody closes before the database is dropped.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// fatal returns what do failed its test with, or "".
func fatal(t *testing.T, do func(testing.TB)) string {
	t.Helper()
	noted := &noting{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(noted)
	}()
	<-done
	return noted.message
}

// noting is a test that notes its failure instead of failing the test around it.
type noting struct {
	testing.TB
	message string
}

func (p *noting) Fatal(args ...any) { p.Fatalf("%s", fmt.Sprint(args...)) }

func (p *noting) Fatalf(format string, args ...any) {
	p.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
