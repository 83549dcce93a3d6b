package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// endpoints stores where webhooks go.
type endpoints struct{ *db }

const (
	endpointColumns = `w.id, w.url, w.description, w.kinds, w.secret, CASE WHEN w.old_until > now() THEN w.old_secret ELSE '' END, w.enabled,
		w.disabled_at, w.disabled_reason, w.version, w.created_at, w.updated_at`
	selectEndpoint = `SELECT ` + endpointColumns + ` FROM curfew.webhook_endpoints w`
)

func scanEndpoint(r row) (record.Endpoint, error) {
	var w record.Endpoint
	var secret, old string
	err := r.Scan((*text)(&w.ID), &w.URL, &w.Description, &w.Kinds, &secret, &old, &w.Enabled, (*moment)(&w.DisabledAt),
		&w.DisabledReason, &w.Version, (*moment)(&w.CreatedAt), (*moment)(&w.UpdatedAt))
	if w.Secrets = []string{secret}; old != "" {
		w.Secrets = append(w.Secrets, old)
	}
	return w, err
}

const insertEndpoint = `INSERT INTO curfew.webhook_endpoints AS w (id, url, description, kinds, secret, enabled)
	VALUES ($1, $2, $3, $4, $5, $6) RETURNING ` + endpointColumns

// AddEndpoint writes a new endpoint with its one secret.
func (s endpoints) AddEndpoint(ctx context.Context, w record.Endpoint) (record.Endpoint, error) {
	if w.Kinds == nil {
		w.Kinds = []string{}
	}
	added, err := one(ctx, s.db, scanEndpoint, insertEndpoint, w.ID, w.URL, w.Description, w.Kinds, w.Secrets[0], w.Enabled)
	return added, wrap(err, "add endpoint %s", w.ID)
}

const selectEndpoints = selectEndpoint + ` ORDER BY w.id`

// Endpoints returns all endpoints, oldest first.
func (s endpoints) Endpoints(ctx context.Context) ([]record.Endpoint, error) {
	all, err := many(ctx, s.db, scanEndpoint, selectEndpoints)
	return all, wrap(err, "read the endpoints")
}

const selectEndpointByID = selectEndpoint + ` WHERE w.id = $1`

// Endpoint returns the endpoint with this id.
func (s endpoints) Endpoint(ctx context.Context, id string) (record.Endpoint, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no endpoint %q", id)
	if !isID(id) {
		return record.Endpoint{}, missing
	}
	w, err := one(ctx, s.db, scanEndpoint, selectEndpointByID, id)
	return w, wrap(orMissing(err, missing), "read endpoint %s", id)
}

const updateEndpoint = `UPDATE curfew.webhook_endpoints w SET
		url = $3, description = $4, kinds = $5, enabled = $6, disabled_reason = $7, version = w.version + 1, updated_at = now(),
		disabled_at = CASE WHEN NOT $6 THEN coalesce(w.disabled_at, now()) END
	WHERE w.id = $1 AND w.version = $2 RETURNING ` + endpointColumns

// ChangeEndpoint writes everything but the secrets; Conflict if the version has changed.
func (s endpoints) ChangeEndpoint(ctx context.Context, w record.Endpoint) (record.Endpoint, error) {
	if w.Kinds == nil {
		w.Kinds = []string{}
	}
	changed, err := one(ctx, s.db, scanEndpoint, updateEndpoint, w.ID, w.Version, w.URL, w.Description, w.Kinds, w.Enabled, w.DisabledReason)
	return changed, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "endpoint %s has moved", w.ID)), "change endpoint %s", w.ID)
}

const rotateEndpoint = `UPDATE curfew.webhook_endpoints w SET
		old_secret = w.secret, old_until = now() + $4::interval, secret = $3, version = w.version + 1, updated_at = now()
	WHERE w.id = $1 AND w.version = $2 RETURNING ` + endpointColumns

// RotateEndpoint replaces the secret; the old one also signs for as long as keep says.
func (s endpoints) RotateEndpoint(ctx context.Context, w record.Endpoint, secret string, keep time.Duration) (record.Endpoint, error) {
	rotated, err := one(ctx, s.db, scanEndpoint, rotateEndpoint, w.ID, w.Version, secret, keep)
	return rotated, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "endpoint %s has moved", w.ID)), "rotate endpoint %s", w.ID)
}

const resealEndpoint = `UPDATE curfew.webhook_endpoints w SET secret = $3, old_secret = $4, version = w.version + 1, updated_at = now()
	WHERE w.id = $1 AND w.version = $2 RETURNING ` + endpointColumns

// ResealEndpoint writes the same secrets in another form; Conflict if the version has changed.
func (s endpoints) ResealEndpoint(ctx context.Context, w record.Endpoint, secrets []string) (record.Endpoint, error) {
	changed, err := one(ctx, s.db, scanEndpoint, resealEndpoint, w.ID, w.Version, secrets[0], strings.Join(secrets[1:], ""))
	return changed, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "endpoint %s has moved", w.ID)), "seal endpoint %s", w.ID)
}

const (
	deleteEndpoint      = `DELETE FROM curfew.webhook_endpoints WHERE id = $1 AND version = $2`
	deleteUndeliverable = `DELETE FROM curfew.deliveries WHERE lane = $1 AND state IN ('pending', 'dead')`
)

// RemoveEndpoint deletes an endpoint and its undelivered messages.
func (s endpoints) RemoveEndpoint(ctx context.Context, w record.Endpoint) error {
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(deleteEndpoint, w.ID, w.Version).Exec(hit("endpoint %s has moved", w.ID))
		b.Queue(deleteUndeliverable, w.ID)
	})
	return wrap(err, "remove endpoint %s", w.ID)
}
