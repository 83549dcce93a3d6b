package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// transaction begins with its first round trip and can end with its last one:
// a BEGIN and a COMMIT of their own would be half of all waiting.
type transaction struct {
	conn         *pgxpool.Conn
	limit        context.Context //nolint:containedctx // the call's: what is done in it keeps to its end
	begun, ended bool
}

// send runs what is queued in one round trip. The first callback that fails
// decides the error, in the order of the queue.
func (t *transaction) send(ctx context.Context, queue func(*pgx.Batch)) error {
	var b pgx.Batch
	queue(&b)
	if b.Len() == 0 {
		return nil
	}
	return t.run(ctx, &b)
}

// last is send together with the commit. Only an error of the server prevents the commit,
// so callbacks must not return errors of their own.
func (t *transaction) last(ctx context.Context, queue func(*pgx.Batch)) error {
	var b pgx.Batch
	queue(&b)
	b.Queue(`COMMIT`).Exec(committed)
	err := t.run(ctx, &b)
	t.ended = err == nil
	return err
}

func (t *transaction) run(ctx context.Context, b *pgx.Batch) error {
	if !t.begun {
		begin := &pgx.QueuedQuery{SQL: `BEGIN ISOLATION LEVEL READ COMMITTED`}
		b.QueuedQueries = append([]*pgx.QueuedQuery{begin}, b.QueuedQueries...)
		t.begun = true
	}
	ctx, cancel := t.limited(ctx)
	defer cancel()
	return t.conn.SendBatch(ctx, b).Close()
}

// limited returns a context that ends with the call at the latest.
func (t *transaction) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	end, _ := t.limit.Deadline() // every call has one
	return context.WithDeadline(ctx, end)
}

// end commits, or rolls back after an error. The pool drops a connection that is still in
// a transaction then.
func (t *transaction) end(ctx context.Context, err error) error {
	switch {
	case t.ended || !t.begun:
		return err
	case err != nil:
		_, _ = t.conn.Exec(ctx, `ROLLBACK`)
		return err
	}
	tag, err := t.conn.Exec(ctx, `COMMIT`)
	if err != nil {
		return err
	}
	return committed(tag)
}

// committed distinguishes a commit from the rollback into which the server turns it after
// an error in the transaction.
func committed(tag pgconn.CommandTag) error {
	if tag.String() != "COMMIT" {
		return errors.New("the transaction was rolled back")
	}
	return nil
}
