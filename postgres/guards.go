package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed guards.sql
var guardsSQL string

var (
	guardTriggers  = regexp.MustCompile(`CREATE OR REPLACE TRIGGER (\w+)`)
	guardFunctions = regexp.MustCompile(`CREATE OR REPLACE FUNCTION (curfew\.\w+)`)
)

const (
	selectGuards = `SELECT tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = to_regnamespace('curfew') AND tgname LIKE 'guard\_%' AND tgenabled <> 'D'`
	guardsSwitched  = `SELECT EXISTS (SELECT FROM curfew.signals WHERE name = 'guards:off')`
	guardsInstalled = `SELECT coalesce(obj_description(to_regclass('curfew.session_transitions'), 'pg_class'), '')`
	// closeFunctions takes from everybody what CREATE FUNCTION gives them, so that
	// functions which were dropped and made anew are closed too.
	closeFunctions = `DO $$ DECLARE f regprocedure; BEGIN
		FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p
			WHERE p.pronamespace = 'curfew'::regnamespace AND pg_catalog.pg_has_role(p.proowner, 'USAGE')
		LOOP EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f); END LOOP;
	END $$`
	rememberOff = `INSERT INTO curfew.signals (name) VALUES ('guards:off') ON CONFLICT DO NOTHING`
	forgetOff   = `DELETE FROM curfew.signals WHERE name = 'guards:off'`
)

// GuardsMissing names the guards that the database should have and has not.
func (s *Store) GuardsMissing(ctx context.Context) ([]string, error) {
	off, err := one(ctx, s, pgx.RowTo[bool], guardsSwitched)
	if err != nil || off {
		return nil, wrap(err, "look for the guards")
	}
	there, err := many(ctx, s, pgx.RowTo[string], selectGuards)
	if err != nil {
		return nil, wrap(err, "look for the guards")
	}
	return slices.DeleteFunc(namesIn(guardTriggers), func(name string) bool { return slices.Contains(there, name) }), nil
}

// SetGuards installs the guards, or removes them and remembers that this was
// on purpose.
func (s *Store) SetGuards(ctx context.Context, on bool) error {
	statements := []string{forgetOff, guardsSQL, closeFunctions, `COMMENT ON TABLE curfew.session_transitions IS '` + guardsDigest() + `'`}
	if !on {
		statements = []string{rememberOff, removeGuards()}
	}
	// One at a time, behind the writers that are on their way.
	statements = append([]string{
		`SET LOCAL lock_timeout = '30s'`, `SET LOCAL statement_timeout = '60s'`,
		`LOCK TABLE curfew.sessions IN SHARE ROW EXCLUSIVE MODE`,
	}, statements...)
	err := repeat(ctx, func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			for _, sql := range statements {
				if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return wrap(err, "set the guards")
}

// keepGuards installs what is missing or of another version of this text. It
// locks nothing if there is nothing to do, and leaves what a newer schema has.
func (s *Store) keepGuards(ctx context.Context) error {
	off, err := one(ctx, s, pgx.RowTo[bool], guardsSwitched)
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
	digest, err := one(ctx, s, pgx.RowTo[string], guardsInstalled)
	if err != nil || (digest == guardsDigest() && len(missing) == 0) {
		return err
	}
	return s.SetGuards(ctx, true)
}

// removeGuards drops the functions, and with them their triggers.
func removeGuards() string {
	var b strings.Builder
	for _, name := range namesIn(guardFunctions) {
		fmt.Fprintf(&b, "DROP FUNCTION IF EXISTS %s CASCADE; ", name)
	}
	return b.String() + "DROP TABLE IF EXISTS curfew.session_transitions, curfew.outcome_steps"
}

func guardsDigest() string { return fmt.Sprintf("guards %x", sha256.Sum256([]byte(guardsSQL))) }

// namesIn is the first group of every match in guards.sql.
func namesIn(what *regexp.Regexp) []string {
	var names []string
	for _, match := range what.FindAllStringSubmatch(guardsSQL, -1) {
		names = append(names, match[1])
	}
	return names
}
