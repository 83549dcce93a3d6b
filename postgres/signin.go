package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// signIns stores which browsers are signed in.
type signIns struct{ *db }

const (
	signInColumns = `id, role, subject, browser, created_at, seen_at, ended_at`
	insertSignIn  = `INSERT INTO curfew.sign_ins (id, role, subject, browser) VALUES ($1, $2, $3, $4)`
	deleteSignIns = `DELETE FROM curfew.sign_ins WHERE created_at < pg_catalog.now() - $1::interval`
)

func scanSignIn(r row) (record.SignIn, error) {
	var s record.SignIn
	err := r.Scan(&s.ID, &s.Actor.Role, &s.Actor.ID, &s.Browser, (*moment)(&s.CreatedAt), (*moment)(&s.SeenAt), (*moment)(&s.EndedAt))
	return s, err
}

// AddSignIn writes a browser that signs in, and forgets those that did longer ago than keep says.
func (s signIns) AddSignIn(ctx context.Context, in record.SignIn, keep time.Duration) error {
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(insertSignIn, in.ID, in.Actor.Role, in.Actor.ID, in.Browser)
		b.Queue(deleteSignIns, keep)
	})
	return wrap(err, "add a sign-in of %s", in.Actor)
}

const selectSignIns = `SELECT ` + signInColumns + ` FROM curfew.sign_ins WHERE ended_at IS NULL AND created_at > pg_catalog.now() - $1::interval
	AND seen_at > pg_catalog.now() - $2::interval ORDER BY created_at DESC, id LIMIT $3`

// SignIns returns the browsers that nobody has ended, that signed in within longest and were used within idle, newest first.
func (s signIns) SignIns(ctx context.Context, longest, idle time.Duration, limit int) ([]record.SignIn, error) {
	all, err := many(ctx, s.db, scanSignIn, selectSignIns, longest, idle, limit)
	return all, wrap(err, "read the sign-ins")
}

const selectSignIn = `SELECT ` + signInColumns + ` FROM curfew.sign_ins WHERE id = $1`

// SignIn returns the browser whose cookie has this id.
func (s signIns) SignIn(ctx context.Context, id string) (record.SignIn, error) {
	in, err := one(ctx, s.db, scanSignIn, selectSignIn, id)
	return in, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no such sign-in")), "read a sign-in")
}

const endSignIn = `UPDATE curfew.sign_ins SET ended_at = coalesce(ended_at, pg_catalog.now()) WHERE id = $1`

// EndSignIn signs a browser out; NotFound if there is none.
func (s signIns) EndSignIn(ctx context.Context, id string) error {
	n, err := s.exec(ctx, endSignIn, id)
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.NotFound, "there is no such sign-in")
	}
	return wrap(err, "end a sign-in")
}

const endSignIns = `UPDATE curfew.sign_ins SET ended_at = pg_catalog.now() WHERE ended_at IS NULL`

// EndSignIns signs every browser out, and returns how many there were.
func (s signIns) EndSignIns(ctx context.Context) (int, error) {
	n, err := s.exec(ctx, endSignIns)
	return int(n), wrap(err, "end every sign-in")
}

const seeSignIns = `UPDATE curfew.sign_ins SET seen_at = pg_catalog.now() WHERE id = ANY ($1::text[]) AND ended_at IS NULL`

// SeeSignIns keeps that these browsers are used now.
func (s signIns) SeeSignIns(ctx context.Context, ids []string) error {
	_, err := s.exec(ctx, seeSignIns, ids)
	return wrap(err, "keep the use of sign-ins")
}
