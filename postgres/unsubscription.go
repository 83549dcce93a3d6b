package postgres

import "context"

// unsubscriptions stores which addresses want no more mail of a kind.
type unsubscriptions struct{ *db }

const (
	insertUnsubscription = `INSERT INTO curfew.unsubscriptions (address_hash, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	selectUnsubscription = `SELECT EXISTS (SELECT FROM curfew.unsubscriptions WHERE address_hash = $1 AND kind = $2)`
)

// Unsubscribe stops a kind of notice to an address.
func (s unsubscriptions) Unsubscribe(ctx context.Context, hash, kind string) error {
	_, err := s.exec(ctx, insertUnsubscription, hash, kind)
	return wrap(err, "unsubscribe from %s", kind)
}

// Unsubscribed reports whether an address is unsubscribed from a kind of notice.
func (s unsubscriptions) Unsubscribed(ctx context.Context, hash, kind string) (bool, error) {
	stopped, err := one(ctx, s.db, value[bool], selectUnsubscription, hash, kind)
	return stopped, wrap(err, "who wants %s", kind)
}
