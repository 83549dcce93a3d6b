package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/internal/config"
)

type restoreCommand struct {
	Dir  string `arg:"" help:"The backup's folder, as curfew preflight --backup wrote it."`
	JSON bool   `help:"Print JSON."`
}

// restored is the result as JSON.
type restored struct {
	Database string          `json:"database"`
	Backup   backup.Manifest `json:"backup"`
	// Broken lists the invariants that the rows violate, as they did when they were backed up.
	Broken []string `json:"broken"`
}

// Run restores a backup into an empty database, completely or not at all. It creates missing tables
// first.
func (c *restoreCommand) Run(ctx context.Context, s *settings, term terminal) (err error) {
	b, err := backup.Open(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Verify(); err != nil { // before anything is made
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	db, err := s.connect(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := s.prepare(ctx, db); err != nil {
		return err
	}
	bar := newProgress(term, "restoring rows")
	bar.total = b.Rows()
	err = b.Restore(ctx, db, bar.add)
	bar.finish()
	if err != nil {
		return err
	}
	return c.answer(ctx, s, db, term, b.Manifest)
}

// prepare creates the tables of an empty database, and rejects any other.
func (s *settings) prepare(ctx context.Context, db database) error {
	empty, err := db.Empty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		return curfew.Errorf(curfew.Conflict, "%s is not empty: name a new database with --database-url, a backup is never mixed with other rows", s.DatabaseURL)
	}
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	return db.Verify(ctx)
}

func (c *restoreCommand) answer(ctx context.Context, s *settings, db database, term terminal, m backup.Manifest) error {
	broken, err := brokenInvariants(ctx, db)
	if err != nil {
		return fmt.Errorf("everything is restored, but could not be checked: %w", err)
	}
	if c.JSON {
		err = term.json(restored{s.DatabaseURL.String(), m, broken})
	} else {
		printRestored(term, s.DatabaseURL, m, broken)
	}
	if err == nil && len(broken) > 0 {
		err = exitCode(exitFailed)
	}
	return err
}

func printRestored(term terminal, url config.DatabaseURL, m backup.Manifest, broken []string) {
	term.printf("Restored into %s, as it was at %s:\n\n", url, m.TakenAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	var rows [][]string
	for _, f := range m.Tables {
		rows = append(rows, []string{f.Name, plural(f.Rows, "row")})
	}
	columns(term.out, rows...)
	if len(broken) == 0 {
		term.printf("\nEvery invariant holds. What has become overdue since, the first sweep ends: look with `curfew cleanup --dry-run`.\n")
		return
	}
	term.printf("\nThe rows are as they were, and break what should hold:\n\n")
	for _, b := range broken {
		term.printf("  ✗ %s\n", b)
	}
}
