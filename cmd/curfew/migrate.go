package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/curfewhq/curfew/internal/config"
)

type migrateCommand struct {
	Status bool          `xor:"way" help:"Print which migrations are applied and pending; change nothing."`
	DryRun bool          `xor:"way" help:"Print the SQL that would run; change nothing."`
	Repair bool          `xor:"way" help:"Migrate, recount the tallies, and complete rows that contradict others where only one completion is right."`
	Guards *config.OnOff `xor:"way" placeholder:"on|off" help:"Migrate, and switch the guards on or off permanently."`
	JSON   bool          `help:"Print JSON."`
}

// Run migrates, or prints what migrating would do.
func (c *migrateCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if c.Status || c.DryRun {
		return c.look(ctx, s, term)
	}
	if (c.Guards != nil || c.Repair) && s.upToDate(ctx) {
		return c.migrate(ctx, s, term) // safe beside a running service
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	return errors.Join(c.migrate(ctx, s, term), unlock())
}

// upToDate reports whether there is nothing to migrate.
func (s *settings) upToDate(ctx context.Context) bool {
	all, err := s.migrations(ctx)
	return err == nil && len(pending(all)) == 0
}

func (c *migrateCommand) migrate(ctx context.Context, s *settings, term terminal) (err error) {
	db, err := s.await(ctx, s.logger(term.err, slog.LevelWarn), func(ctx context.Context) (database, error) { return s.connect(ctx, true) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	applied, err := db.MigrateWith(ctx, eachStep(term))
	if err != nil {
		return err
	}
	if c.Guards != nil {
		if err := db.SetGuards(ctx, c.Guards.On()); err != nil {
			return err
		}
	}
	if err := db.Verify(ctx); err != nil {
		return err
	}
	if c.Repair {
		return c.repair(ctx, db, s, term)
	}
	return c.printApplied(term, s.DatabaseURL, applied)
}

// eachStep prints a line for each step. On a terminal it also shows the progress of building
// indexes.
func eachStep(term terminal) func(step string, percent int) {
	last := ""
	return func(step string, percent int) {
		switch {
		case step != last:
			term.notef("%s\n", step)
		case term.watched && percent >= 0:
			term.rewrite(fmt.Sprintf("%d %%", percent))
		}
		last = step
	}
}

// repair repairs what it can and prints what people must decide. The exit code is 1 if anything is
// left.
func (c *migrateCommand) repair(ctx context.Context, db database, s *settings, term terminal) error {
	n, err := db.Mend(ctx)
	if err != nil {
		return err
	}
	broken, err := brokenInvariants(ctx, db)
	if err != nil {
		return err
	}
	if c.JSON {
		err = term.json(map[string]any{"repaired": n, "broken": broken})
	} else {
		term.printf("repaired %s of %s\n", plural(int(n), "row"), s.DatabaseURL)
		for _, b := range broken {
			term.printf("  ✗ %s\n", b)
		}
		if len(broken) > 0 {
			term.printf("What is left needs a decision: docs/runbooks/rows-inconsistent.md says what each means.\n")
		}
	}
	if err == nil && len(broken) > 0 {
		return exitCode(exitFailed)
	}
	return err
}

func (c *migrateCommand) printApplied(term terminal, url config.DatabaseURL, applied []migration) error {
	if c.JSON {
		return term.json(map[string]any{"applied": withoutSQL(applied)})
	}
	for _, m := range applied {
		term.printf("applied %05d %s\n", m.Number, m.Name)
	}
	if c.Guards != nil {
		term.printf("guards are %s\n", *c.Guards)
	}
	term.printf("%s is up to date\n", url)
	return nil
}

// look prints the status, or the SQL.
func (c *migrateCommand) look(ctx context.Context, s *settings, term terminal) error {
	all, err := s.migrations(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.Status && c.JSON:
		return term.json(map[string]any{"migrations": withoutSQL(all)})
	case c.Status:
		printStatus(term, all)
		return nil
	case c.JSON:
		return term.json(map[string]any{"pending": pending(all)})
	}
	printSQL(term, s.DatabaseURL, pending(all))
	return nil
}

// migrations returns every migration of the database. For a missing SQLite file it reads them from
// a temporary one, so that a look creates nothing.
func (s *settings) migrations(ctx context.Context) (all []migration, err error) {
	if path, ok := s.DatabaseURL.File(); ok {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return migrationsOfNothing(ctx)
		}
	}
	db, err := s.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Migrations(ctx)
}

func migrationsOfNothing(ctx context.Context) (all []migration, err error) {
	dir, err := os.MkdirTemp("", "curfew-migrate-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	elsewhere := settings{config.Settings{DatabaseURL: config.DatabaseURL("sqlite:" + filepath.Join(dir, "empty.db"))}}
	db, err := elsewhere.connect(ctx, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Migrations(ctx)
}

func printStatus(term terminal, all []migration) {
	rows := make([][]string, len(all))
	for i, m := range all {
		state := "pending"
		if !m.AppliedAt.IsZero() {
			state = "applied " + m.AppliedAt.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		rows[i] = []string{fmt.Sprintf("%05d", m.Number), m.Name, state}
	}
	columns(term.out, rows...)
	if n := len(pending(all)); n > 0 {
		term.printf("\n%s pending: run `curfew migrate`\n", plural(n, "migration"))
	}
}

func printSQL(term terminal, url config.DatabaseURL, steps []migration) {
	if len(steps) == 0 {
		term.printf("-- %s is up to date\n", url)
	}
	for _, m := range steps {
		term.printf("-- %05d %s\n\n%s\n", m.Number, m.Name, strings.TrimSpace(m.SQL)+"\n")
	}
	term.printf("-- Where tables have rows, their indexes are made after the transactions, CONCURRENTLY (PostgreSQL).\n")
	term.printf("-- Then this release's guards are put in place, unless they were switched off on purpose.\n")
}

func pending(all []migration) []migration {
	left := []migration{}
	for _, m := range all {
		if m.AppliedAt.IsZero() {
			left = append(left, m)
		}
	}
	return left
}

func withoutSQL(all []migration) []migration {
	short := make([]migration, len(all))
	for i, m := range all {
		m.SQL = ""
		short[i] = m
	}
	return short
}
