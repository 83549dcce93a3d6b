package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// backup dumps and loads the whole database.
type backup struct{ *db }

// Dump passes on each table's rows in the order of its primary key, all as of
// one moment, and returns that moment. It reads beside the writer; the
// write-ahead log grows until it is done.
func (s backup) Dump(ctx context.Context, tables []record.Table, save func(record.Table, iter.Seq2[[]any, error]) error) (at time.Time, err error) {
	tx, err := s.reader.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return at, fmt.Errorf("read every row: %w", translate(err))
	}
	defer func() { err = errors.Join(err, translate(tx.Rollback())) }()
	var n int64 // a transaction's moment is that of its first read
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil {
		return at, fmt.Errorf("read every row: %w", translate(err))
	}
	at = s.now()
	for _, t := range tables {
		if err := save(t, rowsOf(ctx, tx, t, "")); err != nil {
			return at, fmt.Errorf("read every row: %w", translate(err))
		}
	}
	return at, nil
}

// rowsOf returns a table's rows: all, or those of a condition with its arguments.
func rowsOf(ctx context.Context, tx *sql.Tx, t record.Table, where string, args ...any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := tx.QueryContext(ctx, selectAll(t, where), args...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close() //nolint:errcheck // rows.Err reports what matters
		for rows.Next() {
			row, err := portable(rows, t)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func selectAll(t record.Table, where string) string {
	names := columnNames(t)
	query := "SELECT " + strings.Join(names, ", ") + " FROM " + t.Name
	if where != "" {
		query += " WHERE " + inTables(where)
	}
	if t.Key > 0 {
		query += " ORDER BY " + strings.Join(names[:t.Key], ", ")
	}
	return query
}

func columnNames(t record.Table) []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// portable scans a row into the Go types of its columns' kinds.
func portable(r row, t record.Table) ([]any, error) {
	values, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := r.Scan(into...); err != nil {
		return nil, err
	}
	for i, c := range t.Columns {
		switch n, isNumber := values[i].(int64); {
		case isNumber && c.Kind == record.TimeColumn:
			values[i] = time.UnixMicro(n).UTC()
		case isNumber && c.Kind == record.FlagColumn:
			values[i] = n != 0
		}
	}
	return values, nil
}

// recountTallies replaces the tallies with counts of the rows.
const recountTallies = `
UPDATE tallies SET n = CASE noun
    WHEN 'session' THEN (SELECT count(*) FROM sessions s WHERE s.status = tallies.status)
    WHEN 'request' THEN (SELECT count(*) FROM session_requests r WHERE r.status = tallies.status)
    ELSE (SELECT count(*) FROM checkouts c WHERE c.outcome = tallies.status) END
    - CASE WHEN noun = 'checkout' AND status = 'fulfilled' THEN (SELECT count(*) FROM sessions) ELSE 0 END`

// Load writes the rows of each table, or nothing if anything fails. The guards
// are removed meanwhile, because the rows include their own history. The error
// is Conflict if a table is not empty.
func (s backup) Load(ctx context.Context, tables []record.Table, rows func(record.Table) iter.Seq2[[]any, error]) error {
	err := s.writeAlone(ctx, func(ctx context.Context, tx *transaction) error {
		if has, err := occupied(ctx, tx); err != nil || has != "" {
			return errors.Join(err, notEmpty(s.path, has))
		}
		if err := tx.removeGuards(ctx); err != nil {
			return err
		}
		for _, t := range tables {
			if err := tx.load(ctx, t, rows(t)); err != nil {
				return err
			}
		}
		if _, err := tx.exec(ctx, recountTallies); err != nil {
			return err
		}
		return tx.installGuards(ctx)
	})
	return wrap(err, "write every row")
}

func notEmpty(path, table string) error {
	if table == "" {
		return nil
	}
	return curfew.Errorf(curfew.Conflict, "%s is not empty, %s has rows: restore into a new file", path, table)
}

// occupied returns the first table that has a row. Missing tables have none.
func occupied(ctx context.Context, src source) (string, error) {
	for _, t := range record.Tables() {
		_, err := one(ctx, src, value[int64], "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1", t.Name)
		if err == nil {
			_, err = one(ctx, src, value[int64], "SELECT 1 FROM "+t.Name+" LIMIT 1")
		}
		if !errors.Is(err, curfew.NotFound) {
			return t.Name, err
		}
	}
	return "", nil
}

func (tx *transaction) load(ctx context.Context, t record.Table, rows iter.Seq2[[]any, error]) error {
	insert := "INSERT INTO " + t.Name + " (" + strings.Join(columnNames(t), ", ") + ") VALUES (?" + strings.Repeat(", ?", len(t.Columns)-1) + ")"
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, v := range row {
			switch v := v.(type) {
			case time.Time:
				row[i] = micros(v)
			case bool:
				row[i] = map[bool]int64{true: 1}[v]
			}
		}
		if _, err := tx.exec(ctx, insert, row...); err != nil {
			return wrap(err, "%s", t.Name)
		}
	}
	return nil
}

// inTables replaces the names of tables in braces.
func inTables(query string) string { return strings.NewReplacer("{", "", "}", "").Replace(query) }

// Empty reports whether no table of record.Tables has a row. Missing tables have none.
func (s backup) Empty(ctx context.Context) (bool, error) {
	has, err := occupied(ctx, s.reader)
	return has == "", wrap(err, "look for rows in %s", s.path)
}

// Broken returns how many rows a statement finds, and the first of them. Table
// names are in braces in the statement.
func (s backup) Broken(ctx context.Context, query string) (n int, first string, err error) {
	query = inTables(query)
	rows, err := s.reader.query(ctx, query)
	if err != nil {
		return 0, "", fmt.Errorf("check the invariants: %w", translate(err))
	}
	defer func() { err = errors.Join(err, translate(rows.Close())) }()
	columns, err := rows.Columns()
	if err != nil {
		return 0, "", translate(err)
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if n++; n > 1 {
			continue
		}
		if err := rows.Scan(into...); err != nil {
			return n, "", translate(err)
		}
		first = strings.Trim(fmt.Sprint(values...), " ")
	}
	return n, first, translate(rows.Err())
}
