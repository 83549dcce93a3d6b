package stream

import (
	"time"

	"github.com/curfewhq/curfew"
)

const (
	// window is how long an event stays in the journal: how late a client may come
	// back and miss nothing.
	window = 5 * time.Minute
	// capacity is how many events the journal holds at most.
	capacity = 32 << 10
)

// entry is an event with its frames.
type entry struct {
	news   curfew.News
	frames []curfew.Frame // as its session stands now
}

// journal is the newest events in the order in which they were told. A place in
// it counts from the first event ever.
type journal struct {
	entries []*entry
	first   int64     // the place of the first entry
	floor   time.Time // every event later than this that was told is here
	session map[string][]*entry
}

func newJournal() journal { return journal{session: map[string][]*entry{}} }

// end is the place of the next entry.
func (j *journal) end() int64 { return j.first + int64(len(j.entries)) }

// of is the entries of a session.
func (j *journal) of(sessionID string) []*entry { return j.session[sessionID] }

// last is the number of a session's newest event; not known: it has none here.
func (j *journal) last(sessionID string) (number int64, known bool) {
	own := j.session[sessionID]
	if len(own) == 0 {
		return 0, false
	}
	return own[len(own)-1].news.Number, true
}

// write appends an entry and returns its place.
func (j *journal) write(e *entry) int64 {
	if len(j.entries) >= capacity {
		j.drop(capacity / 8)
	}
	j.entries = append(j.entries, e)
	if e.news.OfSession() {
		j.session[e.news.Subject] = append(j.session[e.news.Subject], e)
	}
	return j.end() - 1
}

// trim drops what is older than the window.
func (j *journal) trim(now time.Time) {
	n := 0
	for n < len(j.entries) && j.entries[n].news.At.Before(now.Add(-window)) {
		n++
	}
	j.drop(n)
}

// drop forgets the first n entries.
func (j *journal) drop(n int) {
	for _, e := range j.entries[:n] {
		if e.news.At.After(j.floor) {
			j.floor = e.news.At
		}
		if own := j.session[e.news.Subject]; len(own) > 1 {
			j.session[e.news.Subject] = own[1:]
		} else {
			delete(j.session, e.news.Subject)
		}
	}
	clear(j.entries[:n])
	j.entries, j.first = j.entries[n:], j.first+int64(n)
}

// from is the place from which on every event later than since is found;
// missed: some of them have left the journal.
func (j *journal) from(since time.Time) (place int64, missed bool) {
	for i, e := range j.entries {
		if e.news.At.After(since) {
			return j.first + int64(i), since.Before(j.floor)
		}
	}
	return j.end(), since.Before(j.floor)
}
