package sqlite

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// endpoints stores where webhooks go.
type endpoints struct{ *db }

const (
	endpointColumns = `id, url, description, kinds, secret, old_secret, old_until, enabled, disabled_at, disabled_reason, version,
    created_at, updated_at`
	selectEndpoint = `SELECT ` + endpointColumns + ` FROM webhook_endpoints`
)

func scanEndpoint(now time.Time) func(row) (record.Endpoint, error) {
	return func(r row) (record.Endpoint, error) {
		var w record.Endpoint
		var secret, old string
		var until time.Time
		err := r.Scan(text(&w.ID), text(&w.URL), text(&w.Description), ifReadable(&w.Kinds, []string{"unreadable"}), text(&secret), text(&old), moment(&until),
			&w.Enabled, moment(&w.DisabledAt), text(&w.DisabledReason), number(&w.Version), moment(&w.CreatedAt), moment(&w.UpdatedAt))
		if w.Secrets = []string{secret}; old != "" && until.After(now) {
			w.Secrets = append(w.Secrets, old)
		}
		return w, err
	}
}

// changedEndpoint is a transaction of one statement that answers the endpoint.
func (s endpoints) changedEndpoint(ctx context.Context, query string, args func(*transaction) ([]any, error)) (record.Endpoint, error) {
	var w record.Endpoint
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		values, err := args(tx)
		if err == nil {
			w, err = one(ctx, tx, scanEndpoint(tx.now), query, values...)
		}
		return err
	})
	return w, err
}

const insertEndpoint = `
INSERT INTO webhook_endpoints (id, url, description, kinds, secret, enabled, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING ` + endpointColumns

// AddEndpoint writes a new endpoint with its one secret.
func (s endpoints) AddEndpoint(ctx context.Context, w record.Endpoint) (record.Endpoint, error) {
	added, err := s.changedEndpoint(ctx, insertEndpoint, func(tx *transaction) ([]any, error) {
		kinds, err := json.Marshal(append([]string{}, w.Kinds...))
		return []any{w.ID, w.URL, w.Description, string(kinds), w.Secrets[0], w.Enabled, micros(tx.now)}, err
	})
	return added, wrap(err, "add endpoint %s", w.ID)
}

const selectEndpoints = selectEndpoint + ` ORDER BY id`

// Endpoints returns all endpoints, oldest first.
func (s endpoints) Endpoints(ctx context.Context) ([]record.Endpoint, error) {
	all, err := many(ctx, s.db, scanEndpoint(s.now()), selectEndpoints)
	return all, wrap(err, "read the endpoints")
}

const selectEndpointByID = selectEndpoint + ` WHERE id = $1`

// Endpoint returns the endpoint with this id.
func (s endpoints) Endpoint(ctx context.Context, id string) (record.Endpoint, error) {
	w, err := one(ctx, s.db, scanEndpoint(s.now()), selectEndpointByID, id)
	return w, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no endpoint %q", id)), "read endpoint %s", id)
}

const updateEndpoint = `
UPDATE webhook_endpoints SET
    url = $3, description = $4, kinds = $5, enabled = $6, disabled_reason = $7, version = version + 1, updated_at = $8,
    disabled_at = CASE WHEN NOT $6 THEN coalesce(disabled_at, $8) END
WHERE id = $1 AND version = $2 RETURNING ` + endpointColumns

// ChangeEndpoint writes everything but the secrets; Conflict if the version has changed.
func (s endpoints) ChangeEndpoint(ctx context.Context, w record.Endpoint) (record.Endpoint, error) {
	changed, err := s.changedEndpoint(ctx, updateEndpoint, func(tx *transaction) ([]any, error) {
		kinds, err := json.Marshal(append([]string{}, w.Kinds...))
		return []any{w.ID, w.Version, w.URL, w.Description, string(kinds), w.Enabled, w.DisabledReason, micros(tx.now)}, err
	})
	return changed, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "endpoint %s has moved", w.ID)), "change endpoint %s", w.ID)
}

const rotateEndpoint = `
UPDATE webhook_endpoints SET old_secret = secret, old_until = $4, secret = $3, version = version + 1, updated_at = $5
WHERE id = $1 AND version = $2 RETURNING ` + endpointColumns

// RotateEndpoint replaces the secret; the old one also signs for as long as keep says.
func (s endpoints) RotateEndpoint(ctx context.Context, w record.Endpoint, secret string, keep time.Duration) (record.Endpoint, error) {
	rotated, err := s.changedEndpoint(ctx, rotateEndpoint, func(tx *transaction) ([]any, error) {
		return []any{w.ID, w.Version, secret, micros(tx.now.Add(keep)), micros(tx.now)}, nil
	})
	return rotated, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "endpoint %s has moved", w.ID)), "rotate endpoint %s", w.ID)
}

const resealEndpoint = `
UPDATE webhook_endpoints SET secret = $3, old_secret = $4, version = version + 1, updated_at = $5
WHERE id = $1 AND version = $2 RETURNING ` + endpointColumns

// ResealEndpoint writes the same secrets in another form; Conflict if the version has changed.
func (s endpoints) ResealEndpoint(ctx context.Context, w record.Endpoint, secrets []string) (record.Endpoint, error) {
	changed, err := s.changedEndpoint(ctx, resealEndpoint, func(tx *transaction) ([]any, error) {
		return []any{w.ID, w.Version, secrets[0], strings.Join(secrets[1:], ""), micros(tx.now)}, nil
	})
	return changed, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "endpoint %s has moved", w.ID)), "seal endpoint %s", w.ID)
}

const (
	deleteEndpoint      = `DELETE FROM webhook_endpoints WHERE id = $1 AND version = $2`
	deleteUndeliverable = `DELETE FROM deliveries WHERE lane = $1 AND state IN ('pending', 'dead')`
)

// RemoveEndpoint deletes an endpoint and its undelivered messages.
func (s endpoints) RemoveEndpoint(ctx context.Context, w record.Endpoint) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		moved := curfew.Errorf(curfew.Conflict, "endpoint %s has moved", w.ID)
		if err := tx.hit(ctx, moved, deleteEndpoint, w.ID, w.Version); err != nil {
			return err
		}
		_, err := tx.exec(ctx, deleteUndeliverable, w.ID)
		return err
	})
	return wrap(err, "remove endpoint %s", w.ID)
}
