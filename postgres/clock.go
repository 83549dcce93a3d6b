package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// A test clock is a schema that normal databases do not have, with one number: how far it is
// ahead. Connections whose search_path begins with that schema (`curfew_clock, pg_catalog`) find
// its now() in place of the server's, so statements need no change. Column defaults and functions
// of the schema curfew, which have a now() and a search_path of their own, are redirected to it.
// Tokens, keys and browsers stay on the server's clock (docs/decisions/0025-test-clock.md).
const (
	selectClock = `SELECT pg_catalog.to_regclass('curfew_clock.clock') IS NOT NULL`
	selectLived = `SELECT EXISTS (SELECT FROM curfew.events) OR EXISTS (SELECT FROM curfew.sessions) OR EXISTS (SELECT FROM curfew.checkouts)`
	createClock = `CREATE SCHEMA IF NOT EXISTS curfew_clock;
	CREATE TABLE IF NOT EXISTS curfew_clock.clock (
		one   bool PRIMARY KEY DEFAULT true CHECK (one),
		ahead interval NOT NULL DEFAULT '0'
	);
	INSERT INTO curfew_clock.clock DEFAULT VALUES ON CONFLICT DO NOTHING;
	CREATE OR REPLACE FUNCTION curfew_clock.now() RETURNS timestamptz
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'SELECT pg_catalog.now() + ahead FROM curfew_clock.clock';
	GRANT USAGE ON SCHEMA curfew_clock TO PUBLIC;
	DO $$ DECLARE c record; f regprocedure; BEGIN
		FOR c IN SELECT d.adrelid::pg_catalog.regclass AS relation, a.attname AS name FROM pg_catalog.pg_attrdef d
			JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
			JOIN pg_catalog.pg_class k ON k.oid = d.adrelid
			WHERE k.relnamespace = 'curfew'::pg_catalog.regnamespace AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) IN ('now()', 'pg_catalog.now()')
				AND k.relname NOT IN ('api_keys', 'revocations', 'sign_ins', 'curfew_migrations')
		LOOP EXECUTE pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT curfew_clock.now()', c.relation, c.name); END LOOP;
		FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p
			WHERE p.pronamespace = 'curfew'::pg_catalog.regnamespace AND 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig)
		LOOP EXECUTE pg_catalog.format('ALTER ROUTINE %s SET search_path = curfew_clock, pg_catalog, pg_temp', f); END LOOP;
	END $$`
	advanceClock = `UPDATE curfew_clock.clock SET ahead = ahead + $1 RETURNING ahead`
)

// HasClock reports whether the database has a test clock.
func (s schema) HasClock(ctx context.Context) (bool, error) {
	has, err := one(ctx, s.db, value[bool], selectClock)
	return has, wrap(err, "look for a test clock")
}

// InstallClock gives the database a test clock. Repeat it after each migration. Errors:
// Conflict for a database that was used without one; Invalid for a role that does not own
// the tables.
func (s schema) InstallClock(ctx context.Context) error {
	has, err := s.HasClock(ctx)
	if err != nil {
		return err
	}
	lived := false
	if !has {
		lived, err = one(ctx, s.db, value[bool], selectLived)
	}
	switch {
	case err != nil:
		return wrap(err, "look whether the database has lived")
	case lived:
		return curfew.Errorf(curfew.Conflict, livedText)
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, createClock, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if code(err) == insufficientPrivilege {
		return errors.Join(curfew.Errorf(curfew.Invalid, "a test clock needs the role that owns schema curfew, and may create schemas"), err)
	}
	return wrap(translate(err), "install the test clock")
}

const livedText = "this database has lived without a test clock, and its rows would age by leaps: use a new database for tests"

// AdvanceClock moves the test clock forward, and returns how far it is ahead.
func (s schema) AdvanceClock(ctx context.Context, by time.Duration) (ahead time.Duration, err error) {
	ahead, err = one(ctx, s.db, value[time.Duration], advanceClock, by)
	return ahead, wrap(err, "advance the test clock")
}
