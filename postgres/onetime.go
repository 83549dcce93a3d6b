package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// oneTimes is names that count once.
type oneTimes struct{ *db }

const insertClaimed = `INSERT INTO curfew.signals (name, until) VALUES ($1, now() + $2::interval)`

// ClaimOnce records a one-time name.
func (s oneTimes) ClaimOnce(ctx context.Context, name string, ttl time.Duration) error {
	_, err := s.exec(ctx, insertClaimed, name, ttl)
	return wrap(err, "claim %s", name)
}

const selectClaimed = `SELECT EXISTS (SELECT FROM curfew.signals WHERE name = $1)`

// Claimed reports whether a one-time name was recorded.
func (s oneTimes) Claimed(ctx context.Context, name string) (bool, error) {
	claimed, err := one(ctx, s.db, pgx.RowTo[bool], selectClaimed, name)
	return claimed, wrap(err, "look for %s", name)
}
