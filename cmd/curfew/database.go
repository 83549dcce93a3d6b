package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/job"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
	"github.com/curfewhq/curfew/sqlite"
)

// database is a store with everything that commands need.
type database interface {
	lifecycle.Store
	notify.Store
	notify.Admin
	webhook.Store
	webhook.SealStore
	forecast.Store
	stream.Store
	mail.Refusals
	limit.Store
	auth.KeyStore
	auth.RevocationStore
	auth.SignInStore
	audit.Store
	privacy.Store
	approval.Store
	job.Store
	directory.Store
	directory.FindStore
	directory.ListStore
	migrator
	inspector
	restoreTarget
	Ping(ctx context.Context) error
	// replicas returns nil if no other process can serve the same database.
	replicas(log *slog.Logger) replicas
	clockKeeper
	// adoption returns the service for the adopted tables, or nil if there are none.
	adoption() *adoption
	Close() error
}

// migrator changes the schema.
type migrator interface {
	Migrate(ctx context.Context) ([]migration, error)
	// MigrateWith reports each step and its progress in percent; -1 if unknown.
	MigrateWith(ctx context.Context, report func(step string, percent int)) ([]migration, error)
	Migrations(ctx context.Context) ([]migration, error)
	SetGuards(ctx context.Context, on bool) error
	// Mend recounts the tallies, completes rows that contradict others if only one completion is
	// right, and returns how many rows it wrote.
	Mend(ctx context.Context) (int64, error)
}

// clockKeeper keeps a test clock; see package postgres.
type clockKeeper interface {
	HasClock(ctx context.Context) (bool, error)
	InstallClock(ctx context.Context) error
	AdvanceClock(ctx context.Context, by time.Duration) (ahead time.Duration, err error)
}

// inspector is what preflight examines and backs up.
type inspector interface {
	backup.Source
	Inspect(ctx context.Context) ([]record.Fact, error)
	// Denied returns the statements that would grant this role the rights that the service needs
	// and the role lacks.
	Denied(ctx context.Context) ([]string, error)
	// Newer reports whether a later release has migrated the schema.
	Newer(ctx context.Context) (bool, error)
}

// restoreTarget is what restore fills and checks.
type restoreTarget interface {
	backup.Target
	Empty(ctx context.Context) (bool, error)
	// Broken returns how many rows violate a check of package invariant, and the first of them.
	Broken(ctx context.Context, sql string) (rows int, first string, err error)
}

// migration is a migration of either store.
type migration struct {
	Number    int64     `json:"number"`
	Name      string    `json:"name"`
	AppliedAt time.Time `json:"appliedAt,omitzero"` // zero: pending
	SQL       string    `json:"sql,omitempty"`
}

type postgresDatabase struct {
	*postgres.Store
	adopted *adoption
}

func (d postgresDatabase) Migrate(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrate(ctx))
}

func (d postgresDatabase) MigrateWith(ctx context.Context, report func(string, int)) ([]migration, error) {
	return migrationsOf(d.Store.MigrateWith(ctx, report))
}

func (d postgresDatabase) Migrations(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrations(ctx))
}

func (d postgresDatabase) replicas(log *slog.Logger) replicas { return d.Notifications(log) }

func (d postgresDatabase) adoption() *adoption { return d.adopted }

func (d postgresDatabase) Close() error {
	d.adopted.close()
	d.Store.Close()
	return nil
}

type sqliteDatabase struct{ *sqlite.Store }

func (d sqliteDatabase) Migrate(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrate(ctx))
}

func (d sqliteDatabase) MigrateWith(ctx context.Context, report func(string, int)) ([]migration, error) {
	return migrationsOf(d.Store.MigrateWith(ctx, report))
}

func (d sqliteDatabase) Migrations(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrations(ctx))
}

// Denied returns nothing: a process that can write the file can do everything in it.
func (d sqliteDatabase) Denied(context.Context) ([]string, error) { return nil, nil }

func (d sqliteDatabase) replicas(*slog.Logger) replicas { return nil }

func (d sqliteDatabase) adoption() *adoption { return nil }

func migrationsOf[M postgres.Migration | sqlite.Migration](theirs []M, err error) ([]migration, error) {
	ours := make([]migration, len(theirs))
	for i, m := range theirs {
		ours[i] = migration(m)
	}
	return ours, err
}

// connect opens the database without checking its schema. It creates a missing SQLite file only if
// mayCreate.
func (s *settings) connect(ctx context.Context, mayCreate bool) (database, error) {
	return s.connectTraced(ctx, mayCreate, nil)
}

func (s *settings) connectTraced(ctx context.Context, mayCreate bool, trace curfew.Trace) (database, error) {
	path, ok := s.DatabaseURL.File()
	if !ok {
		store, err := postgres.OpenWith(ctx, s.DatabaseURL.Driver(s.DatabasePool, s.DatabaseTimeouts), postgres.Options{Trace: trace})
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", s.DatabaseURL, err)
		}
		adopted, err := s.adoption(ctx)
		if err != nil {
			store.Close()
			return nil, err
		}
		return postgresDatabase{store, adopted}, nil
	}
	if s.Adopt != nil {
		return nil, usagef("%s", onlyPostgres)
	}
	store, err := sqlite.Open(ctx, path, sqlite.Options{Create: mayCreate, Trace: trace})
	if errors.Is(err, curfew.NotFound) { // most likely the wrong folder
		return nil, curfew.Errorf(curfew.NotFound, "there is no database %s: name the one there is with --database-url sqlite:PATH or CURFEW_DATABASE_URL", absolute(path))
	}
	if err != nil {
		return nil, err
	}
	return sqliteDatabase{store}, nil
}

// absolute returns a path that is valid from any folder.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// open connects to an existing database and verifies its schema.
func (s *settings) open(ctx context.Context) (database, error) {
	db, err := s.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	return verified(ctx, db)
}

// verified returns the database if its schema is valid, and closes it otherwise.
func verified(ctx context.Context, db database) (database, error) {
	if err := db.Verify(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// lock keeps a second process from serving or migrating the same SQLite file. PostgreSQL needs no lock: its migrations
// take one, and replicas are allowed.
func (s *settings) lock() (unlock func() error, err error) {
	if path, ok := s.DatabaseURL.File(); ok {
		return sqlite.Lock(path)
	}
	return func() error { return nil }, nil
}

// withDatabase checks the settings, opens the database for one command, and closes it afterwards.
func (s *settings) withDatabase(ctx context.Context, do func(database) error) (err error) {
	if _, err := s.policy(); err != nil {
		return err
	}
	db, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = do(db)
	s.writeNote(ctx, db, err)
	return err
}
