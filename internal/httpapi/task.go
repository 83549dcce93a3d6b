package httpapi

import (
	"context"
	"sync"
	"time"
)

// longTaskTimeout limits a task of many steps, such as a cleanup or an undo.
const longTaskTimeout = 30 * time.Minute

// cancelGrace is how long canceled tasks may take to record how far they got.
const cancelGrace = time.Second

// tasks tracks the tasks that callers started. A task continues when its caller leaves; only the
// end of the process ends it.
type tasks struct {
	mu       sync.Mutex
	running  map[int]context.CancelFunc
	next     int
	canceled bool
	idle     chan struct{} // closed while nothing runs
}

func newTasks() *tasks {
	t := &tasks{running: map[int]context.CancelFunc{}, idle: make(chan struct{})}
	close(t.idle)
	return t
}

// begin starts a task. Its context keeps the values of ctx, but not its end. Call the returned
// function when the task is done.
func (t *tasks) begin(ctx context.Context, timeout time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.canceled {
		cancel()
	}
	if len(t.running) == 0 {
		t.idle = make(chan struct{})
	}
	id := t.next
	t.next++
	t.running[id] = cancel
	return ctx, func() { cancel(); t.done(id) }
}

func (t *tasks) done(id int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if delete(t.running, id); len(t.running) == 0 {
		close(t.idle)
	}
}

// cancel cancels every task, and from now on each new one at once.
func (t *tasks) cancel() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.canceled = true
	for _, cancel := range t.running {
		cancel()
	}
}

// wait returns once nothing is running, or with the context's error.
func (t *tasks) wait(ctx context.Context) error {
	t.mu.Lock()
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end waits until nothing is running. When the context ends, it cancels the remaining tasks and
// returns the context's error.
func (t *tasks) end(ctx context.Context) error {
	err := t.wait(ctx)
	if err == nil {
		return nil
	}
	t.cancel()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	_ = t.wait(last) // what they did is committed, and their records show how far they came
	return err
}
