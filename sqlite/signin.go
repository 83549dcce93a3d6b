package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// signIns stores which browsers are signed in.
type signIns struct{ *db }

const (
	signInColumns = `id, role, subject, browser, created_at, seen_at, ended_at`
	insertSignIn  = `INSERT INTO sign_ins (id, role, subject, browser, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $5)`
	deleteSignIns = `DELETE FROM sign_ins WHERE created_at < $1`
)

func scanSignIn(r row) (record.SignIn, error) {
	var s record.SignIn
	err := r.Scan(text(&s.ID), text(&s.Actor.Role), text(&s.Actor.ID), text(&s.Browser), moment(&s.CreatedAt), moment(&s.SeenAt), moment(&s.EndedAt))
	return s, err
}

// AddSignIn writes a browser that signs in, and forgets those that did longer ago than keep says.
func (s signIns) AddSignIn(ctx context.Context, in record.SignIn, keep time.Duration) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if _, err := tx.exec(ctx, insertSignIn, in.ID, string(in.Actor.Role), in.Actor.ID, in.Browser, micros(tx.wall)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, deleteSignIns, ago(tx.wall, keep))
		return err
	})
	return wrap(err, "add a sign-in of %s", in.Actor)
}

const selectSignIns = `
SELECT ` + signInColumns + ` FROM sign_ins WHERE ended_at IS NULL AND created_at > $1
AND seen_at > $2 ORDER BY created_at DESC, id LIMIT $3`

// SignIns returns the browsers that nobody has ended, that signed in within longest and were used within idle, newest first.
func (s signIns) SignIns(ctx context.Context, longest, idle time.Duration, limit int) ([]record.SignIn, error) {
	now := s.wall()
	all, err := many(ctx, s.db, scanSignIn, selectSignIns, ago(now, longest), ago(now, idle), limit)
	return all, wrap(err, "read the sign-ins")
}

const selectSignIn = `SELECT ` + signInColumns + ` FROM sign_ins WHERE id = $1`

// SignIn returns the browser whose cookie has this id.
func (s signIns) SignIn(ctx context.Context, id string) (record.SignIn, error) {
	in, err := one(ctx, s.db, scanSignIn, selectSignIn, id)
	return in, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no such sign-in")), "read a sign-in")
}

const endSignIn = `UPDATE sign_ins SET ended_at = coalesce(ended_at, $2) WHERE id = $1`

// EndSignIn signs a browser out; NotFound if there is none.
func (s signIns) EndSignIn(ctx context.Context, id string) error {
	n, err := s.exec(ctx, endSignIn, id, fromWall(0))
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.NotFound, "there is no such sign-in")
	}
	return wrap(err, "end a sign-in")
}

const endSignIns = `UPDATE sign_ins SET ended_at = $1 WHERE ended_at IS NULL`

// EndSignIns signs every browser out, and returns how many there were.
func (s signIns) EndSignIns(ctx context.Context) (int, error) {
	n, err := s.exec(ctx, endSignIns, fromWall(0))
	return int(n), wrap(err, "end every sign-in")
}

const seeSignIns = `UPDATE sign_ins SET seen_at = $2 WHERE id IN (SELECT value FROM json_each($1)) AND ended_at IS NULL`

// SeeSignIns keeps that these browsers are used now.
func (s signIns) SeeSignIns(ctx context.Context, ids []string) error {
	list, err := json.Marshal(ids)
	if err == nil {
		_, err = s.exec(ctx, seeSignIns, string(list), fromWall(0))
	}
	return wrap(err, "keep the use of sign-ins")
}
