package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	extendSession = `UPDATE curfew.sessions s SET
			duration_seconds = s.duration_seconds + $5, expires_at = s.expires_at + $6::interval, version = s.version + 1
		WHERE s.customer_id = $1 AND s.id = $2 AND s.adopted_from = '' AND s.status || '' = $3 AND s.version = $4 AND s.expires_at >= now()`
	// The triggers take a fulfilled checkout for one that came with its session.
	tallyFulfilled = `INSERT INTO curfew.tallies AS t (shard, noun, status, n) VALUES (pg_backend_pid() % 16, 'checkout', 'fulfilled', 1)
		ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + 1`
)

// Extend gives a live session the time that a payment bought.
func (s admissions) Extend(ctx context.Context, x record.Extension) (curfew.Snapshot, error) {
	var st curfew.Snapshot
	err := s.tx(ctx, func(t *transaction) error {
		return t.send(ctx, func(b *pgx.Batch) {
			queueExtension(b, x)
			b.Queue(selectSnapshotByKey, x.From.CustomerID, x.From.ID).Query(into(&st, scanSnapshot))
		})
	})
	return st, wrap(err, "extend session %s", x.From.ID)
}

func queueExtension(b *pgx.Batch, x record.Extension) {
	b.Queue(extendSession, x.From.CustomerID, x.From.ID, curfew.Live, x.From.Version, int64(x.By/time.Second), x.By).
		Exec(hit("session %s has moved", x.From.ID))
	queueClaim(b, x.Checkout)
	b.Queue(insertCheckout.rows(1), checkoutValues(x.Checkout, curfew.Fulfilled, x.From.ID, 0)...)
	b.Queue(tallyFulfilled)
	queueEvents(b, []event{
		{
			subject: "session", customerID: x.From.CustomerID, subjectID: x.From.ID, number: x.From.Version + 1,
			from: string(curfew.Live), to: string(curfew.Live), actor: x.Actor, reason: x.Reason,
		},
		{
			subject: "checkout", customerID: x.Checkout.CustomerID, subjectID: x.Checkout.ID, number: 1,
			to: string(curfew.Fulfilled), actor: x.Actor, reason: x.Reason,
		},
	})
}

// Record writes a checkout that has its outcome already.
func (s admissions) Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (record.Receipt, error) {
	r := record.Receipt{}
	err := writeCheckout(ctx, s.db, c, func(b *pgx.Batch) {
		queueClaim(b, c)
		b.Queue(insertCheckout.rows(1), checkoutValues(c, c.Outcome, c.SessionID, 0)...)
		queueEvents(b, []event{{
			subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: 1,
			to: string(c.Outcome), actor: actor, reason: reason,
		}})
		b.Queue(selectReceiptByCheckout, c.CustomerID, c.ID).Query(into(&r, scanReceipt))
	})
	return r, wrap(err, "record checkout %s", c.ID)
}
