package postgres

import (
	"errors"
	"math/bits"
	"slices"

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

// queueRows queues rows, in few statements of few sizes: each text is prepared
// once a connection.
func queueRows(b *pgx.Batch, into *insert, rows [][]any) []*pgx.QueuedQuery {
	var queued []*pgx.QueuedQuery
	for len(rows) > 0 {
		n := len(rows)
		if n > 8 {
			n = 1 << (bits.Len(uint(n)) - 1)
		}
		queued = append(queued, b.Queue(into.rows(n), slices.Concat(rows[:n]...)...))
		rows = rows[n:]
	}
	return queued
}
