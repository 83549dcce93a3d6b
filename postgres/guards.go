package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed guards.sql
var guards string

var (
	guardTriggers  = regexp.MustCompile(`(?m)^CREATE OR REPLACE TRIGGER (\w+)(?s:.*?) ON (curfew\.\w+)(?s:.*?);[ \t]*$`)
	guardFunctions = regexp.MustCompile(`CREATE OR REPLACE FUNCTION (curfew\.\w+)`)
)

const (
	selectGuards = `SELECT tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = to_regnamespace('curfew') AND tgname LIKE 'guard\_%' AND tgenabled <> 'D'`
	selectGuardsOff    = `SELECT EXISTS (SELECT FROM curfew.signals WHERE name = 'guards:off')`
	selectGuardsDigest = `SELECT coalesce(obj_description(to_regclass('curfew.session_transitions'), 'pg_class'), '')`
	// closeFunctions takes from everybody what CREATE FUNCTION gives them, so that
	// functions which were dropped and made anew are closed too.
	closeFunctions = `DO $$ DECLARE f regprocedure; BEGIN
		FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p
			WHERE p.pronamespace = 'curfew'::regnamespace AND pg_catalog.pg_has_role(p.proowner, 'USAGE')
		LOOP EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f); END LOOP;
	END $$`
	insertGuardsOff = `INSERT INTO curfew.signals (name) VALUES ('guards:off') ON CONFLICT DO NOTHING`
	deleteGuardsOff = `DELETE FROM curfew.signals WHERE name = 'guards:off'`
)

// guardNames lists the guards that guards.sql creates, in its order.
func guardNames() []string { return namesIn(guardTriggers) }

// guardsOff reports whether the guards were switched off on purpose.
func (s schema) guardsOff(ctx context.Context) (bool, error) {
	off, err := one(ctx, s.db, value[bool], selectGuardsOff)
	return off, wrap(err, "look for the guards")
}

// GuardsMissing names the guards that the database should have and does not have.
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

// SetGuards installs the guards, or removes them and records that this was on purpose. A
// service can run meanwhile: each transaction locks only one table, because the service's
// own do not all lock tables in the same order.
func (s schema) SetGuards(ctx context.Context, on bool) error {
	if on {
		return wrap(s.installGuards(ctx), "set the guards")
	}
	return wrap(s.removeGuards(ctx), "remove the guards")
}

// installGuards creates the functions first, and then each table's triggers. It writes
// the digest last, so an interrupted installation starts again.
func (s schema) installGuards(ctx context.Context) error {
	rest := guardTriggers.ReplaceAllString(guards, "")
	if err := s.alone(ctx, "", deleteGuardsOff, rest, closeFunctions); err != nil {
		return err
	}
	triggers := map[string][]string{}
	for _, trigger := range guardTriggers.FindAllStringSubmatch(guards, -1) {
		triggers[trigger[2]] = append(triggers[trigger[2]], trigger[0])
	}
	for _, table := range slices.Sorted(maps.Keys(triggers)) {
		if err := s.alone(ctx, table, triggers[table]...); err != nil {
			return err
		}
	}
	return s.alone(ctx, "", `COMMENT ON TABLE curfew.session_transitions IS '`+guardsDigest()+`'`)
}

// removeGuards drops each table's triggers, and then the functions.
func (s schema) removeGuards(ctx context.Context) error {
	if err := s.alone(ctx, "", insertGuardsOff); err != nil {
		return err
	}
	for _, trigger := range guardTriggers.FindAllStringSubmatch(guards, -1) {
		if err := s.alone(ctx, "", fmt.Sprintf("DROP TRIGGER IF EXISTS %s ON %s", trigger[1], trigger[2])); err != nil {
			return err
		}
	}
	var b strings.Builder
	for _, name := range namesIn(guardFunctions) {
		fmt.Fprintf(&b, "DROP FUNCTION IF EXISTS %s CASCADE; ", name)
	}
	return s.alone(ctx, "", b.String()+"DROP TABLE IF EXISTS curfew.session_transitions, curfew.outcome_steps")
}

// alone runs statements in one transaction, with the lock of a table whose
// triggers they make: one process at a time, and no call waits for long.
func (s schema) alone(ctx context.Context, table string, statements ...string) error {
	begin := unhindered + `LOCK TABLE curfew.curfew_migrations IN SHARE ROW EXCLUSIVE MODE;`
	if table != "" {
		begin += `LOCK TABLE ` + table + ` IN SHARE ROW EXCLUSIVE MODE;`
	}
	return translate(retryLock(ctx, nil, func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			for _, sql := range append([]string{begin}, statements...) {
				if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					return err
				}
			}
			return nil
		})
	}))
}

// keepGuards installs guards that are missing or differ from this version, unless they
// belong to a newer schema. If there is nothing to do, it locks nothing.
func (s schema) keepGuards(ctx context.Context) error {
	off, err := s.guardsOff(ctx)
	if err != nil || off {
		return err
	}
	if newer, err := s.Newer(ctx); err != nil || newer {
		return err
	}
	missing, err := s.GuardsMissing(ctx)
	if err != nil {
		return err
	}
	digest, err := one(ctx, s.db, value[string], selectGuardsDigest)
	if err != nil || (digest == guardsDigest() && len(missing) == 0) {
		return err
	}
	return s.SetGuards(ctx, true)
}

func guardsDigest() string { return fmt.Sprintf("guards %x", sha256.Sum256([]byte(guards))) }

// namesIn returns the first group of every match in guards.sql.
func namesIn(what *regexp.Regexp) []string {
	var names []string
	for _, match := range what.FindAllStringSubmatch(guards, -1) {
		names = append(names, match[1])
	}
	return names
}
