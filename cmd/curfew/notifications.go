package main

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

// broadcaster notifies its listeners that something changed, in this process or in another replica.
// It does not say what: they read that themselves.
type broadcaster struct {
	mu        sync.Mutex
	listeners []chan struct{}
}

// listen returns a channel for one listener. It holds one notification; further ones merge with it.
func (b *broadcaster) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := make(chan struct{}, 1)
	b.listeners = append(b.listeners, c)
	return c
}

// notify notifies every listener. It never waits for one.
func (b *broadcaster) notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// replicas sends notifications to the other replicas and receives theirs.
type replicas interface {
	lifecycle.Notifier
	Run(ctx context.Context, received func(in time.Duration)) error
}

// notifications forwards every change to the listeners in this process and, if the database
// supports it, to the other replicas.
type notifications struct {
	local    broadcaster
	replicas replicas // nil: there are none
}

// Changed implements lifecycle.Notifier for this process's keeper.
func (n *notifications) Changed(in time.Duration) {
	n.local.notify()
	if n.replicas != nil {
		n.replicas.Changed(in)
	}
}

// run forwards the notifications of other replicas to the keeper and the listeners until the
// context ends.
func (n *notifications) run(ctx context.Context, keeper *lifecycle.Keeper) error {
	if n.replicas == nil {
		return nil
	}
	return n.replicas.Run(ctx, func(in time.Duration) {
		keeper.Sweeper.Wake(in)
		n.local.notify()
	})
}
