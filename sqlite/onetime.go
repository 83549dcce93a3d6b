package sqlite

import (
	"context"
	"time"
)

// oneTimes stores names that can be claimed once.
type oneTimes struct{ *db }

const insertOneTime = `INSERT INTO signals (name, at, until) VALUES ($1, $2, $3)`

// ClaimOnce claims a one-time name; Conflict if it is claimed already.
func (s oneTimes) ClaimOnce(ctx context.Context, name string, ttl time.Duration) error {
	_, err := s.exec(ctx, insertOneTime, name, fromNow(0), fromNow(ttl))
	return wrap(err, "claim a one-time name")
}

const selectOneTime = `SELECT count(*) FROM signals WHERE name = $1`

// Claimed reports whether a one-time name has been claimed.
func (s oneTimes) Claimed(ctx context.Context, name string) (bool, error) {
	n, err := one(ctx, s.db, value[int64], selectOneTime, name)
	return n > 0, wrap(err, "look for a one-time name")
}
