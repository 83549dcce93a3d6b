package sse

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/wire"
)

// How often admins get the figures.
const (
	figuresAtMost  = time.Second
	figuresAtLeast = 15 * time.Second
	// reportEvery is how often a process reports to the others how many mechanics are connected to it.
	reportEvery = 10 * time.Second
)

// broadcaster holds the newest health report as an event. Reports are made only while somebody watches.
type broadcaster struct {
	mu       sync.Mutex
	text     []byte
	next     chan struct{} // closed once there is a newer text
	watchers int
	wanted   chan struct{} // signals that somebody came
}

func newBroadcaster() *broadcaster {
	return &broadcaster{next: make(chan struct{}), wanted: make(chan struct{}, 1)}
}

// watch asks for reports. The channel is closed once there is one.
func (b *broadcaster) watch() (next <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers++
	select {
	case b.wanted <- struct{}{}:
	default:
	}
	return b.next
}

func (b *broadcaster) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers--
}

func (b *broadcaster) latest() (text []byte, next <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text, b.next
}

func (b *broadcaster) publish(text []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = text
	close(b.next)
	b.next = make(chan struct{})
}

func (b *broadcaster) watched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.watchers > 0
}

// Run publishes health to admins who watch, and reports to other processes which mechanics are connected to this one,
// until the context ends.
func (s *Server) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { s.broadcastHealth(ctx) })
	all.Go(func() { s.broadcastJobs(ctx) })
	all.Go(func() { s.reportConnected(ctx) })
	all.Wait()
}

func (s *Server) broadcastHealth(ctx context.Context) {
	var published <-chan struct{}
	if s.hub != nil {
		published = s.hub.Published()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.figures.wanted:
		case <-published:
		case <-time.After(figuresAtLeast):
		}
		if !s.figures.watched() {
			continue
		}
		report := wire.Health(s.health.Report(ctx), s.version, s.baseURL)
		s.figures.publish(eventText(time.Time{}, api.FiguresEvent, report))
		pause(ctx, figuresAtMost)
	}
}

// reportConnected reports nothing until a mechanic connects: many processes never have one.
func (s *Server) reportConnected(ctx context.Context) {
	for reported := 0; ctx.Err() == nil; {
		if ids := s.limiter.mechanicsConnected(); len(ids) > 0 || reported > 0 {
			if err := s.health.Connected(ctx, ids); err == nil {
				reported = len(ids)
			} else if ctx.Err() == nil {
				s.log.WarnContext(ctx, "which mechanics are connected could not be reported", "error", err)
			}
			pause(ctx, figuresAtMost)
		}
		select {
		case <-ctx.Done():
		case <-s.limiter.changed:
		case <-time.After(reportEvery):
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
