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

	"github.com/curfewhq/curfew"
)

// The rhythm of hints.
const (
	// hintEvery is how often NOTIFY is said at most: each of them takes a lock
	// that all have in common.
	hintEvery = 10 * time.Millisecond
	// quiet is how long a listener hears nothing before it says a hint to itself:
	// a connection that died without a word is as quiet as one with no news.
	quiet = 10 * time.Second
	// hearing is how long it waits for that hint before it calls itself deaf and
	// connects anew. Behind a pooler in transaction mode LISTEN works and hears
	// nothing.
	hearing = 5 * time.Second
	// hintRetry and hintRetryMost bound the pauses between attempts to listen.
	hintRetry, hintRetryMost = 250 * time.Millisecond, 30 * time.Second
)

// A hint's transaction makes nothing durable, so it does not wait for the disk.
const (
	sayHint    = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('curfew', $1)`
	listenHint = `LISTEN curfew`
)

// Hints carries hints of changes between the processes on one database. Losing
// all of them costs nobody more than the time until the next look.
type Hints struct {
	store *db
	log   *slog.Logger
	id    string // of this sender, whose own hints it ignores
	told  chan struct{}
	quiet time.Duration

	mu  sync.Mutex
	due time.Time // the earliest deadline not yet said; zero: none
}

// Hints is the way of hints to other processes. Run makes it work.
func (d *db) Hints(log *slog.Logger) *Hints {
	return &Hints{store: d, log: log, id: newID(), told: make(chan struct{}, 1), quiet: quiet}
}

// Changed says to others that something changed, with a deadline so far ahead;
// curfew.NoDeadline: with none. It does not block: hints of one moment are one.
func (h *Hints) Changed(in time.Duration) {
	if in != curfew.NoDeadline {
		h.mu.Lock()
		if due := time.Now().Add(in); h.due.IsZero() || due.Before(h.due) {
			h.due = due
		}
		h.mu.Unlock()
	}
	select {
	case h.told <- struct{}{}:
	default:
	}
}

// Run says and hears hints until the context ends; heard gets those of others,
// and 0 whenever some may have been lost. It returns nil.
func (h *Hints) Run(ctx context.Context, heard func(in time.Duration)) error {
	var saying sync.WaitGroup
	defer saying.Wait()
	saying.Go(func() { h.say(ctx) })
	pause, warned := hintRetry, false
	for ctx.Err() == nil {
		listened, err := h.listen(ctx, heard)
		if listened {
			pause, warned = hintRetry, false
		}
		if ctx.Err() == nil && !warned {
			warned = true
			h.log.Warn(deaf, "error", err)
		}
		sleep(ctx, pause/2+rand.N(pause/2)) //nolint:gosec // G404: a jitter, no secret
		pause = min(2*pause, hintRetryMost)
	}
	return nil
}

const deaf = "hints of other replicas are not heard: what they change is found by looking, a little later"

// sleep lasts so long, or until the context ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (h *Hints) say(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.told:
		}
		if _, err := h.store.exec(ctx, sayHint, h.id+" "+h.next()); err != nil && ctx.Err() == nil {
			h.log.Debug("a hint was not said", "error", err)
		}
		sleep(ctx, hintEvery)
	}
}

// next is what is to be said now: how far ahead the earliest deadline lies.
func (h *Hints) next() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	in := curfew.NoDeadline
	if !h.due.IsZero() {
		in = time.Until(h.due)
	}
	h.due = time.Time{}
	return in.String()
}

// listen hears until the connection fails, and reports whether it ever heard.
// The connection is its own: the pool's may be given to anybody at any time.
func (h *Hints) listen(ctx context.Context, heard func(time.Duration)) (listened bool, err error) {
	config := h.store.pool.Config().ConnConfig
	config.RuntimeParams["application_name"] += " listener"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, translate(err)
	}
	defer hangUp(ctx, conn)
	if err := execOn(ctx, conn, listenHint); err != nil {
		return false, err
	}
	heard(0) // some may have been lost
	for {
		if err := h.hearItself(ctx, conn, heard); err != nil {
			return listened, err
		}
		listened = true
		for err == nil {
			err = h.hear(ctx, conn, h.quiet, heard)
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
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	_, err := conn.Exec(ctx, sql, args...)
	return translate(err)
}

var errDeaf = errors.New("nothing came in " + hearing.String() + ", as behind a pooler in transaction mode")

// hearItself says a hint on the connection and waits until anything is heard.
func (h *Hints) hearItself(ctx context.Context, conn *pgx.Conn, heard func(time.Duration)) error {
	if err := execOn(ctx, conn, sayHint, h.id+" "+curfew.NoDeadline.String()); err != nil {
		return err
	}
	err := h.hear(ctx, conn, hearing, heard)
	if errors.Is(err, context.DeadlineExceeded) {
		return errDeaf
	}
	return err
}

// hear waits so long for one hint.
func (h *Hints) hear(ctx context.Context, conn *pgx.Conn, most time.Duration, heard func(time.Duration)) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	n, err := conn.WaitForNotification(ctx)
	if err != nil {
		return fmt.Errorf("wait for hints: %w", err)
	}
	sender, in, ok := strings.Cut(n.Payload, " ")
	if d, err := time.ParseDuration(in); ok && err == nil && sender != h.id {
		heard(d)
	}
	return nil
}
