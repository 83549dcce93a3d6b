package auth

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// readRevoked is how often revocations are read.
	readRevoked = 5 * time.Second
	// revokedKnown is how long a successful read of revocations is valid. Together with the time
	// that a read may take, it ensures that a revoked token is refused within a minute, or else
	// every token is.
	revokedKnown = 45 * time.Second
	// revokedOverlap is how far a read goes back before the newest known revocation: transactions
	// do not commit in the order of their times.
	revokedOverlap = time.Minute
)

// RevocationStore stores revocations of tokens of the local key.
type RevocationStore interface {
	// Revoke revokes a token, or all tokens of a subject issued until now. It may forget
	// revocations older than keep.
	Revoke(ctx context.Context, v record.Revocation, keep time.Duration) error
	// Revocations returns the revocations since a time, oldest first.
	Revocations(ctx context.Context, since time.Time) ([]record.Revocation, error)
}

// Revocations knows which tokens of the local key are revoked. It is safe for concurrent use.
type Revocations struct {
	store RevocationStore
	log   refusals

	reading  sync.Mutex // held by whoever reads
	mu       sync.Mutex
	known    time.Time // when the last reading began; zero: there was none
	newest   time.Time
	tokens   map[string]bool
	subjects map[string]time.Time // those until then are revoked
}

// NewRevocations returns the revocations in a store. A nil log discards the log.
func NewRevocations(store RevocationStore, log *slog.Logger) *Revocations {
	return &Revocations{store: store, log: newRefusals(log), tokens: map[string]bool{}, subjects: map[string]time.Time{}}
}

// TokenRevocation names what to revoke: one token, or all tokens and sign-ins of a subject issued
// until now.
type TokenRevocation struct {
	TokenID string
	Subject curfew.Actor // zero with TokenID
}

// RevokeTokens revokes a token, or all of a subject. It returns Invalid unless exactly one of them
// is named.
func RevokeTokens(ctx context.Context, store RevocationStore, by curfew.Actor, r TokenRevocation) error {
	v := record.Revocation{Noun: record.RevokedToken, Name: r.TokenID, Actor: by}
	switch {
	case (r.TokenID == "") == (r.Subject == curfew.Actor{}):
		return curfew.Errorf(curfew.Invalid, "name either tokenId, or role and subject")
	case r.TokenID != "":
		if err := curfew.CheckID("tokenId", r.TokenID); err != nil {
			return err
		}
	default:
		if err := checkHolder(r.Subject); err != nil {
			return err
		}
		v.Noun, v.Name = record.RevokedSubject, r.Subject.String()
	}
	return store.Revoke(ctx, v, longestTTL+revokedOverlap)
}

// check returns errProvesNothing for a revoked token, and another error if that cannot be
// determined.
func (r *Revocations) check(ctx context.Context, c claims) error {
	if err := r.readIfOld(ctx); err != nil {
		return fmt.Errorf("look for revoked tokens: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	until, named := r.subjects[c.actor().String()]
	if r.tokens[c.id] || named && !c.sent.After(until) {
		r.log.logRevoked(c)
		return errProvesNothing
	}
	return nil
}

// readIfOld reads the revocations within the call if Run has not read them for too long.
func (r *Revocations) readIfOld(ctx context.Context) error {
	if r.fresh() {
		return nil
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	if r.fresh() {
		return nil
	}
	return r.read(ctx)
}

func (r *Revocations) fresh() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.known.IsZero() && time.Since(r.known) < revokedKnown
}

// Read reads the revocations since the last time.
func (r *Revocations) Read(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	return r.read(ctx)
}

func (r *Revocations) read(ctx context.Context) error {
	began := time.Now()
	since := time.Time{}
	if !r.newest.IsZero() {
		since = r.newest.Add(-revokedOverlap)
	}
	all, err := r.store.Revocations(ctx, since)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = began
	for _, v := range all {
		if v.At.After(r.newest) {
			r.newest = v.At
		}
		if v.Noun == record.RevokedToken {
			r.tokens[v.Name] = true
		} else {
			r.subjects[v.Name] = v.At
		}
	}
	return nil
}

// Run reads revocations every few seconds until the context ends.
func (r *Revocations) Run(ctx context.Context) {
	tick := time.NewTicker(readRevoked)
	defer tick.Stop()
	failing := false
	for {
		err := r.Read(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			r.log.logger.WarnContext(ctx, "revocations of tokens cannot be read; if that lasts, calls with tokens of the local key get 503", "error", err)
		case err == nil && failing:
			r.log.logger.InfoContext(ctx, "revocations of tokens can be read again")
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
