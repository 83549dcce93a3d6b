package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// apiKeys stores the keys with which services call.
type apiKeys struct{ *db }

const (
	keyColumns = `id, name, hash, old_hash, old_until, customer_prefix, routes, max_amount, max_currency, expires_at, created_at, created_by, rotated_at,
		used_at, revoked_at, revoked_by, version`
	selectAPIKey = `SELECT ` + keyColumns + ` FROM curfew.api_keys`
)

func scanAPIKey(r row) (record.APIKey, error) {
	var k record.APIKey
	var routes, by, revoker string
	err := r.Scan((*text)(&k.ID), &k.Name, &k.Hash, &k.OldHash, (*moment)(&k.OldUntil), (*text)(&k.Scope.CustomerPrefix), (*text)(&routes),
		&k.Scope.MaxAmount, (*text)(&k.Scope.Currency), (*moment)(&k.ExpiresAt), (*moment)(&k.CreatedAt), &by, (*moment)(&k.RotatedAt), (*moment)(&k.UsedAt),
		(*moment)(&k.RevokedAt), &revoker, &k.Version)
	if routes != "" {
		k.Scope.Routes = strings.Fields(routes)
	}
	k.CreatedBy = record.ParseActor(by)
	if revoker != "" {
		k.RevokedBy = record.ParseActor(revoker)
	}
	return k, err
}

const insertAPIKey = `INSERT INTO curfew.api_keys (id, name, hash, customer_prefix, routes, max_amount, max_currency, expires_at, created_by)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ` + keyColumns

// AddAPIKey writes a new key with the hash of its secret.
func (s apiKeys) AddAPIKey(ctx context.Context, k record.APIKey) (record.APIKey, error) {
	added, err := one(ctx, s.db, scanAPIKey, insertAPIKey, k.ID, k.Name, k.Hash, null(k.Scope.CustomerPrefix),
		null(strings.Join(k.Scope.Routes, " ")), k.Scope.MaxAmount, null(k.Scope.Currency), null(k.ExpiresAt), record.ActorText(k.CreatedBy))
	return added, wrap(err, "add key %s", k.ID)
}

const selectAPIKeys = selectAPIKey + ` ORDER BY id`

// APIKeys returns all keys, oldest first.
func (s apiKeys) APIKeys(ctx context.Context) ([]record.APIKey, error) {
	all, err := many(ctx, s.db, scanAPIKey, selectAPIKeys)
	return all, wrap(err, "read the keys")
}

const selectAPIKeyByID = selectAPIKey + ` WHERE id = $1`

// APIKey returns the key with this id.
func (s apiKeys) APIKey(ctx context.Context, id string) (record.APIKey, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no key %q", id)
	if !isID(id) {
		return record.APIKey{}, missing
	}
	k, err := one(ctx, s.db, scanAPIKey, selectAPIKeyByID, id)
	return k, wrap(orMissing(err, missing), "read key %s", id)
}

const rotateAPIKey = `UPDATE curfew.api_keys SET
		old_hash = hash, old_until = pg_catalog.now() + $4::interval, hash = $3, rotated_at = pg_catalog.now(), version = version + 1
	WHERE id = $1 AND version = $2 AND revoked_at IS NULL RETURNING ` + keyColumns

// RotateAPIKey replaces the secret; the old one counts for as long as keep says.
func (s apiKeys) RotateAPIKey(ctx context.Context, k record.APIKey, hash string, keep time.Duration) (record.APIKey, error) {
	rotated, err := one(ctx, s.db, scanAPIKey, rotateAPIKey, k.ID, k.Version, hash, keep)
	return rotated, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "key %s has moved", k.ID)), "rotate key %s", k.ID)
}

const revokeAPIKey = `UPDATE curfew.api_keys SET revoked_at = pg_catalog.now(), revoked_by = $3, version = version + 1
	WHERE id = $1 AND version = $2 AND revoked_at IS NULL RETURNING ` + keyColumns

// RevokeAPIKey revokes a key; Conflict if the version has changed, or if it is revoked.
func (s apiKeys) RevokeAPIKey(ctx context.Context, k record.APIKey, by curfew.Actor) (record.APIKey, error) {
	revoked, err := one(ctx, s.db, scanAPIKey, revokeAPIKey, k.ID, k.Version, record.ActorText(by))
	return revoked, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "key %s has moved", k.ID)), "revoke key %s", k.ID)
}

const useKeys = `UPDATE curfew.api_keys SET used_at = date_trunc('minute', pg_catalog.now())
	WHERE id = ANY ($1::uuid[]) AND (used_at IS NULL OR used_at < date_trunc('minute', pg_catalog.now()))`

// UseAPIKeys keeps that these keys are used now, to the minute.
func (s apiKeys) UseAPIKeys(ctx context.Context, ids []string) error {
	_, err := s.exec(ctx, useKeys, ids)
	return wrap(err, "keep the use of keys")
}
