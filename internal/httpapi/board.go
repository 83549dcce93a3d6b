package httpapi

import (
	"context"
	"sync"
	"time"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/wire"
)

// How often admins are told the figures.
const (
	figuresAtMost  = time.Second
	figuresAtLeast = 15 * time.Second
	// beatEvery is how often a process says how many mechanics are connected.
	beatEvery = 10 * time.Second
)

// board is the newest health report as a frame, made while somebody watches.
type board struct {
	mu       sync.Mutex
	text     []byte
	next     chan struct{} // closed once there is a newer text
	watchers int
	wanted   chan struct{} // rings when somebody comes
}

func newBoard() *board {
	return &board{next: make(chan struct{}), wanted: make(chan struct{}, 1)}
}

// watch asks for a text, and says when there is one.
func (b *board) watch() (next <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers++
	select {
	case b.wanted <- struct{}{}:
	default:
	}
	return b.next
}

func (b *board) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers--
}

func (b *board) latest() (text []byte, next <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text, b.next
}

func (b *board) tell(text []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = text
	close(b.next)
	b.next = make(chan struct{})
}

func (b *board) watched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.watchers > 0
}

// Run does what live streams and pages need in the background, until the
// context ends: the figures for admins who watch, the word to other processes
// how many mechanics are connected here, and the last hours for the charts.
func (s *Server) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { s.runBoard(ctx) })
	all.Go(func() { s.runBeats(ctx) })
	all.Go(func() { s.history.Run(ctx) })
	all.Wait()
	return nil
}

func (s *Server) runBoard(ctx context.Context) {
	var told <-chan struct{}
	if s.streams != nil {
		told = s.streams.Published()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.board.wanted:
		case <-told:
		case <-time.After(figuresAtLeast):
		}
		if !s.board.watched() {
			continue
		}
		report := wire.Health(s.engine.Health(ctx), s.version, s.baseURL)
		s.board.tell(frameText(time.Time{}, api.FiguresFrame, report))
		pause(ctx, figuresAtMost)
	}
}

// runBeats says nothing while no mechanic comes: most processes of a command
// have none.
func (s *Server) runBeats(ctx context.Context) {
	for said := 0; ctx.Err() == nil; {
		if n := s.seats.connected(); n > 0 || said > 0 {
			if err := s.engine.Connected(ctx, n); err == nil {
				said = n
			} else if ctx.Err() == nil {
				s.log.WarnContext(ctx, "how many mechanics are connected could not be told", "error", err)
			}
			pause(ctx, figuresAtMost)
		}
		select {
		case <-ctx.Done():
		case <-s.seats.moved:
		case <-time.After(beatEvery):
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
