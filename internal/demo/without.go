package demo

import (
	"slices"
	"time"
)

// Without is what would have become of the same customers and payments with the
// same mechanics, had nobody kept the sessions.
type Without struct {
	Stuck   int           // customers behind a session that nobody accepted
	Refused int           // of these, who came again, and would have been refused
	Calls   int           // how often they would have been
	Median  time.Duration // how long the stuck are, to the end, of the marketplace's time
	Longest time.Duration
	Amount  int64 // in cents: what they paid and got nothing for
}

// Model says how Without is counted.
const Model = "the same customers, payments and mechanics; but a session that nobody accepted in time stays waiting, " +
	"so whatever its customer does from then on is refused, and what the customer paid for it and since brings nothing, " +
	"until somebody repairs the database"

func withoutCurfew(all []story, clock *Clock, end time.Time) Without {
	var w Without
	var times []time.Duration
	for _, s := range all {
		since, stuck := s.stuck()
		if !stuck {
			continue
		}
		times = append(times, clock.At(end)-clock.At(since))
		calls := s.calls(since)
		w.Stuck++
		w.Calls += calls
		w.Amount += s.lost(since)
		if calls > 0 {
			w.Refused++
		}
	}
	if slices.Sort(times); len(times) > 0 {
		w.Median, w.Longest = times[len(times)/2], times[len(times)-1]
	}
	return w
}

// stuck is since when a first session stands in the customer's way that nobody
// accepted in time.
func (s story) stuck() (since time.Time, ok bool) {
	for _, session := range s.sessions {
		unaccepted := session.EndReason == "expired" || session.EndReason == "orphaned"
		if unaccepted && (!ok || session.EndedAt.Before(since)) {
			since, ok = session.EndedAt, true
		}
	}
	return since, ok
}

// calls is how often the customer paid, or asked for a session, from then on.
func (s story) calls(since time.Time) int {
	n := 0
	for _, p := range s.payments {
		if !p.CreatedAt.Before(since) {
			n++
		}
	}
	for _, id := range s.credits {
		if !s.sessions[id].CreatedAt.Before(since) {
			n++
		}
	}
	return n
}

// lost is what was paid for no session, for the one that stands in the way, or
// for one that began from then on.
func (s story) lost(since time.Time) (cents int64) {
	for _, p := range s.payments {
		session, ok := s.sessions[p.SessionID]
		stands := session.EndedAt.Equal(since) && session.EndReason != "completed"
		if !ok || stands || !session.CreatedAt.Before(since) {
			cents += p.Amount
		}
	}
	return cents
}
