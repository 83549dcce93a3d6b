package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

//go:embed guards.sql
var guards string

// guardsOff is the signal that guards were switched off on purpose.
const guardsOff = "guards:off"

var guardPattern = regexp.MustCompile(`CREATE TRIGGER (guard_\w+)`)

// guardNames is the guards that guards.sql makes, in its order.
func guardNames() []string {
	var names []string
	for _, m := range guardPattern.FindAllStringSubmatch(guards, -1) {
		names = append(names, m[1])
	}
	return names
}

const installedGuardsSQL = `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'guard_*' ORDER BY name`

const guardsOffSQL = `SELECT 1 FROM signals WHERE name = '` + guardsOff + `'`

// GuardsMissing names the guards that should be there and are not.
func (s *Store) GuardsMissing(ctx context.Context) ([]string, error) {
	switch _, err := one(ctx, s.reader, value[int64], guardsOffSQL); {
	case err == nil:
		return nil, nil
	case !errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("look for guards: %w", err)
	}
	installed, err := list(ctx, s.reader, value[string], installedGuardsSQL)
	if err != nil {
		return nil, fmt.Errorf("look for guards: %w", err)
	}
	return slices.DeleteFunc(guardNames(), func(name string) bool { return slices.Contains(installed, name) }), nil
}

// SetGuards installs the guards, or removes them on purpose.
func (s *Store) SetGuards(ctx context.Context, on bool) error {
	set := (*transaction).dropGuards
	if on {
		set = (*transaction).installGuards
	}
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error { return set(tx, ctx) })
	if err != nil {
		return fmt.Errorf("set the guards: %w", err)
	}
	return nil
}

// keepGuards installs this program's guards, unless they were switched off.
func (s *Store) keepGuards(ctx context.Context) error {
	_, err := one(ctx, s.reader, value[int64], guardsOffSQL)
	if errors.Is(err, sql.ErrNoRows) {
		return s.SetGuards(ctx, true)
	}
	return err
}

func (tx *transaction) installGuards(ctx context.Context) error {
	if err := tx.removeGuards(ctx); err != nil {
		return err
	}
	if _, err := tx.w.conn.ExecContext(ctx, guards); err != nil {
		return translate(err)
	}
	_, err := tx.exec(ctx, `DELETE FROM signals WHERE name = '`+guardsOff+`'`)
	return err
}

func (tx *transaction) dropGuards(ctx context.Context) error {
	if err := tx.removeGuards(ctx); err != nil {
		return err
	}
	_, err := tx.exec(ctx, beatSQL, guardsOff, micros(tx.now), 0)
	return err
}

// removeGuards also removes guards that another version had.
func (tx *transaction) removeGuards(ctx context.Context) error {
	installed, err := list(ctx, tx, value[string], installedGuardsSQL)
	if err != nil {
		return err
	}
	for _, name := range installed {
		if _, err := tx.w.conn.ExecContext(ctx, "DROP TRIGGER "+name); err != nil {
			return translate(err)
		}
	}
	return nil
}
