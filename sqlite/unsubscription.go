package sqlite

import (
	"context"
	"fmt"
)

// unsubscriptions is who wants no more mail of a kind.
type unsubscriptions struct{ *db }

const (
	insertUnsubscriptionSQL = `INSERT INTO unsubscriptions (address_hash, kind, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	unsubscriptionSQL       = `SELECT EXISTS (SELECT 1 FROM unsubscriptions WHERE address_hash = $1 AND kind = $2)`
)

// Unsubscribe stops a kind of notices to an address.
func (s unsubscriptions) Unsubscribe(ctx context.Context, hash, kind string) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, insertUnsubscriptionSQL, hash, kind, micros(tx.now))
		return err
	})
	if err != nil {
		return fmt.Errorf("unsubscribe from %s: %w", kind, err)
	}
	return nil
}

// Unsubscribed reports whether an address does not want a kind of notices.
func (s unsubscriptions) Unsubscribed(ctx context.Context, hash, kind string) (bool, error) {
	stopped, err := one(ctx, s.reader, value[bool], unsubscriptionSQL, hash, kind)
	if err != nil {
		return false, fmt.Errorf("who wants %s: %w", kind, err)
	}
	return stopped, nil
}
