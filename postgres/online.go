package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3/lock"
)

// Migrations run while the service keeps working. A migration's statements run
// in one transaction with a short lock timeout, and are retried: whoever waits
// for a lock makes everybody behind it wait too. Building an index takes time in
// proportion to its table and blocks writes, so indexes on tables that existed
// before the migration are built after the transaction, CONCURRENTLY. That step
// builds every index of the schema that is missing or invalid, so it also resumes
// a migration that was killed, and restores an index that was dropped.

// progress receives what Migrate is doing: the step, and its progress in percent,
// negative if unknown. It may be nil.
type progress func(step string, percent int)

func (p progress) report(percent int, format string, args ...any) {
	if p != nil {
		p(fmt.Sprintf(format, args...), percent)
	}
}

const (
	lockTimeLimit = 5 * time.Minute
	lookAgain     = time.Second
	// unhindered lifts the limits on a service's statements, including those set
	// by a role or the URL. The lock timeout is shorter than the service's own, and
	// shorter than deadlock_timeout: the victim of a deadlock might be a request.
	unhindered = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '400ms';
		SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout';`
	unlimited = `SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
		SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('transaction_timeout', 'idle_session_timeout');`
)

// These match statements of a migration that start and end on a line of their own.
var (
	makesIndex = regexp.MustCompile(`(?m)^CREATE (?:UNIQUE )?INDEX (\w+) ON curfew\.(\w+)\b(?s:.*?);[ \t]*$`)
	dropsIndex = regexp.MustCompile(`(?m)^DROP INDEX curfew\.(\w+);[ \t]*$`)
	makesTable = regexp.MustCompile(`(?m)^CREATE TABLE curfew\.(\w+)`)
	needsAll   = regexp.MustCompile(`(?m)^(?:ALTER TABLE|DROP TRIGGER)`) // its readers, too
	// Statements that lock a table of their own: ALTER TABLE, and triggers.
	changesTable = regexp.MustCompile(`(?m)^(?:ALTER TABLE|CREATE (?:OR REPLACE )?TRIGGER (?s:[^;]*?) ON|DROP TRIGGER [^;]*? ON) curfew\.(\w+)`)
)

// replaced is the suffix of an old index while its replacement, which has the
// same name, is being built.
const replaced = "_replaced"

// online returns the part of a migration that runs in its transaction: everything
// but the indexes on tables that existed before. It takes all locks before it does
// any work, so that nobody waits for both the work and the next lock.
func online(text string) string {
	own, remade := map[string]bool{}, map[string]bool{}
	for _, m := range makesTable.FindAllStringSubmatch(text, -1) {
		own[m[1]] = true
	}
	text = makesIndex.ReplaceAllStringFunc(text, func(statement string) string {
		m := makesIndex.FindStringSubmatch(statement)
		if own[m[2]] {
			return statement
		}
		remade[m[1]] = true
		return ""
	})
	text = locksFirst(text)
	return dropsIndex.ReplaceAllStringFunc(text, func(statement string) string {
		name := dropsIndex.FindStringSubmatch(statement)[1]
		if !remade[name] {
			return statement
		}
		return fmt.Sprintf("ALTER INDEX IF EXISTS curfew.%s RENAME TO %s%s;", name, name, replaced)
	})
}

// locksFirst puts a LOCK TABLE of everything that a migration locks at its start,
// in the order of an admission, the most frequent write. Other writes lock in
// other orders; if the migration collides with one, it times out and is retried.
func locksFirst(text string) string {
	var tables []string
	for _, m := range changesTable.FindAllStringSubmatch(text, -1) {
		tables = append(tables, m[1])
	}
	for _, m := range makesTable.FindAllStringSubmatch(text, -1) {
		tables = slices.DeleteFunc(tables, func(table string) bool { return table == m[1] })
	}
	slices.SortFunc(tables, func(a, b string) int {
		return cmp.Or(cmp.Compare(admissionOrder[a], admissionOrder[b]), cmp.Compare(a, b))
	})
	if tables = slices.Compact(tables); len(tables) == 0 {
		return text
	}
	mode := "SHARE ROW EXCLUSIVE"
	if needsAll.MatchString(text) {
		mode = "ACCESS EXCLUSIVE"
	}
	return "LOCK TABLE curfew." + strings.Join(tables, ", curfew.") + " IN " + mode + " MODE;\n" + text
}

var admissionOrder = map[string]int{"payment_refs": -5, "checkouts": -4, "sessions": -3, "session_requests": -2, "events": -1}

// index is an index that the migrations create.
type index struct{ name, statement string }

// concurrently returns the statement that builds the index without blocking writes.
func (i index) concurrently() string {
	return strings.Replace(i.statement, "INDEX "+i.name, "INDEX CONCURRENTLY "+i.name, 1)
}

// indexesOf returns the indexes that exist after all migrations, in order of creation.
func indexesOf(migrations []Migration) []index {
	var all []index
	without := func(name string) {
		for i := range all {
			if all[i].name == name {
				all = append(all[:i:i], all[i+1:]...)
				return
			}
		}
	}
	for _, m := range migrations {
		for _, drop := range dropsIndex.FindAllStringSubmatch(m.SQL, -1) {
			without(drop[1])
		}
		for _, found := range makesIndex.FindAllStringSubmatch(m.SQL, -1) {
			all = append(all, index{found[1], found[0]})
		}
	}
	return all
}

const selectIndexStates = `SELECT x.relname::text, i.indisvalid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
	WHERE x.relnamespace = to_regnamespace('curfew')`

// toDo returns the statements that bring the indexes to the state after all
// migrations. It returns none if a later release has migrated the schema.
func (s schema) toDo(ctx context.Context) (statements []string, err error) {
	newer, err := s.Newer(ctx)
	if err != nil || newer {
		return nil, err
	}
	type state struct {
		Name  string
		Valid bool
	}
	states, err := many(ctx, s.db, pgx.RowToStructByPos[state], selectIndexStates)
	if err != nil {
		return nil, err
	}
	migrations, err := embedded()
	if err != nil {
		return nil, err
	}
	valid, there := map[string]bool{}, map[string]bool{}
	for _, x := range states {
		valid[x.Name], there[x.Name] = x.Valid, true
	}
	for _, x := range indexesOf(migrations) {
		if there[x.name] && !valid[x.name] {
			statements = append(statements, "DROP INDEX CONCURRENTLY IF EXISTS curfew."+x.name)
		}
		if !valid[x.name] {
			statements = append(statements, x.concurrently())
		}
		if there[x.name+replaced] {
			statements = append(statements, "DROP INDEX CONCURRENTLY IF EXISTS curfew."+x.name+replaced)
		}
	}
	return statements, nil
}

// keepIndexes builds the missing indexes, one process at a time. The connection
// that builds them holds the lock: if its process is killed, the server ends its
// statement before anybody else gets the lock.
func (s schema) keepIndexes(ctx context.Context, report progress) (err error) {
	if statements, err := s.toDo(ctx); err != nil || len(statements) == 0 {
		return err
	}
	db := stdlib.OpenDBFromPool(s.pool.Pool)
	defer db.Close() //nolint:errcheck // a view of the pool, which stays
	conn, err := db.Conn(ctx)
	if err != nil {
		return translate(err)
	}
	defer conn.Close() //nolint:errcheck // back to the pool
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, uint64(lockTimeLimit/time.Second)))
	if err != nil {
		return err
	}
	if err := locker.SessionLock(ctx, conn); err != nil {
		return translate(err)
	}
	defer func() {
		_, err2 := conn.ExecContext(context.WithoutCancel(ctx), "RESET ALL")
		err = errors.Join(err, translate(err2), locker.SessionUnlock(context.WithoutCancel(ctx), conn))
	}()
	statements, err := s.toDo(ctx) // what is left now
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, unlimited); err != nil {
		return translate(err)
	}
	return s.makeIndexes(ctx, conn, statements, report)
}

func (s schema) makeIndexes(ctx context.Context, conn *sql.Conn, statements []string, report progress) error {
	var pid int32
	if err := conn.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return translate(err)
	}
	for n, statement := range statements {
		step := fmt.Sprintf("%s (%d of %d)", short(statement), n+1, len(statements))
		stop := s.watch(ctx, pid, func(percent int) { report.report(percent, "%s", step) })
		_, err := conn.ExecContext(ctx, statement)
		stop()
		switch {
		case code(err) == uniqueViolation:
			return fmt.Errorf("%s: duplicate rows: remove the duplicates, then run `curfew migrate` again: %w", short(statement), translate(err))
		case err != nil:
			return fmt.Errorf("%s: run `curfew migrate` again to continue from here: %w", short(statement), translate(err))
		}
	}
	return nil
}

// short returns a CREATE INDEX statement without its columns.
func short(statement string) string {
	head, _, _ := strings.Cut(statement, " (")
	return head
}

const selectProgress = `SELECT CASE WHEN blocks_total > 0 THEN (100 * blocks_done / blocks_total)::int ELSE 0 END
	FROM pg_stat_progress_create_index WHERE pid = $1`

// watch reports the progress of the index that a connection builds, immediately
// and then periodically. It is informational: errors are ignored.
func (s schema) watch(ctx context.Context, pid int32, report func(percent int)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	report(-1)
	go func() {
		defer close(done)
		for tick := time.NewTicker(lookAgain); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if percent, err := one(ctx, s.db, value[int], selectProgress, pid); err == nil {
				report(percent)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// retryLock retries do while it fails on a lock, for at most lockTimeLimit.
func retryLock(ctx context.Context, report progress, do func() error) error {
	for until := time.Now().Add(lockTimeLimit); ; {
		err := do()
		if c := code(err); c != lockTimeout && c != deadlockDetected {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("could not lock a table for %s: another transaction holds the lock (pg_stat_activity shows which); "+
				"end it, then run `curfew migrate` again: %w", lockTimeLimit, err)
		}
		report.report(-1, "waiting for a lock that a long transaction holds")
		select {
		case <-ctx.Done():
			return err
		case <-time.After(lookAgain):
		}
	}
}
