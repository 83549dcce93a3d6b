package stores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// Main runs a package's tests. Tests that open a PostgreSQL store without asking for its URL share
// databases and connections, one after the other: what a connection must learn about a new database
// takes the server longer than most tests. A database is reused empty, and only if its test has
// changed nothing but rows.
func Main(m *testing.M) {
	shelf.open = true
	code := m.Run()
	if err := shelf.clear(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// closing is a store that can be closed.
type closing interface {
	lifecycle.Store
	Close()
}

// lent is a database with a store, another program's connections, and a connection that empties it.
type lent struct {
	store closing
	db    *sql.DB
	broom *sql.DB // nobody's triggers run for it
	drop  func(context.Context) error
	// altered reports whether a statement behind the store's back did more than change rows.
	altered atomic.Bool
}

// handedOn returns the harness of a database that belongs to t until t ends, with Curfew's tables
// and whatever the SQL creates.
func handedOn(t testing.TB, sql string, open func(ctx context.Context, address string) (closing, error)) storetest.Harness {
	t.Helper()
	l := shelf.take(sql)
	if l == nil {
		l = newLent(t, sql, open)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if shelf.open && !t.Failed() && !l.altered.Load() && l.empty(ctx) {
			shelf.put(sql, l)
		} else if err := l.close(ctx); err != nil {
			t.Error(err)
		}
	})
	h := behindPostgres(l.db, l.store)
	exec := h.Exec
	h.Exec = func(t testing.TB, statement string, args ...any) {
		t.Helper()
		if !changesRows.MatchString(statement) {
			l.altered.Store(true)
		}
		exec(t, statement, args...)
	}
	return h
}

var changesRows = regexp.MustCompile(`^\s*(INSERT|UPDATE|DELETE|SELECT|WITH)\b`)

func newLent(t testing.TB, sql string, open func(ctx context.Context, address string) (closing, error)) *lent {
	t.Helper()
	address, drop := pgtest.Lasting(t, templateName(t)+watched+sql, func(address string) error {
		ctx := context.WithoutCancel(t.Context())
		return errors.Join(migrate(ctx, address), script(ctx, address, sql), script(ctx, address, watched))
	})
	// The store outlives the test.
	store, err := open(context.WithoutCancel(t.Context()), address)
	if err != nil {
		t.Fatal(errors.Join(err, drop(context.WithoutCancel(t.Context()))))
	}
	return &lent{store: store, db: openDB(t, address), broom: openDB(t, with(t, address, "session_replication_role", "replica")), drop: drop}
}

func (l *lent) close(ctx context.Context) error {
	l.store.Close()
	return errors.Join(l.db.Close(), l.broom.Close(), l.drop(ctx))
}

// empty restores the rows of a new database. It returns false if a test changed anything else,
// changed very many rows, or is still at work.
func (l *lent) empty(ctx context.Context) (done bool) {
	return l.broom.QueryRowContext(ctx, "SELECT handed.empty()").Scan(&done) == nil && done
}

// shelf holds the databases that no test is using, by the SQL that created them.
var shelf databases

type databases struct {
	open bool // somebody will clear it
	mu   sync.Mutex
	free map[string][]*lent
}

// take returns a database, or nil if there is none.
func (d *databases) take(sql string) *lent {
	d.mu.Lock()
	defer d.mu.Unlock()
	there := d.free[sql]
	if len(there) == 0 {
		return nil
	}
	last := len(there) - 1
	d.free[sql] = there[:last]
	return there[last]
}

func (d *databases) put(sql string, l *lent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.free == nil {
		d.free = map[string][]*lent{}
	}
	d.free[sql] = append(d.free[sql], l)
}

func (d *databases) clear(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all error
	for _, there := range d.free {
		for _, l := range there {
			all = errors.Join(all, l.close(ctx))
		}
	}
	return all
}

// watched prepares a database for reuse: a separate schema records every schema change, except
// those that are undone (which set handed.undone), and has the function that empties tables.
const watched = `
CREATE SCHEMA handed;
CREATE TABLE handed.change ();
CREATE FUNCTION handed.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN IF current_setting(''handed.undone'', true) IS DISTINCT FROM ''on'' THEN INSERT INTO handed.change DEFAULT VALUES; END IF; END';
DO $$ DECLARE found record; columns text; filled boolean; look text := 'SELECT array_remove(ARRAY[NULL'; seeded text := ''; BEGIN
    FOR found IN SELECT oid, oid::regclass::text AS name, relname FROM pg_class
                 WHERE relnamespace = 'curfew'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', found.name) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE TABLE handed.%I AS TABLE %s', found.relname, found.name);
            SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
            WHERE attrelid = found.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
            seeded := seeded || format('IF EXISTS (TABLE %1$s EXCEPT TABLE handed.%2$I) OR EXISTS (TABLE handed.%2$I EXCEPT TABLE %1$s) THEN
                DELETE FROM %1$s; INSERT INTO %1$s (%3$s) OVERRIDING SYSTEM VALUE SELECT %3$s FROM handed.%2$I; END IF;',
                found.name, found.relname, columns);
        ELSE
            look := look || format(', CASE WHEN EXISTS (SELECT FROM %s) THEN %L END', found.name, found.name);
        END IF;
    END LOOP;
    FOR found IN SELECT * FROM pg_sequences WHERE schemaname = 'curfew' LOOP
        seeded := seeded || format('PERFORM setval(''%I.%I'', %L, %L);', found.schemaname, found.sequencename,
            coalesce(found.last_value, found.start_value), found.last_value IS NOT NULL);
    END LOOP;
    EXECUTE format('CREATE FUNCTION handed.empty() RETURNS boolean LANGUAGE plpgsql AS %L', 'DECLARE filled text[]; name text; deleted bigint; total bigint := 0; BEGIN
            IF EXISTS (SELECT FROM handed.change) OR to_regnamespace(''clock'') IS NOT NULL OR to_regnamespace(''countdown'') IS NOT NULL
                OR EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND state <> ''idle'' AND pid <> pg_backend_pid()) THEN
                RETURN false;
            END IF;
            ' || look || '], NULL) INTO filled;
            FOREACH name IN ARRAY filled LOOP
                EXECUTE ''DELETE FROM '' || name;
                GET DIAGNOSTICS deleted = ROW_COUNT;
                total := total + deleted;
            END LOOP;
            ' || seeded || '
            RETURN total < 2000;
        END');
END $$;
CREATE EVENT TRIGGER handed ON ddl_command_end EXECUTE FUNCTION handed.note()`
