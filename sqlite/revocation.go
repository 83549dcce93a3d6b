package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// revocations stores which tokens of the local key count no more.
type revocations struct{ *db }

const (
	revocationColumns = `noun, name, at, actor`
	upsertRevocation  = `
INSERT INTO revocations (noun, name, actor, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (noun, name) DO UPDATE SET at = excluded.at, actor = excluded.actor`
	deleteRevocations = `DELETE FROM revocations WHERE at < $1`
)

func scanRevocation(r row) (record.Revocation, error) {
	var v record.Revocation
	var actor string
	err := r.Scan(text(&v.Noun), text(&v.Name), moment(&v.At), text(&actor))
	v.Actor = record.ParseActor(actor)
	return v, err
}

// Revoke revokes a token, or those of a subject until now, and forgets revocations older than keep.
func (s revocations) Revoke(ctx context.Context, v record.Revocation, keep time.Duration) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if _, err := tx.exec(ctx, upsertRevocation, string(v.Noun), v.Name, record.ActorText(v.Actor), micros(tx.wall)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, deleteRevocations, ago(tx.wall, keep))
		return err
	})
	return wrap(err, "revoke %s %s", v.Noun, v.Name)
}

const selectRevocations = `SELECT ` + revocationColumns + ` FROM revocations WHERE at >= $1 ORDER BY at, noun, name`

// Revocations returns what was revoked since then, oldest first.
func (s revocations) Revocations(ctx context.Context, since time.Time) ([]record.Revocation, error) {
	all, err := many(ctx, s.db, scanRevocation, selectRevocations, since.UnixMicro())
	return all, wrap(err, "read what is revoked")
}
