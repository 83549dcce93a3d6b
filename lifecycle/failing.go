package lifecycle

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// failingWindow is how long a failed admission is a finding.
const failingWindow = time.Minute

// failing counts the admissions of this process that failed, second by second.
type failing struct {
	mu     sync.Mutex
	counts map[int64]int // by second since began
	last   curfew.Kind
	began  time.Time
}

func newFailing() *failing { return &failing{counts: map[int64]int{}, began: time.Now()} }

// note counts an admission that failed for a reason that is not its caller's.
func (f *failing) note(err error, took time.Duration) {
	if err == nil || callersOwn(err) {
		return
	}
	if errors.Is(err, context.Canceled) && took < time.Second {
		return // its caller did not wait
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = curfew.KindOf(err)
	f.counts[f.second()]++
	f.forget()
}

// callersOwn reports whether an admission failed because of what its caller asked
// for: Curfew looked, and said no.
func callersOwn(err error) bool {
	kind := curfew.KindOf(err)
	return kind != curfew.Unavailable && kind != curfew.Internal
}

// recent is how many failed within the window, and why the last one did.
func (f *failing) recent() (n int, last curfew.Kind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	for _, count := range f.counts {
		n += count
	}
	return n, f.last
}

func (f *failing) second() int64 { return int64(time.Since(f.began) / time.Second) }

func (f *failing) forget() {
	oldest := f.second() - int64(failingWindow/time.Second)
	for second := range f.counts {
		if second < oldest {
			delete(f.counts, second)
		}
	}
}
