package demo

import (
	"slices"
	"time"
)

// Without is an estimate of what the same customers, payments and mechanics would have experienced
// without Curfew.
type Without struct {
	Stuck   int           // customers behind a session that nobody accepted
	Refused int           // of these, how many came back and would have been refused
	Calls   int           // how often they would have been refused
	Median  time.Duration // how long they stay stuck, to the end, in marketplace time
	Longest time.Duration
	Amount  int64 // in cents: what they paid for nothing
}

// Model explains how Without is counted.
const Model = "the same customers, payments and mechanics; but a session that nobody accepted in time stays waiting, " +
	"so whatever its customer does from then on is refused, and what the customer paid for it and since brings nothing, " +
	"until somebody repairs the database"

func withoutCurfew(all []history, clock *Clock, end time.Time) Without {
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

// stuck returns when the customer's first unaccepted session expired. Without Curfew, they would be
// stuck from then on.
func (s history) stuck() (since time.Time, ok bool) {
	for _, session := range s.sessions {
		unaccepted := session.EndReason == "expired" || session.EndReason == "orphaned"
		if unaccepted && (!ok || session.EndedAt.Before(since)) {
			since, ok = session.EndedAt, true
		}
	}
	return since, ok
}

// calls counts how often the customer paid or asked for a session since then.
func (s history) calls(since time.Time) int {
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

// lost sums what was paid for no session, for the blocking one, or for one that began after it.
func (s history) lost(since time.Time) (cents int64) {
	for _, p := range s.payments {
		session, ok := s.sessions[p.SessionID]
		stands := session.EndedAt.Equal(since) && session.EndReason != "completed"
		if !ok || stands || !session.CreatedAt.Before(since) {
			cents += p.Amount
		}
	}
	return cents
}
