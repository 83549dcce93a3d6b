package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/record"
)

// Timing of notifications.
const (
	// notifyPause is the least time between two NOTIFYs: each takes a lock that all
	// transactions share.
	notifyPause = 10 * time.Millisecond
	// idleTimeout is how long a listener receives nothing before it notifies itself:
	// a silently dead connection looks like one with nothing to deliver.
	idleTimeout = 10 * time.Second
	// echoTimeout is how long it waits for its own notification before it
	// reconnects. Behind a pooler in transaction mode LISTEN succeeds and delivers
	// nothing.
	echoTimeout = 5 * time.Second
	// listenRetry and listenRetryMost bound the pauses between attempts to listen.
	listenRetry, listenRetryMost = 250 * time.Millisecond, 30 * time.Second
)

// A notification's transaction makes nothing durable, so it does not wait for the
// disk.
const (
	notify = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('curfew', $1)`
	listen = `LISTEN curfew`
)

// Notifications tells the processes on one database of changes. Losing all of them
// costs no more than the time until the next poll.
type Notifications struct {
	db     *db
	log    *slog.Logger
	id     string // of this sender, whose own notifications it ignores
	queued chan struct{}
	idle   time.Duration

	mu  sync.Mutex
	due time.Time // the earliest deadline not yet published; zero: none
}

// Notifications connects to the other processes on the database. Run starts it; log
// receives what goes wrong.
func (d *db) Notifications(log *slog.Logger) *Notifications {
	return &Notifications{db: d, log: log, id: newID(), queued: make(chan struct{}, 1), idle: idleTimeout}
}

// Changed notifies the others of a change, with a deadline so far ahead;
// curfew.NoDeadline means none. It does not block: changes of one moment share a
// notification.
func (n *Notifications) Changed(in time.Duration) {
	if in != record.NoDeadline {
		n.mu.Lock()
		if due := time.Now().Add(in); n.due.IsZero() || due.Before(n.due) {
			n.due = due
		}
		n.mu.Unlock()
	}
	select {
	case n.queued <- struct{}{}:
	default:
	}
}

// Run publishes and receives notifications until the context ends. It passes those
// of other processes to receive, and 0 whenever some may have been lost. It
// returns nil.
func (n *Notifications) Run(ctx context.Context, receive func(in time.Duration)) error {
	var publisher sync.WaitGroup
	defer publisher.Wait()
	publisher.Go(func() { n.publish(ctx) })
	pause, warned := listenRetry, false
	for ctx.Err() == nil {
		listened, err := n.listen(ctx, receive)
		if listened {
			pause, warned = listenRetry, false
		}
		if ctx.Err() == nil && !warned {
			warned = true
			n.log.WarnContext(ctx, silentText, "error", err)
		}
		sleep(ctx, pause/2+rand.N(pause/2)) //nolint:gosec // G404: a jitter, no secret
		pause = min(2*pause, listenRetryMost)
	}
	return nil
}

const silentText = "notifications of other replicas do not arrive: their changes are found by polling, a little later"

// sleep lasts so long, or until the context ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (n *Notifications) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.queued:
		}
		if _, err := n.db.exec(ctx, notify, n.id+" "+n.next()); err != nil && ctx.Err() == nil {
			n.log.DebugContext(ctx, "a notification was not sent", "error", err)
		}
		sleep(ctx, notifyPause)
	}
}

// next returns what to publish now: how far ahead the earliest deadline lies.
func (n *Notifications) next() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	in := record.NoDeadline
	if !n.due.IsZero() {
		in = time.Until(n.due)
	}
	n.due = time.Time{}
	return in.String()
}

// listen receives until the connection fails, and reports whether it ever did.
// The connection is its own: the pool may give its connections to anybody.
func (n *Notifications) listen(ctx context.Context, receive func(time.Duration)) (listened bool, err error) {
	config := n.db.pool.Config().ConnConfig
	config.RuntimeParams["application_name"] += " listener"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, translate(err)
	}
	defer hangUp(ctx, conn)
	if err := execOn(ctx, conn, listen); err != nil {
		return false, err
	}
	receive(0) // some may have been lost
	for {
		if err := n.echo(ctx, conn, receive); err != nil {
			return listened, err
		}
		listened = true
		for err == nil {
			err = n.receiveOne(ctx, conn, n.idle, receive)
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return true, err
		}
		err = nil
	}
}

// hangUp closes a connection whose server may not answer any more.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(ctx) // it was only listened to
}

func execOn(ctx context.Context, conn *pgx.Conn, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, echoTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, sql, args...)
	return translate(err)
}

var errSilent = errors.New("no notification came in " + echoTimeout.String() + ", as behind a pooler in transaction mode")

// echo notifies on the connection itself and waits until anything arrives.
func (n *Notifications) echo(ctx context.Context, conn *pgx.Conn, receive func(time.Duration)) error {
	if err := execOn(ctx, conn, notify, n.id+" "+record.NoDeadline.String()); err != nil {
		return err
	}
	err := n.receiveOne(ctx, conn, echoTimeout, receive)
	if errors.Is(err, context.DeadlineExceeded) {
		return errSilent
	}
	return err
}

// receiveOne waits so long for one notification.
func (n *Notifications) receiveOne(ctx context.Context, conn *pgx.Conn, most time.Duration, receive func(time.Duration)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	got, err := conn.WaitForNotification(ctx)
	if err != nil {
		return fmt.Errorf("wait for notifications: %w", err)
	}
	sender, in, ok := strings.Cut(got.Payload, " ")
	if d, err := time.ParseDuration(in); ok && err == nil && sender != n.id {
		receive(d)
	}
	return nil
}
