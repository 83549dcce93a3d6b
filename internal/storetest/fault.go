package storetest

import (
	"runtime"
	"sync"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

// Lossy is a store whose answers get lost: it does the work and then, now and
// then, reports Unavailable whatever became of it, on every method. What calls
// it must reach one result by repeating.
type Lossy struct {
	store lifecycle.Store

	mu      sync.Mutex
	chances *seed.Chances
	share   float64
	lost    int
}

var _ lifecycle.Store = (*Lossy)(nil)

// NewLossy loses that share of the answers (1: all). The seed decides about the
// n-th call of each method, whatever other methods are called between.
func NewLossy(store lifecycle.Store, chosen uint64, share float64) *Lossy {
	return &Lossy{store: store, chances: seed.NewChances(chosen), share: share}
}

// Lost is how many answers were lost.
func (l *Lossy) Lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// lose is nil, or the loss of an answer of this method.
func (l *Lossy) lose(method string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.chances.Of(method) >= l.share {
		return nil
	}
	l.lost++
	return curfew.Errorf(curfew.Unavailable, "the answer was lost; whether it was done is not known")
}

// told hands an answer on, or loses it.
func told[T any](l *Lossy) func(T, error) (T, error) {
	method := caller()
	return func(answer T, err error) (T, error) {
		if lost := l.lose(method); lost != nil {
			var nothing T
			return nothing, lost
		}
		return answer, err
	}
}

// done is told for a method that answers nothing.
func (l *Lossy) done(err error) error {
	if lost := l.lose(caller()); lost != nil {
		return lost
	}
	return err
}

// caller names the method that called the caller of caller.
func caller() string {
	var pcs [1]uintptr
	runtime.Callers(3, pcs[:])
	frame, _ := runtime.CallersFrames(pcs[:]).Next()
	return frame.Function
}
