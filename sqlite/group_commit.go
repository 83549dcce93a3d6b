package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// How writes share a commit. One that comes while nobody writes is written at
// once. Those that come meanwhile wait; the first of them to get the turn writes
// for as many as there are, and one durable COMMIT answers all of them.
//
//	turn → BEGIN → the leader's own → SAVEPOINT, the next one's, RELEASE → … → COMMIT → answers → turn
const (
	// mostInGroup bounds what one failure sends back to be written alone.
	mostInGroup = 64
	// groupTime ends a group early: nobody waits for many who are slow.
	groupTime = 10 * time.Millisecond
)

// errAlone sends an entry back, because its group failed and another entry may be at fault.
var errAlone = errors.New("to be written alone")

var errAbandoned = errors.New("the goroutine that wrote it was ended")

// entry is one decision on its way into the file.
type entry struct {
	run  func(*writer) error
	err  error
	done chan struct{} // closed once err is its outcome; the leader's own is not used
}

// attempt runs an entry in the transaction that has begun. A panic is its error,
// for its own caller.
func (e *entry) attempt(w *writer) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	if w.twice {
		w.vain(e)
	}
	return e.run(w)
}

// vain runs an entry and rolls it back.
func (w *writer) vain(e *entry) {
	_ = w.step("SAVEPOINT dry_run") // whatever fails now fails again, when it counts
	_ = e.run(w)
	_ = w.step("ROLLBACK TO dry_run")
	_ = w.step("RELEASE dry_run")
}

// panicked is a panic on its way to the goroutine that it belongs to.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n\nIt panicked at:\n%s", p.value, p.stack) }

// groupCommit is the queue of those who write.
type groupCommit struct {
	turn chan struct{} // held by whoever writes
	time time.Duration // groupTime, but for tests

	mu      sync.Mutex
	waiting []*entry // in the order of asking
}

// acquire takes the turn if it is free. It is given in the order of asking: a
// channel with waiting senders is never free.
func (g *groupCommit) acquire() bool {
	select {
	case g.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *groupCommit) release() { <-g.turn }

// join makes e wait for the next group.
func (g *groupCommit) join(e *entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, e)
}

// leave withdraws an entry that nobody has begun to write.
func (g *groupCommit) leave(e *entry) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, e)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// next takes the entry that has waited longest, or nil.
func (g *groupCommit) next() *entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return nil
	}
	e := g.waiting[0]
	g.waiting = slices.Delete(g.waiting, 0, 1)
	return e
}

// together writes e with others that come at the same time, and returns when its
// outcome is known. Until somebody has begun to write it, ctx and the limit end
// it, without harm. There is no timer if nobody else is writing.
func (w *writer) together(ctx context.Context, e *entry, limit time.Duration) error {
	if w.acquire() {
		return w.lead(ctx, e, mostInGroup)
	}
	e.done = make(chan struct{})
	w.join(e)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case w.turn <- struct{}{}:
		if w.leave(e) {
			return w.lead(ctx, e, mostInGroup)
		}
		w.release() // the leader before has written it
	case <-e.done:
	case <-limited.Done():
		if w.leave(e) {
			return translate(limited.Err())
		}
	}
	<-e.done // a write that has begun is not interrupted
	return e.err
}

// alone writes e in a transaction of its own.
func (w *writer) alone(ctx context.Context, e *entry, limit time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case w.turn <- struct{}{}:
		return w.lead(ctx, e, 1)
	case <-limited.Done():
		return translate(limited.Err())
	}
}

// lead writes a group that begins with e. If the write lock is not to be had,
// only e fails: the others are not in the group yet. Nobody is answered before
// the commit. Refusals wait too: they may rest on rows of the same group.
func (w *writer) lead(ctx context.Context, e *entry, most int) error {
	defer w.release()
	defer w.file.settle(ctx)
	if err := w.begin(ctx); err != nil {
		return err
	}
	w.group = append(w.group, e)
	ended, begun := false, time.Now()
	defer func() { w.answer(ended) }()
	if e.err = w.judge(e.attempt(w)); e.err != nil {
		w.rollback() // nobody has followed
	} else if w.follow(begun, most) {
		w.end()
	} else {
		w.sendBack(w.group[:len(w.group)-1]) // all but the last one, in which it broke
	}
	ended = true
	return e.err
}

// follow writes those who wait into the transaction that e has begun. It reports
// false if the transaction is gone.
func (w *writer) follow(begun time.Time, most int) bool {
	for len(w.group) < most && time.Since(begun) < w.time {
		e := w.next()
		if e == nil {
			return true
		}
		w.group = append(w.group, e)
		if !w.save(e) {
			return false
		}
	}
	return true
}

// save writes all of an entry or nothing, and the others stay. It reports false if
// the transaction is gone.
func (w *writer) save(e *entry) bool {
	if w.step("SAVEPOINT entry") != nil {
		e.err = errAlone
		return false
	}
	if e.err = w.judge(e.attempt(w)); e.err != nil {
		return w.step("ROLLBACK TO entry") == nil && w.step("RELEASE entry") == nil
	}
	if w.step("RELEASE entry") != nil {
		e.err = errAlone
		return false
	}
	return true
}

// end commits, and gives everybody the error if that fails.
func (w *writer) end() {
	switch err := w.commit(); {
	case err == nil:
	case unsaved(err) && len(w.group) > 1:
		w.sendBack(w.group)
	default:
		for _, e := range w.group {
			e.err = err
		}
	}
}

// sendBack makes entries go alone. Their outcome within the group no longer counts.
func (w *writer) sendBack(group []*entry) {
	w.rollback()
	for _, e := range group {
		e.err = errAlone
	}
}

// answer gives the other entries of a group their outcome. A group whose goroutine was
// ended has no outcome.
func (w *writer) answer(ended bool) {
	if !ended {
		w.discard()
	}
	for i, e := range w.group {
		if !ended {
			e.err = errAbandoned
		}
		if i > 0 {
			close(e.done)
		}
	}
	clear(w.group)
	w.group = w.group[:0]
}
