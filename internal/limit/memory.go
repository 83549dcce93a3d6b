package limit

import (
	"sync"
	"time"
)

// The memory is parts times partSize keys. Each part has a lock of its own, so that calls seldom wait for each other.
const (
	parts    = 64
	partSize = 4096
)

// memory remembers for each key when all of its allowance will be back. That one moment is all there is to know (the
// generic cell rate algorithm, ITU-T I.371): a call moves it into the future, and one that would move it further than the
// allowance is refused.
type memory [parts]struct {
	mu   sync.Mutex
	back map[uint64]time.Duration // by the key's hash; since a moment in the past
	_    [48]byte                 // the locks are on different cache lines
}

func newMemory() *memory {
	m := &memory{}
	for i := range m {
		m[i].back = map[uint64]time.Duration{}
	}
	return m
}

// spend uses up a call's share of what a key may do. If too little is left, it uses up nothing, and returns how long until
// there is enough.
func (m *memory) spend(key uint64, now time.Duration, r Rate) (wait time.Duration) {
	p := &m[key%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	before, ok := p.back[key]
	back := max(before, now) + r.each()
	if wait = back - now - r.allowance(); wait > 0 {
		return wait
	}
	if !ok {
		forget(p.back)
	}
	p.back[key] = back
	return 0
}

// refuse makes a key wait: another process has used up what it may do.
func (m *memory) refuse(key uint64, now, wait time.Duration, r Rate) {
	p := &m[key%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	before, ok := p.back[key]
	if !ok {
		forget(p.back)
	}
	p.back[key] = max(before, now+wait+r.allowance()-r.each())
}

// forget makes room for another key. Of a few keys it forgets the one with the shortest wait, so a flood from many
// addresses displaces keys that called once, not those that are being refused.
func forget(back map[uint64]time.Duration) {
	if len(back) < partSize {
		return
	}
	var least uint64
	n := 0
	for key, at := range back { // begins anywhere
		if n == 0 || at < back[least] {
			least = key
		}
		if n++; n == 8 {
			break
		}
	}
	delete(back, least)
}
