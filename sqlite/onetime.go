package sqlite

import (
	"context"
	"time"
)

// oneTimes is names that count once.
type oneTimes struct{ *db }

const insertOneTime = `INSERT INTO signals (name, at, until) VALUES ($1, $2, $3)`

// ClaimOnce records a one-time name.
func (s oneTimes) ClaimOnce(ctx context.Context, name string, ttl time.Duration) error {
	_, err := s.exec(ctx, insertOneTime, name, fromNow(0), fromNow(ttl))
	return wrap(err, "claim a one-time name")
}

const selectOneTime = `SELECT count(*) FROM signals WHERE name = $1`

// Claimed reports whether a one-time name was recorded.
func (s oneTimes) Claimed(ctx context.Context, name string) (bool, error) {
	n, err := one(ctx, s.db, value[int64], selectOneTime, name)
	return n > 0, wrap(err, "look for a one-time name")
}
