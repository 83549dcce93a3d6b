package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
)

// sendIn runs what is queued in one round trip of the transaction. The first
// callback that fails decides the error, in the order of the queue.
func sendIn(ctx context.Context, tx pgx.Tx, queue func(*pgx.Batch)) error {
	var b pgx.Batch
	queue(&b)
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &b).Close()
}

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
