package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// The schedule of heartbeats.
const (
	// heartbeatEvery is how often a process writes its row.
	heartbeatEvery = 5 * time.Second
	// heartbeatRetry is how soon it tries again after it failed.
	heartbeatRetry = time.Second
	// heartbeatLimit is how long one write may take.
	heartbeatLimit = 3 * time.Second
	// heartbeatSilent is how long after the last success a write that is still under way
	// counts as failed.
	heartbeatSilent = heartbeatEvery + heartbeatLimit + time.Second
	// heartbeatLives is how long the row counts for others.
	heartbeatLives = time.Minute
)

// heartbeat is what a process knows of its own writing, by its own clock.
type heartbeat struct {
	log     *slog.Logger
	store   heartbeatStore
	process string // names this process to others

	tried chan struct{} // closed after the first try

	mu      sync.Mutex
	running bool
	at      time.Time // when the last write that succeeded began; zero: none has
	err     error     // of the last heartbeat
}

func newHeartbeat(store heartbeatStore, process string, log *slog.Logger) *heartbeat {
	return &heartbeat{log: log, store: store, process: process, tried: make(chan struct{})}
}

// run writes until the context ends.
func (h *heartbeat) run(ctx context.Context) {
	h.setRunning(true)
	defer h.setRunning(false)
	for first := true; ; first = false {
		begun := time.Now()
		err := h.tryWrite(ctx)
		if ctx.Err() != nil {
			break
		}
		before := h.note(begun, err)
		h.reportWrite(ctx, before, err)
		if first {
			close(h.tried)
		}
		pause := heartbeatEvery
		if err != nil {
			pause = heartbeatRetry
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	if err := h.forgetProcess(ctx); err != nil {
		h.log.WarnContext(ctx, "the row of this process stays until it is tidied away", "error", err)
	}
}

// tryWrite writes one row as a payment would be written.
func (h *heartbeat) tryWrite(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeatLimit)
	defer cancel()
	return h.store.RecordHeartbeat(ctx, h.process, heartbeatLives)
}

// forgetProcess removes the row of a process that ends or that only tried whether it can
// write.
func (h *heartbeat) forgetProcess(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), heartbeatLimit)
	defer cancel()
	return h.store.ForgetProcess(ctx, h.process)
}

func (h *heartbeat) setRunning(running bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = running
	if running {
		h.tried = make(chan struct{})
	}
}

// note records the result of a write, and returns the result of the one before.
func (h *heartbeat) note(begun time.Time, err error) (before error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if before, h.err = h.err, err; err == nil {
		h.at = begun
	}
	return before
}

// reportWrite logs the first of several failures, and the first success after them.
func (h *heartbeat) reportWrite(ctx context.Context, before, now error) {
	switch {
	case now != nil && before == nil:
		h.log.ErrorContext(ctx, "the database takes no writes: this process is not ready until it does", "error", now)
	case now == nil && before != nil:
		h.log.InfoContext(ctx, "the database takes writes again")
	}
}

// writes returns why this process cannot write, or nil if it can. A process without a
// heartbeat tries now. known is false if the context ended first.
func (h *heartbeat) writes(ctx context.Context) (known bool, err error) {
	h.mu.Lock()
	running, tried := h.running, h.tried
	h.mu.Unlock()
	if !running {
		err := h.tryWrite(ctx)
		if err == nil {
			err = h.forgetProcess(ctx)
		}
		return err == nil || ctx.Err() == nil, err
	}
	select {
	case <-tried:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return true, h.judge()
}

// wrote records that another write succeeded.
func (h *heartbeat) wrote(begun time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if begun.After(h.at) {
		h.at = begun
	}
}

// judge returns why the process cannot write. A heartbeat that timed out while many
// payments succeeded proves nothing.
func (h *heartbeat) judge() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch silent := time.Since(h.at); {
	case h.err == nil && silent > heartbeatSilent:
		return curfew.Errorf(curfew.Unavailable, "no write has succeeded for %s", Span(silent))
	case errors.Is(h.err, context.DeadlineExceeded) && silent < heartbeatEvery:
		return nil
	}
	return h.err
}

// Ready returns nil if this process can do its work: its writes succeed, and its sweeper,
// if it has one, is alive. Both are checked in the background, so the result is up to 10
// seconds old and the call does not reach the database.
func (h *Health) Ready(ctx context.Context) error {
	known, err := h.heartbeat.writes(ctx)
	switch {
	case !known:
		return fmt.Errorf("nothing has been written yet: %w", err)
	case err != nil:
		return fmt.Errorf("the database takes no writes: %w", err)
	}
	if silent := h.sweeping.silent(); silent > unreadySilence {
		return curfew.Errorf(curfew.Unavailable, "the sweeper of this process has been silent for %s", Span(silent))
	}
	return nil
}

// unreadySilence is a second less than sweeperSilence, because the answer may be that late.
const unreadySilence = sweeperSilence - time.Second

// readWrites also fails if it is unknown whether the process can write.
func (h *Health) readWrites(ctx context.Context, r *Report) error {
	known, err := h.heartbeat.writes(ctx)
	if !known {
		return err
	}
	writable := err == nil
	r.Writable = &writable
	if err != nil {
		r.Unwritable = strings.Join(strings.Fields(err.Error()), " ")
	}
	return nil
}
