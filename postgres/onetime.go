package postgres

import (
	"context"
	"time"
)

// oneTimes stores names that can be claimed once.
type oneTimes struct{ *db }

const insertOneTime = `INSERT INTO curfew.signals (name, until) VALUES ($1, now() + $2::interval)`

// ClaimOnce claims a one-time name; Conflict if it is claimed already.
func (s oneTimes) ClaimOnce(ctx context.Context, name string, ttl time.Duration) error {
	_, err := s.exec(ctx, insertOneTime, name, ttl)
	return wrap(err, "claim a one-time name")
}

const selectOneTime = `SELECT EXISTS (SELECT FROM curfew.signals WHERE name = $1)`

// Claimed reports whether a one-time name has been claimed.
func (s oneTimes) Claimed(ctx context.Context, name string) (bool, error) {
	claimed, err := one(ctx, s.db, value[bool], selectOneTime, name)
	return claimed, wrap(err, "look for a one-time name")
}
