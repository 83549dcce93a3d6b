package audit

import (
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// lookAgain is for how long the same look is noted once.
	lookAgain = 5 * time.Minute
	// looksKept is how many looks are remembered.
	looksKept = 4096
)

// look is who looks at what, and whether they saw it.
type look struct {
	actor                    curfew.Actor
	action, customer, object string
	status                   int
}

// looks remembers who has just looked at what.
type looks struct {
	mu   *sync.Mutex
	seen map[look]time.Time
}

func newLooks() looks { return looks{&sync.Mutex{}, map[look]time.Time{}} }

// first reports whether a look is not the same as one just before. It forgets everything when it remembers too much: a look
// is rather noted twice than not at all.
func (l looks) first(e record.AuditEntry, now time.Time) bool {
	key := look{e.Actor, e.Action, e.About.Customer, e.About.Object, e.Status}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.seen[key]; ok && now.Sub(at) < lookAgain {
		return false
	}
	if len(l.seen) >= looksKept {
		clear(l.seen)
	}
	l.seen[key] = now
	return true
}
