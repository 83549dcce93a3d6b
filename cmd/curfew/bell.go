package main

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

// bell tells those who watch that something changed, here or in another
// replica. It does not say what: they look.
type bell struct {
	mu       sync.Mutex
	watchers []chan struct{}
}

// watch is a channel of one's own. It holds one ring; more of them are one.
func (b *bell) watch() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	rings := make(chan struct{}, 1)
	b.watchers = append(b.watchers, rings)
	return rings
}

// ring never waits for who watches.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, rings := range b.watchers {
		select {
		case rings <- struct{}{}:
		default:
		}
	}
}

// post carries hints to other replicas and back.
type post interface {
	lifecycle.Notifier
	Run(ctx context.Context, heard func(in time.Duration)) error
}

// hints rings the bell at every change, and tells other replicas of it where
// the database has a way.
type hints struct {
	bell bell
	post post // nil: there are no other replicas
}

// Changed takes a hint of this process's engine.
func (h *hints) Changed(in time.Duration) {
	h.bell.ring()
	if h.post != nil {
		h.post.Changed(in)
	}
}

// run brings what other replicas say to the engine and those who watch.
func (h *hints) run(ctx context.Context, engine *lifecycle.Engine) error {
	if h.post == nil {
		return nil
	}
	return h.post.Run(ctx, func(in time.Duration) {
		engine.Wake(in)
		h.bell.ring()
	})
}
