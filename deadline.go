package curfew

import (
	"time"
)

// FarthestStart is how far ahead an appointment may start.
const FarthestStart = 366 * 24 * time.Hour

// Deadline is a moment that only the store can know, because its clock
// decides: the store's now plus After, but never past Limit where that is set.
// Its zero value is no deadline: of an ended session, or «leave it».
type Deadline struct {
	After time.Duration
	Limit time.Time
}

// At is the deadline by a clock that says now.
func (d Deadline) At(now time.Time) time.Time {
	at := now.Add(d.After)
	if !d.Limit.IsZero() && at.After(d.Limit) {
		return d.Limit
	}
	return at
}

// Zero reports whether there is no deadline.
func (d Deadline) Zero() bool { return d == Deadline{} }

// WaitingDeadline is the deadline of a session that begins to wait for a
// mechanic: its plan's time or the policy's, never past the moment it began to
// wait + MaxWait. A zero since means «now».
func (p Policy) WaitingDeadline(plan string, since time.Time) Deadline {
	ttl := p.WaitingTTL
	if own := p.Plans[plan].WaitingTTL; own > 0 {
		ttl = own
	}
	if since.IsZero() {
		return Deadline{After: min(ttl, p.MaxWait)}
	}
	return Deadline{After: ttl, Limit: since.Add(p.MaxWait)}
}

// SecondChance is the deadline of an appointment whose slot was taken at its
// start. It lies behind the start also where there is no grace.
func (p Policy) SecondChance(startsAt time.Time) Deadline {
	at := startsAt.Add(max(p.ScheduledGrace, time.Microsecond))
	return Deadline{After: p.ScheduledGrace + FarthestStart, Limit: at}
}

// JoinDeadline is the deadline of a session that a mechanic has just accepted.
func (p Policy) JoinDeadline() Deadline { return Deadline{After: p.JoinTTL} }

// LiveDeadline is the deadline of a session that has just become live with
// so much time bought.
func (p Policy) LiveDeadline(bought time.Duration) Deadline {
	return Deadline{After: bought + p.LiveGrace}
}
