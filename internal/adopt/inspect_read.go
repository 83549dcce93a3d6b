package adopt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
)

// lookTime limits each statement of an inspection, so that inspecting a big table costs little.
const lookTime = 30 * time.Second

// look is a read-only transaction.
type look struct {
	pgx.Tx
	zone string    // the time zone of a new connection
	now  time.Time // by the database's clock
}

// looking calls do on a connection of its own, in a read-only transaction.
func looking(ctx context.Context, url string, do func(*look) error) (err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // there is nothing to keep
	l := &look{Tx: tx}
	if err := tx.QueryRow(ctx, `SELECT current_setting('TimeZone'), now()`).Scan(&l.zone, &l.now); err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	limits := fmt.Sprintf(`SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = '2s'; SET LOCAL row_security = off;
		SET LOCAL TimeZone = 'UTC'; SET LOCAL search_path = pg_catalog; SET LOCAL max_parallel_workers_per_gather = 0`, lookTime.Milliseconds())
	if _, err := tx.Exec(ctx, limits); err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	return do(l)
}

// try runs a query that may fail, without aborting the transaction.
func (l *look) try(ctx context.Context, do func(querier) error) error {
	savepoint, err := l.Begin(ctx)
	if err != nil {
		return err
	}
	err = do(savepoint)
	return errors.Join(err, savepoint.Rollback(ctx))
}

// tooLong is the SQLSTATE of a statement that was canceled by its timeout.
const tooLong = "57014"

// whyUnread explains to people why rows could not be read; "" for any other error.
func whyUnread(err error) string {
	var refused *pgconn.PgError
	switch {
	case !errors.As(err, &refused):
		return ""
	case refused.Code == tooLong:
		return fmt.Sprintf("counting its rows took longer than %s", lookTime)
	case refused.Code == "55P03":
		return "another program holds a lock on it"
	case refused.Code == "42501" && strings.Contains(refused.Message, "row-level security"):
		return "row-level security hides rows from this role; read as the owner, or as a role with BYPASSRLS"
	case refused.Code == "42501":
		return "this role has no right to SELECT: grant it, as in GRANT SELECT ON … TO this role"
	}
	return ""
}

// tally is what the rows with one status have in common.
type tally struct {
	word           string
	null           bool // the status is NULL
	rows           int64
	oldest, newest time.Time // by the column of their creation
	filled         map[string]int64
	later          map[string]int64 // moments after now
	positive       map[string]int64 // numbers above 0, or true
}

// tallies counts the rows that are not deleted by status, in a table or a sample of it.
func (l *look) tallies(ctx context.Context, r *Relation, from, status, created, deleted string) (tallies, error) {
	parts, places := tallySQL(r, created)
	sql := "SELECT " + name(status) + "::text, count(*), " + strings.Join(parts, ", ") + " FROM " + from
	if deleted != "" {
		sql += " WHERE " + undeleted(r.Columns[deleted])
	}
	rows, err := l.rows(ctx, sql+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 101")
	if err != nil {
		return nil, err
	}
	var found tallies
	for _, values := range rows {
		t := tally{filled: map[string]int64{}, later: map[string]int64{}, positive: map[string]int64{}}
		word, ok := values[0].(string)
		t.word, t.null = word, !ok
		t.rows = whole(values[1])
		for i, place := range places {
			place(&t, values[2+i])
		}
		found = append(found, t)
	}
	if len(found) > 100 {
		return nil, curfew.Errorf(curfew.Invalid, "%s.%s has more than 100 different values: it is not a status", r, status)
	}
	return found, nil
}

// sampled is how many rows are read of a table that is too big to read whole.
const sampled = 300_000

// sample returns a random part of the table's blocks, the same one every time.
func (r *Relation) sample() string {
	percent := min(100*float64(sampled)/float64(max(r.Estimate, 1)), 100)
	return fmt.Sprintf("%s TABLESAMPLE SYSTEM (%.4f) REPEATABLE (1)", r, percent)
}

// rows runs a query in the current transaction and returns its rows.
func (l *look) rows(ctx context.Context, sql string, args ...any) (found [][]any, err error) {
	err = l.try(ctx, func(q querier) error {
		found, err = collect(ctx, q, func(row pgx.CollectableRow) ([]any, error) { return row.Values() }, sql, args...)
		return err
	})
	return found, err
}

// tallySQL returns the counts to select for each column, and where to store each.
func tallySQL(r *Relation, created string) (parts []string, places []func(*tally, any)) {
	count := func(sql string, place func(*tally, any)) { parts, places = append(parts, sql), append(places, place) }
	if created != "" {
		count("min("+name(created)+")::timestamptz", func(t *tally, v any) { t.oldest, _ = v.(time.Time) })
		count("max("+name(created)+")::timestamptz", func(t *tally, v any) { t.newest, _ = v.(time.Time) })
	}
	for _, column := range r.Order {
		c := r.Columns[column]
		count("count("+name(column)+")", func(t *tally, v any) { t.filled[column] = whole(v) })
		switch {
		case c.Moment():
			count("count(*) FILTER (WHERE "+name(column)+" > now())", func(t *tally, v any) { t.later[column] = whole(v) })
		case c.integer(), c.Base == "numeric":
			count("count(*) FILTER (WHERE "+name(column)+" > 0)", func(t *tally, v any) { t.positive[column] = whole(v) })
		case c.flag():
			count("count(*) FILTER (WHERE "+name(column)+")", func(t *tally, v any) { t.positive[column] = whole(v) })
		}
	}
	return parts, places
}

// undeleted is the condition of rows that are not deleted.
func undeleted(c Column) string {
	if c.flag() {
		return name(c.Name) + " IS NOT TRUE"
	}
	return name(c.Name) + " IS NULL"
}

func whole(v any) int64 {
	n, _ := v.(int64)
	return n
}

// counts returns the values of an expression with their counts, most frequent first.
func (l *look) counts(ctx context.Context, from, expr, where string) ([]count, error) {
	if where != "" {
		where = " WHERE " + where
	}
	rows, err := l.rows(ctx, "SELECT ("+expr+")::text, count(*) FROM "+from+where+" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20")
	var found []count
	for _, values := range rows {
		text, ok := values[0].(string)
		found = append(found, count{text, !ok, whole(values[1])})
	}
	return found, err
}

// count is a value and the number of rows that have it.
type count struct {
	text string
	null bool
	rows int64
}
