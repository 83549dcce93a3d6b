package forecast

import (
	"cmp"
	"slices"
	"time"
)

const (
	// memory is how long a wait counts, and how long mechanics who were busy count as being there.
	memory   = 6 * time.Hour
	presence = 20 * time.Minute
	// paces is how many acceptances say how fast the queue moves now, and kept how many waits of a kind say how far
	// from that people's waits lie.
	paces = 24
	kept  = 240

	// fewest waits of a kind are needed to say anything of it.
	fewest = 12
	// high is the share of lessons that the 90th percentile is taken from. What comes is less like the lessons than
	// they are like each other: of .9, 87 in 100 are kept.
	high = .92
)

// kind classifies waits: those of one kind spread alike around what the pace promises.
type kind int

// The kinds: a mechanic was free; none was, and few, or many, others were first.
const (
	free kind = iota
	next
	soon
	later
	kinds
)

// model learns from what happens, in the order of time, how long those wait who come now. The zero value knows nothing.
type model struct {
	now     time.Time
	waiting map[string]*wait
	busy    map[string]time.Time // sessions that were accepted and have not ended
	most    []level              // how many were busy at once, lately: falling
	idle    []time.Duration      // how long each of the last acceptances took while somebody was free
	full    []time.Duration      // while none was: the time in which people waited, for each acceptance
	waited  time.Duration        // in which people waited since the last acceptance
	lessons [kinds][]lesson
}

// wait is one that has not ended: what was promised when it began.
type wait struct {
	began  time.Time
	kind   kind
	expect time.Duration
}

// level is a number of mechanics who were busy at once.
type level struct {
	at   time.Time
	busy int
}

// lesson is how long somebody waited, as a share of what was expected; at least that long, if they left.
type lesson struct {
	at    time.Time
	share float64
	left  bool
}

func newModel() *model {
	return &model{waiting: map[string]*wait{}, busy: map[string]time.Time{}}
}

// pass moves the clock. Events that come late count as being now.
func (m *model) pass(at time.Time) {
	if !at.After(m.now) {
		return
	}
	if len(m.waiting) > 0 && !m.now.IsZero() {
		m.waited += at.Sub(m.now)
	}
	m.now = at
}

// begins records that a customer begins to wait.
func (m *model) begins(session string, at time.Time) {
	m.pass(at)
	if _, known := m.waiting[session]; known || !m.busy[session].IsZero() {
		return
	}
	k, expect := m.expect(len(m.waiting) + 1)
	m.waiting[session] = &wait{m.now, k, expect}
}

// accepts records that a mechanic accepts.
func (m *model) accepts(session string, at time.Time) {
	m.pass(at)
	w := m.waiting[session]
	if w == nil {
		return
	}
	delete(m.waiting, session)
	m.note(w, false)
	if w.kind == free {
		m.idle = last(append(m.idle, m.now.Sub(w.began)), paces)
	} else {
		m.full = last(append(m.full, m.waited), paces)
	}
	m.waited = 0
	m.busy[session] = m.now
	m.peak()
}

// returns records that a mechanic gives a session back: it waits again, and the mechanic is free.
func (m *model) returns(session string, at time.Time) {
	m.pass(at)
	if m.busy[session].IsZero() {
		return
	}
	delete(m.busy, session)
	m.begins(session, at)
}

// ends records the end of a session: its customer leaves the queue, or its mechanic is free again.
func (m *model) ends(session string, at time.Time) {
	m.pass(at)
	if w := m.waiting[session]; w != nil {
		delete(m.waiting, session)
		m.note(w, true)
	}
	delete(m.busy, session)
}

func (m *model) note(w *wait, left bool) {
	if w.expect <= 0 {
		return
	}
	l := lesson{m.now, m.now.Sub(w.began).Seconds() / w.expect.Seconds(), left}
	m.lessons[w.kind] = last(append(m.lessons[w.kind], l), kept)
}

// peak remembers how many are busy at once.
func (m *model) peak() {
	n := len(m.busy)
	m.most = slices.DeleteFunc(m.most, func(l level) bool { return l.busy <= n || m.now.Sub(l.at) > presence })
	m.most = append(m.most, level{m.now, n})
}

// there is how many mechanics seem to be there: as many as were busy at once lately.
func (m *model) there() int {
	n := len(m.busy)
	for _, l := range m.most {
		if m.now.Sub(l.at) <= presence {
			n = max(n, l.busy)
		}
	}
	return n
}

// expect returns the wait that the pace of the queue promises at a place in it, the first being 1; 0 if it is
// unknown.
func (m *model) expect(place int) (kind, time.Duration) {
	atOnce := m.there() - len(m.busy)
	if place <= atOnce && len(m.idle) > 0 {
		return free, mean(m.idle)
	}
	ahead := max(1, place-atOnce)
	k := later
	switch {
	case ahead == 1:
		k = next
	case ahead <= 4:
		k = soon
	}
	pace := mean(m.full)
	if pace == 0 {
		pace = mean(m.idle)
	}
	return k, time.Duration(ahead) * pace
}

// quantiles returns how long the wait at a place is from now: at most p50 in half of the cases, at most p90 in nine
// of ten. ok is false if too little is known.
func (m *model) quantiles(place int) (p50, p90 time.Duration, ok bool) {
	k, expect := m.expect(place)
	known := m.lessonsOf(k)
	if expect <= 0 || len(known) < fewest {
		return 0, 0, false
	}
	of := survival(known)
	scale := func(q float64) time.Duration { return time.Duration(of(q) * float64(expect)) }
	return scale(.5), scale(high), true
}

// lessonsOf returns what is known of a kind; where that is too little, of those beside it.
func (m *model) lessonsOf(k kind) []lesson {
	fresh := func(k kind) (all []lesson) {
		for _, l := range m.lessons[k] {
			if m.now.Sub(l.at) <= memory {
				all = append(all, l)
			}
		}
		return all
	}
	known := fresh(k)
	if k == free || len(known) >= fewest {
		return known
	}
	return slices.Concat(fresh(next), fresh(soon), fresh(later))
}

// survival returns the quantiles of the waits by Kaplan and Meier: a customer who left would have waited longer. A
// quantile that no wait reached is the longest wait.
func survival(all []lesson) func(q float64) float64 {
	all = slices.SortedFunc(slices.Values(all), func(a, b lesson) int {
		return cmp.Or(cmp.Compare(a.share, b.share), map[bool]int{true: 1, false: -1}[a.left])
	})
	return func(q float64) float64 {
		stay := 1.0
		for i, l := range all {
			if !l.left {
				stay *= 1 - 1/float64(len(all)-i)
			}
			if 1-stay >= q {
				return l.share
			}
		}
		return all[len(all)-1].share
	}
}

func mean(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range all {
		sum += d
	}
	return sum / time.Duration(len(all))
}

func last[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }
