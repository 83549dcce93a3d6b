package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// usualSignInIdle and usualSignInMax are the defaults.
	usualSignInIdle = 2 * time.Hour
	usualSignInMax  = 12 * time.Hour
	// keepSignIns is the minimum time for which a sign-in is remembered.
	keepSignIns = 30 * 24 * time.Hour
	// maxBrowser limits how much of a browser's User-Agent is kept, in bytes.
	maxBrowser = 200
	// signInsShown limits how many sign-ins are listed.
	signInsShown = 1000
)

// SignInStore stores which browsers are signed in.
type SignInStore interface {
	// AddSignIn records that a browser signs in. It may forget sign-ins older than keep.
	AddSignIn(ctx context.Context, in record.SignIn, keep time.Duration) error
	// SignIns returns the sign-ins that have not been ended, began within longest and were used
	// within idle, newest first.
	SignIns(ctx context.Context, longest, idle time.Duration, limit int) ([]record.SignIn, error)
	SignIn(ctx context.Context, id string) (record.SignIn, error)
	// EndSignIn signs a browser out. It returns NotFound if there is no such sign-in.
	EndSignIn(ctx context.Context, id string) error
	// EndSignIns signs every browser out, and returns how many there were.
	EndSignIns(ctx context.Context) (int, error)
	// SeeSignIns records that these browsers are used now.
	SeeSignIns(ctx context.Context, ids []string) error
}

// SignInOptions configures NewSignIns.
type SignInOptions struct {
	Store SignInStore // required
	// Idle is how long a browser stays signed in without a call. 0 means 2 h.
	Idle time.Duration
	// Max is how long a browser stays signed in at all. 0 means 12 h.
	Max    time.Duration
	Logger *slog.Logger // nil discards the log
}

// SignIns knows which browsers are signed in, and collects when they were last used.
type SignIns struct {
	store     SignInStore
	idle, max time.Duration
	seen      *uses
}

// NewSignIns returns the sign-ins in a store.
func NewSignIns(o SignInOptions) *SignIns {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &SignIns{
		store: o.Store, idle: cmp.Or(o.Idle, usualSignInIdle), max: cmp.Or(o.Max, usualSignInMax),
		seen: newUses("browsers", o.Store.SeeSignIns, o.Logger),
	}
}

// List returns who is signed in, newest first.
func (s *SignIns) List(ctx context.Context) ([]record.SignIn, error) {
	return s.store.SignIns(ctx, s.max, s.idle, signInsShown)
}

// End signs a browser out. Its next call is refused by every replica.
func (s *SignIns) End(ctx context.Context, id string) error { return s.store.EndSignIn(ctx, id) }

// EndAll signs every browser out, and returns how many there were.
func (s *SignIns) EndAll(ctx context.Context) (int, error) { return s.store.EndSignIns(ctx) }

// begin records that a browser signs in.
func (s *SignIns) begin(ctx context.Context, id string, who curfew.Actor, browser string) error {
	browser = curfew.Visible(browser[:min(len(browser), maxBrowser)])
	return s.store.AddSignIn(ctx, record.SignIn{ID: id, Actor: who, Browser: browser}, keepSignIns)
}

// check returns errProvesNothing for a browser that is no longer signed in, and another error if
// that cannot be determined.
func (s *SignIns) check(ctx context.Context, id string) error {
	in, err := s.store.SignIn(ctx, id)
	switch {
	case errors.Is(err, curfew.NotFound):
		return errProvesNothing
	case err != nil:
		return fmt.Errorf("look for a sign-in: %w", err)
	}
	now := time.Now()
	if !in.EndedAt.IsZero() || now.Sub(in.SeenAt) >= s.idle || now.Sub(in.CreatedAt) >= s.max {
		return errProvesNothing
	}
	return nil
}

// Run periodically writes which browsers were used, until the context ends, and once more then.
func (s *SignIns) Run(ctx context.Context) { s.seen.run(ctx) }

// KeepUse writes which browsers were used since the last time.
func (s *SignIns) KeepUse(ctx context.Context) error { return s.seen.keep(ctx) }
