package postgres

import (
	"errors"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
)

// hit is the callback of a write that is guarded by its WHERE: a row that was
// not there as expected is Conflict.
func hit(format string, args ...any) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return curfew.Errorf(curfew.Conflict, format, args...)
		}
		return nil
	}
}

// refusedAs is the callback of an INSERT whose unique violation has a meaning
// of its own. The statement's position says so, never a constraint's name.
func refusedAs(kind curfew.Kind, format string, args ...any) func(pgx.BatchResults) error {
	return func(results pgx.BatchResults) error {
		_, err := results.Exec()
		if code(err) == uniqueViolation {
			return curfew.Errorf(kind, format, args...)
		}
		return err
	}
}

// into is the callback of a query for one row.
func into[T any](v *T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*v, err = pgx.CollectOneRow(rows, scan)
		return err
	}
}

// intoOrConflict is the callback of a guarded write that returns its one row.
func intoOrConflict(targets []any, format string, args ...any) func(pgx.Row) error {
	return func(row pgx.Row) error {
		err := row.Scan(targets...)
		if errors.Is(err, pgx.ErrNoRows) {
			return curfew.Errorf(curfew.Conflict, format, args...)
		}
		return err
	}
}

// queueRows queues an INSERT of one row's VALUES for many rows, in few
// statements of few sizes: each text is prepared once a connection.
func queueRows(b *pgx.Batch, insert string, rows [][]any) []*pgx.QueuedQuery {
	var queued []*pgx.QueuedQuery
	for len(rows) > 0 {
		n := len(rows)
		if n > 8 {
			n = 1 << (bits.Len(uint(n)) - 1)
		}
		queued = append(queued, b.Queue(times(insert, n, len(rows[0])), slices.Concat(rows[:n]...)...))
		rows = rows[n:]
	}
	return queued
}

// timesKey is what a text of many rows is made of.
type timesKey struct {
	insert string
	n      int
}

var (
	timesMade sync.Map // from timesKey to text: making one takes longer than its execution
	dollars   = regexp.MustCompile(`\$(\d+)`)
)

// times is an INSERT of VALUES with so many parameters as one of n times the
// rows. What follows the VALUES is RETURNING or nothing.
func times(insert string, n, params int) string {
	if n == 1 {
		return insert
	}
	if made, ok := timesMade.Load(timesKey{insert, n}); ok {
		return made.(string) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	head, rest, _ := strings.Cut(insert, "VALUES ")
	row, tail, returning := strings.Cut(rest, "RETURNING ")
	rows := make([]string, n)
	for i := range rows {
		rows[i] = dollars.ReplaceAllStringFunc(strings.TrimSpace(row), func(p string) string {
			k, _ := strconv.Atoi(p[1:])
			return "$" + strconv.Itoa(k+i*params)
		})
	}
	text := head + "VALUES " + strings.Join(rows, ", ")
	if returning {
		text += " RETURNING " + tail
	}
	timesMade.Store(timesKey{insert, n}, text)
	return text
}
