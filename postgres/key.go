package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// The planner's statistics are of the last ANALYZE. Where nothing was open then,
// it takes every partial index of what is open for empty, and whatever it is
// asked, reads one of them from end to end. So nothing here depends on what it
// believes.

// Statements that bring the keys of their rows ask for a status in words that
// are no index's condition, and are left with the indexes of the keys. The
// concatenation is what no version of the planner sees through. Where there is
// no key it is never written.
const (
	requestIsOpen = `r.status || '' IN ('pending', 'accepted')`
	notEnded      = `s.status || '' IN ('scheduled', 'waiting', 'live')`
	isUnpublished = `e.told::int = 0`
)

const (
	// byKey plans the transaction's statements once, row by row by the primary key:
	// that is right for any batch and any backlog. The planner would read everything
	// that is overdue to find a batch of it, and plan anew for every length of the
	// arrays, which takes longer than to end a few sessions.
	byKey = `SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)`
	// byIndex makes the transaction's statements read the index that has their rows
	// in the order they ask for, and no other. What is sorted nevertheless looks so
	// dear to the planner that it would compile it.
	byIndex = `SELECT set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`
)

// manyByIndex is many for a statement that reads an index in its order.
func manyByIndex[T any](ctx context.Context, d *db, scan pgx.RowToFunc[T], sql string, args ...any) (all []T, err error) {
	err = d.send(ctx, func(b *pgx.Batch) {
		b.Queue(byIndex)
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			all, err = pgx.CollectRows(rows, scan)
			return err
		})
	})
	return all, err
}

// oneByIndex is one in the same way.
func oneByIndex[T any](ctx context.Context, d *db, scan pgx.RowToFunc[T], sql string, args ...any) (v T, err error) {
	err = d.send(ctx, func(b *pgx.Batch) {
		b.Queue(byIndex)
		b.Queue(sql, args...).Query(into(&v, scan))
	})
	return v, err
}
