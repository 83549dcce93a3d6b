package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/internal/record"
)

// revocations stores which tokens of the local key count no more.
type revocations struct{ *db }

const (
	revocationColumns = `noun, name, at, actor`
	upsertRevocation  = `INSERT INTO curfew.revocations (noun, name, actor) VALUES ($1, $2, $3)
		ON CONFLICT (noun, name) DO UPDATE SET at = excluded.at, actor = excluded.actor`
	deleteRevocations = `DELETE FROM curfew.revocations WHERE at < pg_catalog.now() - $1::interval`
)

func scanRevocation(r row) (record.Revocation, error) {
	var v record.Revocation
	var actor string
	err := r.Scan(&v.Noun, &v.Name, (*moment)(&v.At), &actor)
	v.Actor = record.ParseActor(actor)
	return v, err
}

// Revoke revokes a token, or those of a subject until now, and forgets revocations older than keep.
func (s revocations) Revoke(ctx context.Context, v record.Revocation, keep time.Duration) error {
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(upsertRevocation, v.Noun, v.Name, record.ActorText(v.Actor))
		b.Queue(deleteRevocations, keep)
	})
	return wrap(err, "revoke %s %s", v.Noun, v.Name)
}

const selectRevocations = `SELECT ` + revocationColumns + ` FROM curfew.revocations WHERE at >= $1 ORDER BY at, noun, name`

// Revocations returns what was revoked since then, oldest first.
func (s revocations) Revocations(ctx context.Context, since time.Time) ([]record.Revocation, error) {
	all, err := many(ctx, s.db, scanRevocation, selectRevocations, since)
	return all, wrap(err, "read what is revoked")
}
