package sqlite

import (
	"context"
	"encoding/json"
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
	selectAPIKey = `SELECT ` + keyColumns + ` FROM api_keys`
)

func scanAPIKey(r row) (record.APIKey, error) {
	var k record.APIKey
	var routes, by, revoker string
	err := r.Scan(text(&k.ID), text(&k.Name), text(&k.Hash), text(&k.OldHash), moment(&k.OldUntil), text(&k.Scope.CustomerPrefix), text(&routes),
		&k.Scope.MaxAmount, text(&k.Scope.Currency), moment(&k.ExpiresAt), moment(&k.CreatedAt), text(&by), moment(&k.RotatedAt), moment(&k.UsedAt),
		moment(&k.RevokedAt), text(&revoker), number(&k.Version))
	if routes != "" {
		k.Scope.Routes = strings.Fields(routes)
	}
	k.CreatedBy = record.ParseActor(by)
	if revoker != "" {
		k.RevokedBy = record.ParseActor(revoker)
	}
	return k, err
}

const insertAPIKey = `
INSERT INTO api_keys (id, name, hash, customer_prefix, routes, max_amount, max_currency, expires_at, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ` + keyColumns

// AddAPIKey writes a new key with the hash of its secret.
func (s apiKeys) AddAPIKey(ctx context.Context, k record.APIKey) (added record.APIKey, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		added, err = one(ctx, tx, scanAPIKey, insertAPIKey, k.ID, k.Name, k.Hash, null(k.Scope.CustomerPrefix),
			null(strings.Join(k.Scope.Routes, " ")), k.Scope.MaxAmount, null(k.Scope.Currency), micros(k.ExpiresAt), record.ActorText(k.CreatedBy), micros(tx.wall))
		return err
	})
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
	k, err := one(ctx, s.db, scanAPIKey, selectAPIKeyByID, id)
	return k, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no key %q", id)), "read key %s", id)
}

const rotateAPIKey = `
UPDATE api_keys SET old_hash = hash, old_until = $4, hash = $3, rotated_at = $5, version = version + 1
WHERE id = $1 AND version = $2 AND revoked_at IS NULL RETURNING ` + keyColumns

// RotateAPIKey replaces the secret; the old one counts for as long as keep says.
func (s apiKeys) RotateAPIKey(ctx context.Context, k record.APIKey, hash string, keep time.Duration) (rotated record.APIKey, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		rotated, err = one(ctx, tx, scanAPIKey, rotateAPIKey, k.ID, k.Version, hash, micros(tx.wall.Add(keep)), micros(tx.wall))
		return err
	})
	return rotated, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "key %s has moved", k.ID)), "rotate key %s", k.ID)
}

const revokeAPIKey = `
UPDATE api_keys SET revoked_at = $4, revoked_by = $3, version = version + 1
WHERE id = $1 AND version = $2 AND revoked_at IS NULL RETURNING ` + keyColumns

// RevokeAPIKey revokes a key; Conflict if the version has changed, or if it is revoked.
func (s apiKeys) RevokeAPIKey(ctx context.Context, k record.APIKey, by curfew.Actor) (revoked record.APIKey, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		revoked, err = one(ctx, tx, scanAPIKey, revokeAPIKey, k.ID, k.Version, record.ActorText(by), micros(tx.wall))
		return err
	})
	return revoked, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "key %s has moved", k.ID)), "revoke key %s", k.ID)
}

const useKeys = `
UPDATE api_keys SET used_at = $2
WHERE id IN (SELECT value FROM json_each($1)) AND (used_at IS NULL OR used_at < $2)`

// UseAPIKeys keeps that these keys are used now, to the minute.
func (s apiKeys) UseAPIKeys(ctx context.Context, ids []string) error {
	list, err := json.Marshal(ids)
	if err != nil {
		return wrap(err, "keep the use of keys")
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.exec(ctx, useKeys, string(list), micros(tx.wall.Truncate(time.Minute)))
		return err
	})
	return wrap(err, "keep the use of keys")
}
