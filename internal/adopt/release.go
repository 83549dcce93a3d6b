package adopt

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Off switches the mode off, then removes triggers and functions, and ends what was open in the
// mirror only. If interrupted, it can be called again, like Enforce.
func (t table) Off(ctx context.Context) error { return t.wrap(follow(ctx, t.ending()), "switch off") }

// unhook is Off without ending the mirrors, which the poller will maintain.
func (t table) unhook(ctx context.Context) error {
	steps := t.ending()
	return t.wrap(follow(ctx, steps[:len(steps)-1]), "remove the triggers")
}

// Release is Off, and also forgets that the table was adopted; with drop, its findings and verdicts
// too. Its sessions have ended, and remain as history.
func (t table) Release(ctx context.Context, drop bool) error {
	forgotten := []string{"adoptions"}
	if drop {
		forgotten = append(forgotten, "adoption_findings", "adoption_verdicts")
	}
	forget := step{"forget the table", func(ctx context.Context) error { return t.forget(ctx, forgotten) }}
	return t.wrap(follow(ctx, append(t.ending(), forget)), "release")
}

// ending returns the steps of Off. The first, switching the mode, needs no lock on the adopted
// table.
func (t table) ending() []step {
	steps := []step{{"switch the mode", t.switchOff}, {"make the functions idle", t.makeIdle}}
	for _, tr := range triggers {
		steps = append(steps, step{"drop trigger " + tr.name, func(ctx context.Context) error { return t.dropTrigger(ctx, tr) }})
	}
	return append(steps, step{"drop the functions", t.dropFunctions}, step{"end the mirrors", t.endMirrors})
}

func (t table) switchOff(ctx context.Context) error {
	return t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE curfew.adoptions SET mode = 'off', rules = '{}', installed = '', shadowed = NULL,
			since = CASE WHEN mode = 'off' THEN since ELSE now() END WHERE name = $1`, t.Name)
		return err
	})
}

// makeIdle changes only functions that exist: one whose trigger is gone need not be created.
func (t table) makeIdle(ctx context.Context) error {
	var statements []string
	for _, tr := range triggers {
		var there bool
		err := one(ctx, t.pool, `SELECT to_regprocedure($1) IS NOT NULL`, []any{function(t.Name, tr.does) + "()"}, &there)
		if err != nil {
			return err
		}
		if there {
			statements = append(statements, program{reading: reading{Table: t.Table}}.create(tr, ""))
		}
	}
	return t.run(ctx, statements...)
}

const selectTriggerTable = `SELECT coalesce((SELECT t.tgrelid FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
	WHERE p.oid = to_regprocedure($2) AND t.tgname = $1), 0)::oid`

// dropTrigger drops a trigger from the table that has it now, which may have been renamed. Readers
// queue behind the lock it waits for, so it waits only briefly.
func (t table) dropTrigger(ctx context.Context, tr trigger) error {
	var oid uint32
	err := one(ctx, t.pool, selectTriggerTable, []any{tr.name, function(t.Name, tr.does) + "()"}, &oid)
	if err != nil || oid == 0 {
		return err
	}
	return t.untilLocked(ctx, oid, 10*time.Second, func() error {
		return t.run(ctx, `SET LOCAL lock_timeout = '100ms'`, fmt.Sprintf(`DO $$ BEGIN
			EXECUTE format('DROP TRIGGER IF EXISTS %s ON %%s', %d::regclass);
		END $$`, tr.name, oid))
	})
}

func (t table) dropFunctions(ctx context.Context) error {
	var statements []string
	for _, does := range functionsOf() {
		arguments := ""
		if does == failed {
			arguments = "text"
		}
		statements = append(statements, "DROP FUNCTION IF EXISTS "+function(t.Name, does)+"("+arguments+")")
	}
	return t.run(ctx, statements...)
}

// page is how many mirrors one transaction writes.
const page = 1000

const endMirrors = `SELECT curfew.adopt_gone($1, 'system:adoption', 'their table is not adopted any more', NULL, array_agg(o.adopted_id))
	FROM (SELECT adopted_id FROM curfew.sessions WHERE adopted_from = $1 AND status IN ('scheduled', 'waiting', 'live') LIMIT $2) o HAVING count(*) > 0`

// endMirrors ends the mirrors of rows that Curfew no longer watches.
func (t table) endMirrors(ctx context.Context) error {
	for ended := true; ended; {
		err := t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, endMirrors, t.Name, page)
			ended = tag.RowsAffected() > 0
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t table) forget(ctx context.Context, tables []string) error {
	return t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		for _, from := range tables {
			if _, err := tx.Exec(ctx, `DELETE FROM curfew.`+from+` WHERE name = $1`, t.Name); err != nil {
				return err
			}
		}
		return nil
	})
}
