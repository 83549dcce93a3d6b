package storetest

import (
	"math/rand/v2"
	"sync"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// Lossy is a store whose answers get lost: it does the work and then, now and
// then, reports Unavailable whatever became of it, on every method. What calls
// it must reach one result by repeating.
type Lossy struct {
	store lifecycle.Store

	mu    sync.Mutex
	dice  *rand.Rand
	share float64
	lost  int
}

var _ lifecycle.Store = (*Lossy)(nil)

// NewLossy loses that share of the answers (1: all), the same ones for the same
// seed and order of calls.
func NewLossy(store lifecycle.Store, seed uint64, share float64) *Lossy {
	return &Lossy{store: store, dice: rand.New(rand.NewPCG(seed, 0)), share: share}
}

// Lost is how many answers were lost.
func (l *Lossy) Lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// lose is nil, or the loss of an answer.
func (l *Lossy) lose() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dice.Float64() >= l.share {
		return nil
	}
	l.lost++
	return curfew.Errorf(curfew.Unavailable, "the answer was lost; whether it was done is not known")
}

// told hands an answer on, or loses it.
func told[T any](l *Lossy) func(T, error) (T, error) {
	return func(answer T, err error) (T, error) {
		if lost := l.lose(); lost != nil {
			var nothing T
			return nothing, lost
		}
		return answer, err
	}
}

// done is told for a method that answers nothing.
func (l *Lossy) done(err error) error {
	if lost := l.lose(); lost != nil {
		return lost
	}
	return err
}
