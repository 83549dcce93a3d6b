package sqlite

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed guards.sql
var guards string

var guardTriggers = regexp.MustCompile(`CREATE TRIGGER (guard_\w+)`)

// guardNames is the guards that guards.sql makes, in its order.
func guardNames() []string {
	var names []string
	for _, m := range guardTriggers.FindAllStringSubmatch(guards, -1) {
		names = append(names, m[1])
	}
	return names
}

const selectGuards = `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'guard_*' ORDER BY name`

// The signal says that guards were switched off on purpose.
const selectGuardsOff = `SELECT EXISTS (SELECT 1 FROM signals WHERE name = 'guards:off')`

const selectGuardTexts = `SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'guard_*'`

func (s schema) guardsOff(ctx context.Context) (bool, error) {
	off, err := one(ctx, s.db, value[bool], selectGuardsOff)
	return off, wrap(err, "look for guards")
}

// GuardsMissing names the guards that should be there and are not.
func (s schema) GuardsMissing(ctx context.Context) ([]string, error) {
	off, err := s.guardsOff(ctx)
	if err != nil || off {
		return nil, err
	}
	installed, err := many(ctx, s.db, value[string], selectGuards)
	return slices.DeleteFunc(guardNames(), func(name string) bool { return slices.Contains(installed, name) }), wrap(err, "look for guards")
}

// SetGuards installs the guards, or removes them on purpose.
func (s schema) SetGuards(ctx context.Context, on bool) error {
	set := (*transaction).dropGuards
	if on {
		set = (*transaction).installGuards
	}
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error { return set(tx, ctx) })
	return wrap(err, "set the guards")
}

// keepGuards installs what is missing or of another version of this text,
// unless the guards were switched off or belong to a newer schema.
func (s schema) keepGuards(ctx context.Context) error {
	off, err := s.guardsOff(ctx)
	if err != nil || off {
		return err
	}
	if newer, err := s.Newer(ctx); err != nil || newer {
		return err
	}
	installed, err := many(ctx, s.db, value[string], selectGuardTexts)
	if err != nil {
		return fmt.Errorf("look for guards: %w", err)
	}
	other := slices.ContainsFunc(installed, func(sql string) bool { return !strings.Contains(guards, sql) })
	if len(installed) == len(guardNames()) && !other {
		return nil
	}
	return s.SetGuards(ctx, true)
}

func (tx *transaction) installGuards(ctx context.Context) error {
	if err := tx.removeGuards(ctx); err != nil {
		return err
	}
	if _, err := tx.w.conn.ExecContext(ctx, guards); err != nil {
		return translate(err)
	}
	_, err := tx.exec(ctx, `DELETE FROM signals WHERE name = 'guards:off'`)
	return err
}

func (tx *transaction) dropGuards(ctx context.Context) error {
	if err := tx.removeGuards(ctx); err != nil {
		return err
	}
	_, err := tx.exec(ctx, beatSignal, "guards:off", micros(tx.now), 0)
	return err
}

// removeGuards also removes guards that another version had.
func (tx *transaction) removeGuards(ctx context.Context) error {
	installed, err := many(ctx, tx, value[string], selectGuards)
	if err != nil {
		return err
	}
	for _, name := range installed {
		if _, err := tx.w.conn.ExecContext(ctx, "DROP TRIGGER "+name); err != nil {
			return translate(err)
		}
	}
	_, err = tx.w.conn.ExecContext(ctx, "DROP TABLE IF EXISTS session_transitions; DROP TABLE IF EXISTS outcome_steps")
	return translate(err)
}
