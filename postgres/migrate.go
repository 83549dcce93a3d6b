package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// schema is the tables, indexes and guards: it creates and verifies them.
type schema struct {
	*db
	// permitted is when this role was last seen to have every right.
	permitted *permitted
}

// Migration is one step of the schema. Migrations only go forward.
type Migration struct {
	Number    int64
	Name      string
	AppliedAt time.Time // zero: pending
	SQL       string
}

// Migrate applies pending migrations, one process at a time, and installs the guards
// unless they were switched off on purpose or belong to a newer schema. It returns the
// migrations it applied.
func (s schema) Migrate(ctx context.Context) ([]Migration, error) {
	return s.MigrateWith(ctx, nil)
}

// MigrateWith is Migrate with progress: report receives each step and its progress in
// percent (negative if unknown). Nil discards them. A service can run meanwhile: see
// online.go. An interrupted migration resumes where it stopped.
func (s schema) MigrateWith(ctx context.Context, report func(step string, percent int)) ([]Migration, error) {
	if err := s.createSchema(ctx); err != nil {
		return nil, wrap(err, "create schema curfew")
	}
	db := stdlib.OpenDBFromPool(s.pool.Pool)
	defer db.Close() //nolint:errcheck // a view of the pool, which stays
	applied, err := s.up(ctx, db, report)
	if err != nil {
		return nil, wrap(translate(err), "migrate")
	}
	if err := s.keepIndexes(ctx, report); err != nil {
		return nil, wrap(err, "make the indexes")
	}
	if err := s.keepGuards(ctx); err != nil {
		return nil, wrap(err, "install the guards")
	}
	if err := s.close(ctx); err != nil {
		return nil, wrap(err, "take the functions' rights from PUBLIC")
	}
	all, err := s.Migrations(ctx)
	return slices.DeleteFunc(all, func(m Migration) bool { return !slices.Contains(applied, m.Number) }), err
}

// close revokes again the right to execute functions, which everybody gets when a restore
// creates them.
func (s schema) close(ctx context.Context) error {
	exposed, err := many(ctx, s.db, value[string], selectExposed)
	if err != nil || len(exposed) == 0 {
		return err
	}
	// Two at once would fail: the lock lets one wait for the other.
	return s.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, `LOCK TABLE curfew.curfew_migrations IN SHARE ROW EXCLUSIVE MODE; `+closeFunctions, pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

// createSchema creates the schema for the table of migrations. If two processes do so at
// once, one of them gets an error that is ignored.
func (s schema) createSchema(ctx context.Context) error {
	exists, err := one(ctx, s.db, value[bool], `SELECT to_regnamespace('curfew') IS NOT NULL`)
	if err != nil || exists {
		return err
	}
	_, err = s.exec(ctx, `CREATE SCHEMA curfew`)
	if c := code(err); c == uniqueViolation || c == duplicateSchema {
		return nil
	}
	return err
}

// up applies pending migrations even if later ones have been applied.
func (s schema) up(ctx context.Context, db *sql.DB, report progress) (applied []int64, err error) {
	before, err := s.applied(ctx)
	if err != nil {
		return nil, err
	}
	steps, err := stepsFrom(len(before) == 0, report)
	if err != nil {
		return nil, err
	}
	// It tries every second, for five minutes.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, uint64(lockTimeLimit/time.Second)))
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, nil, goose.WithGoMigrations(steps...),
		goose.WithTableName("curfew.curfew_migrations"), goose.WithSessionLocker(locker), goose.WithAllowOutofOrder(true),
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, err
	}
	err = retryLock(ctx, report, func() error {
		results, err := provider.Up(ctx)
		if partial := (*goose.PartialError)(nil); errors.As(err, &partial) {
			results = partial.Applied
		}
		for _, r := range results {
			applied = append(applied, r.Source.Version)
		}
		return err
	})
	return applied, err
}

// stepsFrom returns the embedded migrations in the form for an empty database, or for one
// in use.
func stepsFrom(empty bool, report progress) ([]*goose.Migration, error) {
	all, err := embedded()
	if err != nil {
		return nil, err
	}
	steps := make([]*goose.Migration, len(all))
	for i, m := range all {
		text := m.SQL
		if !empty {
			text = online(text)
		}
		steps[i] = goose.NewGoMigration(m.Number, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			report.report(-1, "applying %05d %s", m.Number, m.Name)
			_, err := tx.ExecContext(ctx, unhindered+text)
			return err
		}}, nil)
	}
	return steps, nil
}

// Migrations returns all migrations that this program knows, in order. It writes nothing.
func (s schema) Migrations(ctx context.Context) ([]Migration, error) {
	all, err := embedded()
	if err != nil {
		return nil, err
	}
	applied, err := s.applied(ctx)
	if err != nil {
		return nil, wrap(err, "read the migrations")
	}
	for i, m := range all {
		all[i].AppliedAt = applied[m.Number]
	}
	return all, nil
}

const selectApplied = `SELECT version_id, max(tstamp)::timestamptz FROM curfew.curfew_migrations
	WHERE is_applied AND version_id > 0 GROUP BY version_id`

// applied returns when each migration was applied, by number; empty for a database that
// has never been migrated.
func (s schema) applied(ctx context.Context) (map[int64]time.Time, error) {
	applied := make(map[int64]time.Time)
	var number int64
	var at moment
	err := s.read(ctx, func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&number, &at}, func() error {
			applied[number] = time.Time(at)
			return nil
		})
		return err
	}, selectApplied)
	if c := code(err); c == undefinedTable || c == undefinedSchema {
		return nil, nil
	}
	return applied, err
}

// Newer reports whether the schema belongs to a newer program.
func (s schema) Newer(ctx context.Context) (bool, error) {
	ours, err := embedded()
	if err != nil {
		return false, err
	}
	applied, err := s.applied(ctx)
	if err != nil {
		return false, err
	}
	last := slices.Max(append(slices.Collect(maps.Keys(applied)), 0))
	return last > ours[len(ours)-1].Number, nil
}

var fileName = regexp.MustCompile(`^(\d+)_(.+)\.sql$`)

// embedded returns the migrations of this program, in order.
func embedded() ([]Migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []Migration
	for _, name := range names {
		parts := fileName.FindStringSubmatch(path.Base(name))
		if parts == nil {
			return nil, fmt.Errorf("migration %s has no number", name)
		}
		number, err := strconv.ParseInt(parts[1], 10, 64)
		text, err2 := migrationFiles.ReadFile(name)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		all = append(all, Migration{Number: number, Name: parts[2], SQL: plainSQL(string(text))})
	}
	return all, nil
}

// plainSQL returns a migration's SQL without goose's own lines.
func plainSQL(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, "-- +goose") })
	return strings.TrimSpace(strings.Join(lines, "\n")) + "\n"
}
