package postgres

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// backup dumps and loads the whole database.
type backup struct{ *db }

// columnTypes reads a column as its kind's Go type.
var columnTypes = map[record.ColumnKind]string{
	record.TextColumn: "%s", record.IDColumn: "%s::text", record.NumberColumn: "%s::bigint",
	record.FlagColumn: "%s", record.TimeColumn: "%s", record.DocumentColumn: "%s::text",
}

// Dump passes on each table's rows in the order of its primary key, all as of one moment,
// and returns that moment. It streams the rows.
func (s backup) Dump(ctx context.Context, tables []record.Table, save func(record.Table, iter.Seq2[[]any, error]) error) (at time.Time, err error) {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) error {
		if err := untimed(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT now()`).Scan((*moment)(&at)); err != nil {
			return err
		}
		for _, t := range tables {
			if err := save(t, rowsOf(ctx, tx, t, "")); err != nil {
				return err
			}
		}
		return nil
	})
	return at, wrap(translate(err), "read every row")
}

// untimed lifts the server's time limits from a transaction that reads or writes
// whole tables.
func untimed(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT set_config(name, '0', true)
		FROM (VALUES ('statement_timeout'), ('idle_in_transaction_session_timeout')) unlimited (name)`)
	return err
}

// rowsOf returns a table's rows: all, or those of a condition with its arguments.
func rowsOf(ctx context.Context, tx pgx.Tx, t record.Table, where string, args ...any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := tx.Query(ctx, selectAll(t, where), args...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := rows.Values()
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// selectAll sorts by the bytes of the key, as every other store does.
func selectAll(t record.Table, where string) string {
	var columns, key []string
	for i, c := range t.Columns {
		columns = append(columns, fmt.Sprintf(columnTypes[c.Kind], c.Name))
		if i >= t.Key {
			continue
		}
		order := c.Name
		if c.Kind == record.TextColumn {
			order += ` COLLATE "C"`
		}
		key = append(key, order)
	}
	sql := "SELECT " + strings.Join(columns, ", ") + " FROM curfew." + t.Name
	if where != "" {
		sql += " WHERE " + inTables(where)
	}
	if len(key) > 0 {
		sql += " ORDER BY " + strings.Join(key, ", ")
	}
	return sql
}

// recountTallies replaces the tallies with counts of the rows.
const recountTallies = `DELETE FROM curfew.tallies;
	INSERT INTO curfew.tallies (shard, noun, status, n)
	SELECT 0, 'session', status, count(*) FROM curfew.sessions WHERE status IN ('completed', 'cancelled') GROUP BY status
	UNION ALL
	SELECT 0, 'request', status, count(*) FROM curfew.session_requests WHERE status IN ('cancelled', 'expired', 'completed') GROUP BY status
	UNION ALL
	SELECT 0, 'checkout', outcome, count(*) FROM curfew.checkouts WHERE outcome <> 'fulfilled' GROUP BY outcome
	UNION ALL
	SELECT 0, 'checkout', 'fulfilled',
		(SELECT count(*) FROM curfew.checkouts WHERE outcome = 'fulfilled') - ` + talliedSessions

// Load writes the rows of each table, or nothing if anything fails. The triggers are off
// meanwhile, because the rows include their own history; the tallies are counted at the
// end. The error is Conflict if a table is not empty.
func (s backup) Load(ctx context.Context, tables []record.Table, rows func(record.Table) iter.Seq2[[]any, error]) error {
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if err := untimed(ctx, tx); err != nil {
			return err
		}
		if err := switchTriggers(ctx, tx, "DISABLE"); err != nil {
			return err
		}
		if err := empty(ctx, tx); err != nil {
			return err
		}
		for _, t := range tables {
			if err := load(ctx, tx, t, rows(t)); err != nil {
				return err
			}
		}
		if err := switchTriggers(ctx, tx, "ENABLE"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, recountTallies, pgx.QueryExecModeSimpleProtocol)
		return err
	})
	return wrap(translate(err), "write every row")
}

// switchTriggers also locks the tables, so that nobody writes beside it.
func switchTriggers(ctx context.Context, tx pgx.Tx, how string) error {
	for _, t := range record.Tables() {
		if _, err := tx.Exec(ctx, "ALTER TABLE curfew."+t.Name+" "+how+" TRIGGER USER"); err != nil {
			return err
		}
	}
	return nil
}

func empty(ctx context.Context, tx pgx.Tx) error {
	for _, t := range record.Tables() {
		var has bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM curfew."+t.Name+")").Scan(&has); err != nil {
			return err
		}
		if has {
			return curfew.Errorf(curfew.Conflict, "the database is not empty, curfew.%s has rows: restore into a new one", t.Name)
		}
	}
	return nil
}

// load copies one table's rows. It returns an error of the rows unchanged.
func load(ctx context.Context, tx pgx.Tx, t record.Table, rows iter.Seq2[[]any, error]) error {
	var columns []string
	for _, c := range t.Columns {
		columns = append(columns, c.Name)
	}
	next, stop := iter.Pull2(rows)
	defer stop()
	var broken error
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"curfew", t.Name}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, err, more := next()
		if broken = err; err != nil || !more {
			return nil, err
		}
		return row, nil
	}))
	if broken != nil {
		return broken
	}
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	return nil
}

// inTables replaces the names of tables in braces.
func inTables(sql string) string { return strings.NewReplacer("{", "curfew.", "}", "").Replace(sql) }

// Empty reports whether no table of record.Tables has a row. Missing tables have none.
func (s backup) Empty(ctx context.Context) (bool, error) {
	for _, t := range record.Tables() {
		has, err := one(ctx, s.db, value[bool], "SELECT EXISTS (SELECT FROM curfew."+t.Name+")")
		if c := code(err); c == undefinedTable || c == undefinedSchema {
			continue
		}
		if err != nil || has {
			return false, wrap(err, "look for rows")
		}
	}
	return true, nil
}

// Broken returns how many rows a statement finds, and the first of them. Table names are
// in braces in the statement.
func (s backup) Broken(ctx context.Context, sql string) (n int, first string, err error) {
	sql = inTables(sql)
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := untimed(ctx, tx); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, "SELECT count(*) OVER (), broken::text FROM ("+sql+") broken LIMIT 1") // its error comes out of the rows
		_, err := pgx.ForEachRow(rows, []any{&n, &first}, func() error { return nil })
		return err
	})
	return n, first, wrap(translate(err), "check the invariants")
}
