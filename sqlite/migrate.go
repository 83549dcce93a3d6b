package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/curfewhq/curfew"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// versionTable is where goose records the applied migrations.
const versionTable = "curfew_migrations"

// schema is the tables, indexes and guards: it creates and verifies them.
type schema struct{ *db }

// Migration is one step of the schema. Migrations only go forward.
type Migration struct {
	Number    int64
	Name      string
	AppliedAt time.Time // zero: pending
	SQL       string
}

// Migrate applies pending migrations, and installs the guards unless they were switched
// off on purpose. It returns the migrations it applied. Hold the Lock.
func (s schema) Migrate(ctx context.Context) ([]Migration, error) {
	return s.MigrateWith(ctx, nil)
}

// MigrateWith is Migrate with progress: report receives each step and its progress in
// percent (negative if unknown). Nil discards them.
func (s schema) MigrateWith(ctx context.Context, report func(step string, percent int)) ([]Migration, error) {
	old, err := s.Migrations(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.up(ctx, old, report); err != nil {
		return nil, fmt.Errorf("migrate %s: %w", s.path, translate(err))
	}
	if err := s.file.watch(ctx); err != nil {
		return nil, err
	}
	if err := s.keepGuards(ctx); err != nil {
		return nil, err
	}
	now, err := s.Migrations(ctx)
	if err != nil {
		return nil, err
	}
	var applied []Migration
	for i, m := range now {
		if old[i].AppliedAt.IsZero() {
			applied = append(applied, m)
		}
	}
	return applied, nil
}

// up runs goose on its own connection, which puts the file into WAL mode. It applies
// pending migrations even if later ones have been applied.
func (s schema) up(ctx context.Context, old []Migration, report func(step string, percent int)) (err error) {
	db := s.file.open("&_journal_mode=WAL&_txlock=immediate")
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	sub, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub,
		goose.WithTableName(versionTable), goose.WithAllowOutofOrder(true), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	if err := db.PingContext(ctx); err != nil { // also where nothing is pending
		return err
	}
	pending := slices.DeleteFunc(slices.Clone(old), func(m Migration) bool { return !m.AppliedAt.IsZero() })
	for _, m := range pending {
		if report != nil && len(pending) < len(old) { // an empty file takes no time
			report(fmt.Sprintf("applying %05d %s", m.Number, m.Name), -1)
		}
		if _, err := p.UpByOne(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Migrations returns all migrations that this program knows, in order.
func (s schema) Migrations(ctx context.Context) ([]Migration, error) {
	applied, err := s.applied(ctx)
	if err != nil {
		return nil, wrap(err, "read the migrations of %s", s.path)
	}
	all, err := embedded()
	for i := range all {
		all[i].AppliedAt = applied[all[i].Number]
	}
	return all, err
}

const selectApplied = `SELECT version_id, CAST(strftime('%s', min(tstamp)) AS INTEGER) FROM ` + versionTable + `
WHERE is_applied AND version_id > 0 GROUP BY version_id`

// applied returns when each migration was applied, by number; empty for a file that has
// never been migrated.
func (s schema) applied(ctx context.Context) (map[int64]time.Time, error) {
	at := map[int64]time.Time{}
	_, err := one(ctx, s.db, value[int64], "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1", versionTable)
	if err != nil {
		return at, orMissing(err, nil)
	}
	_, err = many(ctx, s.db, func(r row) (n int64, err error) {
		var seconds int64
		err = r.Scan(&n, number(&seconds))
		at[n] = time.Unix(seconds, 0).UTC()
		return n, err
	}, selectApplied)
	return at, err
}

// Newer reports whether the schema belongs to a newer program.
func (s schema) Newer(ctx context.Context) (bool, error) {
	applied, err := s.applied(ctx)
	if err != nil {
		return false, wrap(err, "read the migrations of %s", s.path)
	}
	all, err := embedded()
	for _, m := range all {
		delete(applied, m.Number)
	}
	return len(applied) > 0, err
}

// embedded returns the migrations of this program, in order.
func embedded() ([]Migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	all := make([]Migration, len(names))
	for i, name := range names {
		if all[i], err = parse(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// parse reads a migration, like migrations/00001_tables.sql.
func parse(name string) (Migration, error) {
	text, err := migrationFiles.ReadFile(name)
	if err != nil {
		return Migration{}, err
	}
	digits, rest, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".sql"), "_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return Migration{}, curfew.Errorf(curfew.Internal, "the migration %s has no number", name)
	}
	return Migration{Number: n, Name: rest, SQL: plainSQL(string(text))}, nil
}

// plainSQL returns a migration's SQL without goose's own lines.
func plainSQL(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "-- +goose") {
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String()) + "\n"
}
