package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

const noteSignal = `INSERT INTO curfew.signals (name) VALUES ('test')`

func TestATransactionIsAllOrNothing(t *testing.T) {
	t.Parallel()
	note := func(b *pgx.Batch) { b.Queue(noteSignal) }
	nothing := func(*pgx.Batch) {}
	bad := func(b *pgx.Batch) { b.Queue(`SELECT 1 / 0`) }
	missed := func(b *pgx.Batch) {
		note(b)
		b.Queue(`UPDATE curfew.signals SET name = name WHERE false`).Exec(hit("gone"))
	}
	for what, c := range map[string]struct {
		do   func(context.Context, *transaction) error
		want string
	}{
		"committed by itself":   {func(ctx context.Context, x *transaction) error { return x.send(ctx, note) }, "1"},
		"committed by its last": {func(ctx context.Context, x *transaction) error { return x.last(ctx, note) }, "1"},
		"the last has nothing to do": {func(ctx context.Context, x *transaction) error {
			return errors.Join(x.send(ctx, note), x.last(ctx, nothing))
		}, "1"},
		"nobody does anything": {func(context.Context, *transaction) error { return nil }, "0"},
		"refused by who does it": {func(ctx context.Context, x *transaction) error {
			return errors.Join(x.send(ctx, note), curfew.Errorf(curfew.Conflict, "missed"))
		}, "refused"},
		"refused by a callback": {func(ctx context.Context, x *transaction) error { return x.send(ctx, missed) }, "refused"},
		"refused by the server": {func(ctx context.Context, x *transaction) error {
			return errors.Join(x.send(ctx, note), x.send(ctx, bad))
		}, "refused"},
		"refused before the commit": {func(ctx context.Context, x *transaction) error {
			return x.last(ctx, func(b *pgx.Batch) { note(b); bad(b) })
		}, "refused"},
		"goes on though it was refused": {func(ctx context.Context, x *transaction) error {
			_ = x.send(ctx, bad) // as if that did not matter
			return nil
		}, "refused"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			err := f.store.tx(t.Context(), func(x *transaction) error { return c.do(t.Context(), x) })
			got := f.only(`SELECT count(*) FROM curfew.signals WHERE name = 'test'`)
			if err != nil && got == "0" {
				got = "refused"
			}
			if got != c.want {
				t.Errorf("there are %s rows, want %s (%v)", got, c.want, err)
			}
			if n := f.only(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`); n != "0" {
				t.Errorf("%s connections are left in a transaction", n)
			}
		})
	}
}
