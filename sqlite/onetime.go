package sqlite

import (
	"context"
	"fmt"
	"time"
)

// oneTimes is names that count once.
type oneTimes struct{ *db }

const claimOnceSQL = `INSERT INTO signals (name, at, until) VALUES ($1, $2, $3)`

// ClaimOnce records a one-time name.
func (s oneTimes) ClaimOnce(ctx context.Context, name string, ttl time.Duration) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, claimOnceSQL, name, micros(tx.now), micros(tx.now.Add(ttl)))
		return err
	})
	if err != nil {
		return fmt.Errorf("claim a one-time name: %w", err)
	}
	return nil
}

const claimedSQL = `SELECT count(*) FROM signals WHERE name = $1`

// Claimed reports whether a one-time name was recorded.
func (s oneTimes) Claimed(ctx context.Context, name string) (bool, error) {
	n, err := one(ctx, s.reader, value[int64], claimedSQL, name)
	if err != nil {
		return false, fmt.Errorf("look for a one-time name: %w", err)
	}
	return n > 0, nil
}
