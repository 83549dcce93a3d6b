package httpapi

import (
	"context"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// workTimeout bounds what somebody has started that has many steps, whoever
// waits for its answer: a cleanup, an undo.
const workTimeout = 30 * time.Minute

// works is what callers have started and has not ended. It goes on when its
// caller leaves; only the end of the process ends it.
type works struct {
	mu      sync.Mutex
	running map[int]context.CancelFunc
	next    int
	cut     bool
	idle    chan struct{} // closed while nothing runs
}

func newWorks() *works {
	w := &works{running: map[int]context.CancelFunc{}, idle: make(chan struct{})}
	close(w.idle)
	return w
}

// begin is the context of a caller's work: of the caller's values, but not of
// its end. The function ends it.
func (w *works) begin(ctx context.Context, timeout time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		cancel()
	}
	if len(w.running) == 0 {
		w.idle = make(chan struct{})
	}
	id := w.next
	w.next++
	w.running[id] = cancel
	return ctx, func() { cancel(); w.end(id) }
}

func (w *works) end(id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.running, id); len(w.running) == 0 {
		close(w.idle)
	}
}

// cutOff ends everything where it stands, and what is still begun at once.
func (w *works) cutOff() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, cancel := range w.running {
		cancel()
	}
}

// wait returns once nothing runs. The error is the context's.
func (w *works) wait(ctx context.Context) error {
	w.mu.Lock()
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// EndWork waits until everything that callers have started has ended; once the
// context ends, it is cut off where it stands. The error is the context's.
func (s *Server) EndWork(ctx context.Context) error {
	err := s.works.wait(ctx)
	if err == nil {
		return nil
	}
	s.works.cutOff()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutTimeout)
	defer cancel()
	_ = s.works.wait(last) // what it did is committed, and its record says how far it came
	return err
}

// cutTimeout is how long work that was cut off may take to record that.
const cutTimeout = time.Second

// carryOut does what a caller asked for. What changes something does not end
// because its caller leaves.
func (s *Server) carryOut(ctx context.Context, rt route, do func(context.Context) error) error {
	switch {
	case rt.method == http.MethodGet:
		return do(ctx)
	case rt.long:
		return s.carryOutLong(ctx, rt, do)
	}
	ctx, end := s.works.begin(ctx, rt.timeout)
	defer end()
	return do(ctx)
}

// carryOutLong lets long work go on when its answer can wait no longer.
func (s *Server) carryOutLong(ctx context.Context, rt route, do func(context.Context) error) error {
	ctx, end := s.works.begin(ctx, workTimeout)
	done := make(chan error, 1)
	go func() {
		defer end()
		done <- s.guard(ctx, do)
	}()
	answer := time.NewTimer(rt.timeout)
	defer answer.Stop()
	select {
	case err := <-done:
		return err
	case <-answer.C:
		return goesOn(rt)
	}
}

// goesOn says that an answer could not wait for the work's end.
func goesOn(rt route) error {
	where := "read how it stands in a while"
	if rt.timeout == cleanupTimeout {
		where = "GET /api/debug/cleanup-runs says when it has ended"
	}
	return curfew.Errorf(curfew.Unavailable, "this takes longer than an answer can wait, and goes on to its end: %s", where)
}

// guard survives a panic outside of a request's own goroutine.
func (s *Server) guard(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			s.log.ErrorContext(ctx, "a handler panicked",
				"request", problem.RequestOf(ctx).ID, "panic", panicked, "stack", string(debug.Stack()))
			err = curfew.Internal
		}
	}()
	return do(ctx)
}
