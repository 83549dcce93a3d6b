package stores

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // for another program's connection

	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
)

// Postgres opens a store on a database that no other test uses at the same time.
func Postgres(t testing.TB) storetest.Harness {
	t.Helper()
	return handedOn(t, "", func(ctx context.Context, address string) (closing, error) {
		return postgres.Open(ctx, withClock(t, address, ""))
	})
}

// PostgresURL is Postgres for tests that do as they like with the database at the returned URL.
func PostgresURL(t testing.TB) (h storetest.Harness, url string) {
	t.Helper()
	url = PostgresMigrated(t)
	store, err := postgres.Open(t.Context(), withClock(t, url, ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	db := openDB(t, url)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return behindPostgres(db, store), url
}

// PostgresMigrated returns the URL of a new database with Curfew's tables.
func PostgresMigrated(t testing.TB) string {
	t.Helper()
	return pgtest.Template(t, templateName(t), func(address string) error {
		return migrate(context.WithoutCancel(t.Context()), address)
	})
}

// serviceRole owns nothing, and has the rights that postgres.Roles grants it.
const (
	ownerRole   = "curfew_test_owner"
	serviceRole = "curfew_test_service"
	readerRole  = "curfew_test_reader"
)

// PostgresService is Postgres for a role that owns nothing, with row-level security on every table.
// Only the guards are switched as the owner, who alone may do that.
func PostgresService(t testing.TB) storetest.Harness {
	t.Helper()
	roles := postgres.Roles{Owner: ownerRole, Service: serviceRole, Reader: readerRole, Settings: true}
	return handedOn(t, roles.Create()+roles.Grant(), func(ctx context.Context, address string) (closing, error) {
		store, err := postgres.Open(ctx, withClock(t, address, serviceRole))
		if err != nil {
			return nil, err
		}
		owner, err := postgres.Open(ctx, withClock(t, address, ownerRole))
		if err != nil {
			store.Close()
			return nil, err
		}
		return service{store, owner}, nil
	})
}

// service is a store that acts as the owner where only the owner may act.
type service struct {
	*postgres.Store
	owner *postgres.Store
}

func (s service) SetGuards(ctx context.Context, on bool) error { return s.owner.SetGuards(ctx, on) }

func (s service) Close() {
	s.Store.Close()
	s.owner.Close()
}

// script runs a SQL script like psql.
func script(ctx context.Context, address, text string) (err error) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.PgConn().Exec(ctx, text).ReadAll()
	return err
}

func openDB(t testing.TB, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func behindPostgres(db *sql.DB, store lifecycle.Store) storetest.Harness {
	b := behind{db: db, schema: "curfew.", earlier: "%s - $2 * interval '1 microsecond'"}
	return storetest.Harness{
		Store: store, Age: b.age, Exec: b.exec, Query: b.query, Schema: b.schema,
		Hold: func(t testing.TB, statements ...string) func() {
			t.Helper()
			return b.hold(t, "BEGIN", "COMMIT", statements...)
		},
		Settled: b.settled,
		Freeze:  func(t testing.TB) { t.Helper(); b.until(t, "clock", stopClock) },
		FailAt:  func(t testing.TB, rows int) { t.Helper(); b.countdownPostgres(t, rows) },
	}
}

// withClock returns the URL for connections that look for now() in the schema clock first. That
// schema is empty until stopClock creates the function. The connections use the role unless it is
// empty.
func withClock(t testing.TB, address, role string) string {
	t.Helper()
	if role != "" {
		address = with(t, address, "role", role)
	}
	return with(t, address, "search_path", "clock,pg_catalog,public")
}

// with returns the URL for connections that have a setting.
func with(t testing.TB, address, setting, value string) string {
	t.Helper()
	there, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := there.Query()
	query.Set(setting, value)
	there.RawQuery = query.Encode()
	return there.String()
}

// stopClock creates a now() that stands still.
const stopClock = `DO $$ BEGIN
    PERFORM set_config('handed.undone', 'on', true);
    CREATE SCHEMA clock;
    GRANT USAGE ON SCHEMA clock TO PUBLIC;
    EXECUTE format('CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS %L',
        format('SELECT %L::timestamptz', now()));
END $$`

// makeCountdown creates triggers on every table that draw a number for each row from a sequence,
// which fails at its end. A failed transaction does not give its numbers back.
const makeCountdown = `DO $$ DECLARE t text; BEGIN
    IF to_regclass('countdown.rows') IS NOT NULL THEN RETURN; END IF;
    PERFORM set_config('handed.undone', 'on', true);
    CREATE SCHEMA countdown;
    CREATE SEQUENCE countdown.rows MAXVALUE 1000000;
    CREATE FUNCTION countdown.take() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        'BEGIN PERFORM nextval(''countdown.rows''); RETURN coalesce(NEW, OLD); END';
    FOR t IN SELECT relid::regclass::text FROM pg_stat_user_tables WHERE schemaname = 'curfew' LOOP
        EXECUTE 'CREATE TRIGGER a_countdown BEFORE INSERT OR UPDATE OR DELETE ON ' || t || ' FOR EACH ROW EXECUTE FUNCTION countdown.take()';
    END LOOP;
END $$`

// until runs a statement that creates a schema, and drops the schema when t ends.
func (b behind) until(t testing.TB, schema, statement string) {
	t.Helper()
	b.exec(t, statement)
	t.Cleanup(func() {
		drop := `DO $$ BEGIN PERFORM set_config('handed.undone', 'on', true); DROP SCHEMA IF EXISTS ` + schema + ` CASCADE; END $$`
		if _, err := b.db.ExecContext(context.WithoutCancel(t.Context()), drop); err != nil {
			t.Error(err)
		}
	})
}

func (b behind) countdownPostgres(t testing.TB, rows int) {
	t.Helper()
	b.until(t, "countdown", makeCountdown)
	if rows < 0 {
		rows = 999_999
	}
	b.exec(t, "SELECT setval('countdown.rows', $1)", 1_000_000-rows)
}

// templateName depends on the SQL that creates the schema, so that a stale template is never used.
func templateName(t testing.TB) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	room := filepath.Join(filepath.Dir(here), "..", "..", "..", "postgres")
	files, err := filepath.Glob(filepath.Join(room, "migrations", "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations in %s: %v", room, err)
	}
	digest := sha256.New()
	for _, file := range append(files, filepath.Join(room, "guards.sql")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		digest.Write(text)
	}
	return fmt.Sprintf("curfew_%x", digest.Sum(nil)[:8])
}

func migrate(ctx context.Context, address string) error {
	store, err := postgres.Open(ctx, address)
	if err != nil {
		return err
	}
	defer store.Close()
	_, err = store.Migrate(ctx)
	return err
}

// settled waits until done has a result, or somebody waits for a lock in this database.
func (b behind) settled(t testing.TB, done chan error) {
	t.Helper()
	const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if settled(done, 5*time.Millisecond); len(done) > 0 || b.query(t, waiting)[0][0] != "0" {
			return
		}
	}
	t.Fatal("it neither finished nor waits for the held row")
}
