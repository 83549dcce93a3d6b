package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// keyFresh is how long a key is cached. After that, a revoked key is refused everywhere.
	keyFresh = 10 * time.Second
	// maxKnownKeys limits the cached keys. Further keys are read on every use.
	maxKnownKeys = 1000
)

// Keyring verifies API keys. It caches keys for a few seconds, and only existing ones, so that
// invented keys cannot displace them.
type Keyring struct {
	store   KeyStore
	refused refusals
	used    *uses

	mu    sync.Mutex
	known map[string]knownKey
}

type knownKey struct {
	key record.APIKey
	at  time.Time // when it was asked for
}

// NewKeyring returns a keyring on a store. A nil log discards the log.
func NewKeyring(store KeyStore, log *slog.Logger) *Keyring {
	refused := newRefusals(log)
	return &Keyring{store: store, refused: refused, used: newUses("keys", store.UseAPIKeys, refused.logger), known: map[string]knownKey{}}
}

// verify returns who calls with a key. Every failure is errProvesNothing, or expired for a key that
// was valid until its end; except that a failure of the store is returned as it is.
func (r *Keyring) verify(ctx context.Context, text string) (claims, error) {
	id, secret, ok := parseKey(text)
	if !ok {
		return claims{}, r.refuse("", errors.New("it is not a whole key"))
	}
	k, err := r.key(ctx, id)
	switch {
	case errors.Is(err, curfew.NotFound):
		return claims{}, r.refuse(id, err)
	case err != nil:
		return claims{}, fmt.Errorf("look for key %s: %w", id, err)
	}
	until, why := judgeKey(k, secret, time.Now())
	if why != nil {
		if old, ok := errors.AsType[expired](why); ok {
			return claims{}, old
		}
		return claims{}, r.refuse(id, why)
	}
	r.used.note(id)
	c := claims{subject: k.Name, role: curfew.Service, scope: k.Scope}
	if !until.IsZero() {
		c.expires = &numericDate{until}
	}
	return c, nil
}

// judgeKey returns when a key with this secret ends, or why it is refused.
func judgeKey(k record.APIKey, secret string, now time.Time) (until time.Time, why error) {
	is, was := hasSecret(k, secret)
	until = k.ExpiresAt
	if !is && was && (until.IsZero() || k.OldUntil.Before(until)) {
		until = k.OldUntil
	}
	switch {
	case !is && !was:
		return until, errors.New("it has another secret")
	case !k.RevokedAt.IsZero():
		return until, errors.New("it is revoked")
	case !until.IsZero() && !now.Before(until):
		return until, expired{until}
	}
	return until, nil
}

// refuse logs why a key is refused, for operators only.
func (r *Keyring) refuse(id string, why error) error {
	r.refused.logKey(id, why)
	return errProvesNothing
}

// key returns a key from the cache, or reads it.
func (r *Keyring) key(ctx context.Context, id string) (record.APIKey, error) {
	now := time.Now()
	if k, ok := r.remembered(id, now); ok {
		return k, nil
	}
	k, err := r.store.APIKey(ctx, id)
	if err == nil {
		r.remember(k, now)
	}
	return k, err
}

func (r *Keyring) remembered(id string, now time.Time) (record.APIKey, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, ok := r.known[id]
	return k.key, ok && now.Sub(k.at) < keyFresh
}

// remember caches a key that was requested at that time, unless a newer read is already there.
func (r *Keyring) remember(k record.APIKey, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxKnownKeys {
		maps.DeleteFunc(r.known, func(_ string, old knownKey) bool { return at.Sub(old.at) >= keyFresh })
	}
	if before, ok := r.known[k.ID]; ok && before.at.After(at) || !ok && len(r.known) >= maxKnownKeys {
		return
	}
	r.known[k.ID] = knownKey{k, at}
}

// Run periodically writes which keys were used, until the context ends, and once more then.
func (r *Keyring) Run(ctx context.Context) { r.used.run(ctx) }

// KeepUse writes which keys were used since the last time.
func (r *Keyring) KeepUse(ctx context.Context) error { return r.used.keep(ctx) }
