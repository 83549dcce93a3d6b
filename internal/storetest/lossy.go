package storetest

import (
	"runtime"
	"sync"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

// Lossy is a store that loses answers: any method sometimes does its work and then returns
// Unavailable, whatever the result. Callers must reach a single result by repeating the call.
type Lossy struct {
	*answers
	lossyAdmissions
	lossyChanges
	lossyCustomers
	lossyClaims
	lossySessions
	lossyQueue
	lossyCheckouts
	lossyOwed
	lossyLedgers
	lossyBooks
	lossyDifferences
	lossyRefused
	lossyDeadlines
	lossyRuns
	lossyPreviews
	lossyFigures
	lossyConsistency
	lossyActivity
	lossyHeartbeats
	lossySchema
	lossyOneTimes
	lossyQuarantine
	lossyAcknowledgements
	lossyHistory
	lossyAudit
}

var _ lifecycle.Store = (*Lossy)(nil)

// NewLossy returns a store that loses this share of its answers; 1 loses all. The seed decides
// about the nth call of each method, whatever other methods are called in between.
func NewLossy(store lifecycle.Store, chosen uint64, share float64) *Lossy {
	a := &answers{store: store, chances: seed.NewChances(chosen), share: share}
	return &Lossy{
		a, lossyAdmissions{a}, lossyChanges{a}, lossyCustomers{a}, lossyClaims{a}, lossySessions{a}, lossyQueue{a}, lossyCheckouts{a}, lossyOwed{a}, lossyLedgers{a}, lossyBooks{a}, lossyDifferences{a}, lossyRefused{a}, lossyDeadlines{a}, lossyRuns{a}, lossyPreviews{a}, lossyFigures{a}, lossyConsistency{a}, lossyActivity{a}, lossyHeartbeats{a}, lossySchema{a}, lossyOneTimes{a}, lossyQuarantine{a}, lossyAcknowledgements{a}, lossyHistory{a}, lossyAudit{a},
	}
}

// answers decides which of a store's answers are lost.
type answers struct {
	store lifecycle.Store

	mu      sync.Mutex
	chances *seed.Chances
	share   float64
	lost    int
}

// Lost returns how many answers were lost.
func (a *answers) Lost() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lost
}

// lose returns an error if this answer of the method is lost, or nil.
func (a *answers) lose(method string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.chances.Of(method) >= a.share {
		return nil
	}
	a.lost++
	return curfew.Errorf(curfew.Unavailable, "the answer was lost; whether it was done is not known")
}

// answered returns a function that passes an answer on, or loses it.
func answered[T any](a *answers) func(T, error) (T, error) {
	method := caller()
	return func(answer T, err error) (T, error) {
		if lost := a.lose(method); lost != nil {
			var nothing T
			return nothing, lost
		}
		return answer, err
	}
}

// done is answered for a method that returns only an error.
func (a *answers) done(err error) error {
	if lost := a.lose(caller()); lost != nil {
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
