package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// The planner's statistics date from the last ANALYZE. If nothing was open then,
// the planner takes every partial index of open rows for empty, and answers any
// query by reading one of them from end to end. So nothing here depends on its
// estimates.

// Statements that have the keys of their rows write the condition on a status so
// that it matches no partial index, which leaves the indexes of the keys. No
// version of the planner sees through the concatenation. Statements without keys
// never write it.
const (
	requestIsOpen = `r.status || '' IN ('pending', 'accepted')`
	notEnded      = `s.status || '' IN ('scheduled', 'waiting', 'live')`
	isUnpublished = `e.told::int = 0`
)

const (
	// byKey plans the transaction's statements once, as row-by-row lookups of the
	// primary key, which suit any batch and any backlog. Otherwise the planner would
	// read all overdue rows to find a batch of them, and plan anew for every length
	// of the arrays, which takes longer than ending a few sessions.
	byKey = `SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)`
	// byIndex makes the transaction's statements read the index that has their rows
	// in the requested order. If a sort is needed nevertheless, its inflated cost
	// would trigger JIT compilation, so that is off too.
	byIndex = `SELECT set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`
	// byOrder is both: a page is found in the order of an index, and its rows by their keys.
	byOrder = byKey + `, set_config('enable_sort', 'off', true)`
)

// manyBy is many for a statement that is planned in one of these ways.
func manyBy[T any](ctx context.Context, d *db, way string, scan pgx.RowToFunc[T], sql string, args ...any) (all []T, err error) {
	err = d.send(ctx, func(b *pgx.Batch) {
		b.Queue(way)
		b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
			all, err = pgx.CollectRows(rows, scan)
			return err
		})
	})
	return all, err
}

// manyByIndex is many for a statement that reads an index in its order.
func manyByIndex[T any](ctx context.Context, d *db, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	return manyBy(ctx, d, byIndex, scan, sql, args...)
}

// manyByKey is many for a statement that finds its rows by their keys.
func manyByKey[T any](ctx context.Context, d *db, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	return manyBy(ctx, d, byKey, scan, sql, args...)
}

// oneByIndex is one for a statement that reads an index in its order.
func oneByIndex[T any](ctx context.Context, d *db, scan pgx.RowToFunc[T], sql string, args ...any) (v T, err error) {
	err = d.send(ctx, func(b *pgx.Batch) {
		b.Queue(byIndex)
		b.Queue(sql, args...).Query(into(&v, scan))
	})
	return v, err
}
