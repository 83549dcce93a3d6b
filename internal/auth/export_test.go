package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/curfewhq/curfew"
)

// KeyTimes is keyTimes for tests.
type KeyTimes struct{ Refresh, Retry, Unknown, Fetch, Wait, Keep time.Duration }

// UsualKeyTimes returns the times in production.
func UsualKeyTimes() KeyTimes {
	t := usualKeyTimes
	return KeyTimes{t.refresh, t.retry, t.unknown, t.fetch, t.wait, t.keep}
}

// NewIdentityTimed is NewIdentity with other times. If trusted is not nil, it reaches
// the key server.
func NewIdentityTimed(ctx context.Context, o Options, t KeyTimes, trusted http.RoundTripper) (*Identity, error) {
	times := keyTimes{t.Refresh, t.Retry, t.Unknown, t.Fetch, t.Wait, t.Keep}
	if trusted == nil {
		return newIdentity(ctx, o, times)
	}
	return newIdentity(ctx, o, times, func(k *KeyServer) { k.source.client.Transport = trusted })
}

// Cookie is cookie for tests.
func (i *Identity) Cookie(a curfew.Actor) (token, id string, err error) {
	return i.cookie(a, time.Hour)
}

// Known returns how many keys are known.
func (r *Keyring) Known() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.known)
}
