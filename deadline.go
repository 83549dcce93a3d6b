package curfew

import (
	"time"
)

// FarthestStart is how far ahead an appointment may start.
const FarthestStart = 366 * 24 * time.Hour

// Deadline is a moment that only the store can compute, because its clock decides: the
// store's time plus After, but never past Limit if that is set. The zero value means no
// deadline for a session that ends, and an unchanged one for a session that does not.
type Deadline struct {
	After time.Duration
	Limit time.Time
}

// At is the deadline for a store whose clock reads now.
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
// mechanic: the plan's or else the policy's WaitingTTL from now, but never past since,
// the moment it began to wait, plus MaxWait. A zero since means now.
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

// SecondChance is the deadline of an appointment whose slot was taken at its start. It
// is after the start even if there is no grace.
func (p Policy) SecondChance(startsAt time.Time) Deadline {
	at := startsAt.Add(max(p.ScheduledGrace, time.Microsecond))
	return Deadline{After: p.ScheduledGrace + FarthestStart, Limit: at}
}

// JoinOfferOf is how long a mechanic who has accepted a session of the plan may take to
// join: the plan's or else the policy's JoinOffer. 0: the mechanic has no such time, only
// the JoinTTL that both have.
func (p Policy) JoinOfferOf(plan string) time.Duration {
	if own := p.Plans[plan].JoinOffer; own > 0 {
		return own
	}
	return p.JoinOffer
}

// JoinDeadline is the deadline of a session of the plan that a mechanic has just accepted.
func (p Policy) JoinDeadline(plan string) Deadline {
	if offer := p.JoinOfferOf(plan); offer > 0 {
		return Deadline{After: min(offer, p.JoinTTL)}
	}
	return Deadline{After: p.JoinTTL}
}

// AttendedDeadline is the deadline of a session whose mechanic joins, while the customer has
// not yet: the JoinTTL counts from the acceptance. A later deadline stays.
func (p Policy) AttendedDeadline(s Session) Deadline {
	at := s.AcceptedAt.Add(p.JoinTTL)
	if p.JoinOfferOf(s.Plan) == 0 || !at.After(s.ExpiresAt) {
		return Deadline{}
	}
	return Deadline{After: p.JoinTTL, Limit: at}
}

// LiveDeadline is the deadline of a session that has just become live: the time that
// was bought, and the policy's LiveGrace.
func (p Policy) LiveDeadline(bought time.Duration) Deadline {
	return Deadline{After: bought + p.LiveGrace}
}
