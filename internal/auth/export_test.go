package auth

import (
	"context"
	"net/http"
	"time"
)

// KeyTimes is the rhythm of a key server, in a test.
type KeyTimes struct{ Refresh, Retry, Unknown, Fetch, Wait, Keep time.Duration }

// UsualKeyTimes is the rhythm of production.
func UsualKeyTimes() KeyTimes {
	t := usualKeyTimes
	return KeyTimes{t.refresh, t.retry, t.unknown, t.fetch, t.wait, t.keep}
}

// NewIdentityTimed is NewIdentity with another rhythm, and a key server that is
// reached by trusted, where that is given.
func NewIdentityTimed(ctx context.Context, o Options, t KeyTimes, trusted http.RoundTripper) (*Identity, error) {
	times := keyTimes{t.Refresh, t.Retry, t.Unknown, t.Fetch, t.Wait, t.Keep}
	if trusted == nil {
		return newIdentity(ctx, o, times)
	}
	return newIdentity(ctx, o, times, func(k *KeyServer) { k.client.Transport = trusted })
}
