package sqlite

import (
	"context"
	_ "embed"
	"regexp"
	"slices"
	"strings"
)

//go:embed guards.sql
var guards string

var guardTriggers = regexp.MustCompile(`CREATE TRIGGER (guard_\w+)`)

const (
	selectGuards     = `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'guard_*' ORDER BY name`
	selectGuardsOff  = `SELECT EXISTS (SELECT 1 FROM signals WHERE name = 'guards:off')`
	selectGuardTexts = `SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB 'guard_*'`
	insertGuardsOff  = `INSERT INTO signals (name, at) VALUES ('guards:off', $1) ON CONFLICT DO NOTHING`
	deleteGuardsOff  = `DELETE FROM signals WHERE name = 'guards:off'`
)

// guardNames lists the guards that guards.sql creates, in its order.
func guardNames() []string { return namesIn(guardTriggers) }

// guardsOff reports whether the guards were switched off on purpose.
func (s schema) guardsOff(ctx context.Context) (bool, error) {
	off, err := one(ctx, s.db, value[bool], selectGuardsOff)
	return off, wrap(err, "look for the guards")
}

// GuardsMissing names the guards that the database should have and does not
// have.
func (s schema) GuardsMissing(ctx context.Context) ([]string, error) {
	off, err := s.guardsOff(ctx)
	if err != nil || off {
		return nil, err
	}
	installed, err := many(ctx, s.db, value[string], selectGuards)
	if err != nil {
		return nil, wrap(err, "look for the guards")
	}
	return slices.DeleteFunc(guardNames(), func(name string) bool { return slices.Contains(installed, name) }), nil
}

// SetGuards installs the guards, or removes them and records that this was on
// purpose.
func (s schema) SetGuards(ctx context.Context, on bool) error {
	if on {
		return wrap(s.installGuards(ctx), "set the guards")
	}
	return wrap(s.removeGuards(ctx), "remove the guards")
}

func (s schema) installGuards(ctx context.Context) error {
	return s.writeAlone(ctx, func(ctx context.Context, tx *transaction) error { return tx.installGuards(ctx) })
}

func (s schema) removeGuards(ctx context.Context) error {
	return s.writeAlone(ctx, func(ctx context.Context, tx *transaction) error {
		if err := tx.removeGuards(ctx); err != nil {
			return err
		}
		_, err := tx.exec(ctx, insertGuardsOff, micros(tx.now))
		return err
	})
}

func (tx *transaction) installGuards(ctx context.Context) error {
	if err := tx.removeGuards(ctx); err != nil {
		return err
	}
	if _, err := tx.w.conn.ExecContext(ctx, guards); err != nil {
		return translate(err)
	}
	_, err := tx.exec(ctx, deleteGuardsOff)
	return err
}

// removeGuards also removes guards of other versions.
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

// keepGuards installs guards that are missing or differ from this version,
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
		return wrap(err, "look for the guards")
	}
	other := slices.ContainsFunc(installed, func(sql string) bool { return !strings.Contains(guards, sql) })
	if len(installed) == len(guardNames()) && !other {
		return nil
	}
	return s.SetGuards(ctx, true)
}

// namesIn returns the first group of every match in guards.sql.
func namesIn(what *regexp.Regexp) []string {
	var names []string
	for _, match := range what.FindAllStringSubmatch(guards, -1) {
		names = append(names, match[1])
	}
	return names
}
