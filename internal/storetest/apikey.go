package storetest

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var apiKeys = contract{
	"a key is read as it was written":                                       readsAPIKey,
	"a key without a scope is read without one":                             readsUnboundAPIKey,
	"a missing key is not found":                                            missesAPIKey,
	"a rotation keeps the previous secret for a while":                      rotatesAPIKey,
	"a key is revoked once, and cannot be rotated afterwards":               revokesAPIKey,
	"the last use of a key is recorded to the minute, and never moves back": usesAPIKeys,
	"a change of a key with another version changes nothing":                refusesMovedAPIKey,
	"a key with an empty or invalid scope is refused":                       refusesEmptyScope,
}

// apiKeyStore is the part of a store that stores API keys.
type apiKeyStore interface {
	AddAPIKey(ctx context.Context, k record.APIKey) (record.APIKey, error)
	APIKeys(ctx context.Context) ([]record.APIKey, error)
	APIKey(ctx context.Context, id string) (record.APIKey, error)
	RotateAPIKey(ctx context.Context, k record.APIKey, hash string, keep time.Duration) (record.APIKey, error)
	RevokeAPIKey(ctx context.Context, k record.APIKey, by curfew.Actor) (record.APIKey, error)
	UseAPIKeys(ctx context.Context, ids []string) error
}

func (f *fixture) apiKeys() apiKeyStore {
	return f.Store.(apiKeyStore) //nolint:errcheck,forcetypeassert // both are
}

// hashOf returns a hash for tests: 64 times the same digit.
func hashOf(digit string) string { return strings.Repeat(digit, 64) }

func unwrittenAPIKey() record.APIKey {
	most := int64(5000)
	return record.APIKey{
		ID: newID(), Name: "shop", Hash: hashOf("a"), CreatedBy: curfew.Actor{Role: curfew.Admin, ID: "anna"},
		Scope:     record.KeyScope{CustomerPrefix: "de-", Routes: []string{"sessions", "fulfillCheckout"}, MaxAmount: &most, Currency: "eur"},
		ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
	}
}

func (f *fixture) apiKey() record.APIKey {
	f.Helper()
	k, err := f.apiKeys().AddAPIKey(f.Context(), unwrittenAPIKey())
	f.must(err)
	return k
}

// storedAs fails unless the store reads the key like this.
func (f *fixture) storedAs(what string, want record.APIKey) {
	f.Helper()
	got, err := f.apiKeys().APIKey(f.Context(), want.ID)
	f.must(err)
	f.same(what, got, want)
}

func readsAPIKey(f *fixture) {
	want := unwrittenAPIKey()
	added, err := f.apiKeys().AddAPIKey(f.Context(), want)
	f.must(err)
	f.around("created", added.CreatedAt, time.Now())
	want.CreatedAt, want.Version = added.CreatedAt, 1
	f.same("added", added, want)
	f.storedAs("read", want)
	other := f.apiKey()
	all, err := f.apiKeys().APIKeys(f.Context())
	f.must(err)
	f.same("all", all, []record.APIKey{want, other})
}

func readsUnboundAPIKey(f *fixture) {
	want := unwrittenAPIKey()
	want.Scope, want.ExpiresAt = record.KeyScope{}, time.Time{}
	added, err := f.apiKeys().AddAPIKey(f.Context(), want)
	f.must(err)
	if added.Scope.Routes != nil || added.Scope.MaxAmount != nil {
		f.Errorf("it is bound to %+v", added.Scope)
	}
	want.CreatedAt, want.Version = added.CreatedAt, 1
	f.same("added", added, want)
}

func missesAPIKey(f *fixture) {
	for _, id := range []string{newID(), "", "x' OR 1=1", strings.ToUpper(newID())} {
		f.refused(curfew.NotFound, func() error { return failed(f.apiKeys().APIKey(f.Context(), id)) })
	}
}

func rotatesAPIKey(f *fixture) {
	k := f.apiKey()
	got, err := f.apiKeys().RotateAPIKey(f.Context(), k, hashOf("b"), time.Hour)
	f.must(err)
	f.same("how long both count", got.OldUntil.Sub(got.RotatedAt), time.Hour)
	f.around("rotated", got.RotatedAt, time.Now())
	k.Hash, k.OldHash, k.OldUntil, k.RotatedAt, k.Version = hashOf("b"), hashOf("a"), got.OldUntil, got.RotatedAt, 2
	f.same("rotated", got, k)
	f.storedAs("read", k)
	again, err := f.apiKeys().RotateAPIKey(f.Context(), k, hashOf("c"), 0)
	f.must(err)
	f.same("the hashes", []string{again.Hash, again.OldHash}, []string{hashOf("c"), hashOf("b")})
	f.same("and no time for the one before", again.OldUntil, again.RotatedAt)
}

func revokesAPIKey(f *fixture) {
	k, by := f.apiKey(), curfew.Actor{Role: curfew.Admin, ID: "otto"}
	got, err := f.apiKeys().RevokeAPIKey(f.Context(), k, by)
	f.must(err)
	f.around("revoked", got.RevokedAt, time.Now())
	k.RevokedAt, k.RevokedBy, k.Version = got.RevokedAt, by, 2
	f.same("revoked", got, k)
	f.storedAs("read", k)
	f.refused(curfew.Conflict, func() error { return failed(f.apiKeys().RevokeAPIKey(f.Context(), got, by)) })
	f.refused(curfew.Conflict, func() error { return failed(f.apiKeys().RotateAPIKey(f.Context(), got, hashOf("b"), time.Hour)) })
}

func usesAPIKeys(f *fixture) {
	idle, old := f.apiKey(), unwrittenAPIKey()
	old.ExpiresAt = time.Now().Add(-time.Hour)
	_, err := f.apiKeys().AddAPIKey(f.Context(), old)
	f.must(err)
	for range 2 {
		f.must(f.apiKeys().UseAPIKeys(f.Context(), []string{old.ID, newID()}))
		got, err := f.apiKeys().APIKey(f.Context(), old.ID)
		f.must(err)
		f.around("used", got.UsedAt, time.Now())
		f.same("to the minute", got.UsedAt, got.UsedAt.Truncate(time.Minute))
		f.same("nothing else", got.Version, int64(1))
		f.exec("UPDATE {api_keys} SET used_at = expires_at WHERE id = $1", old.ID) // as if it had been used long ago
	}
	f.storedAs("the other", idle)
	f.must(f.apiKeys().UseAPIKeys(f.Context(), []string{}))
}

func refusesMovedAPIKey(f *fixture) {
	k := f.apiKey()
	_, err := f.apiKeys().RotateAPIKey(f.Context(), k, hashOf("b"), time.Hour)
	f.must(err)
	f.refused(curfew.Conflict, func() error { return failed(f.apiKeys().RotateAPIKey(f.Context(), k, hashOf("c"), time.Hour)) })
	f.refused(curfew.Conflict, func() error { return failed(f.apiKeys().RevokeAPIKey(f.Context(), k, shop)) })
}

func refusesEmptyScope(f *fixture) {
	negative := int64(-1)
	for sentence, change := range map[string]func(*record.APIKey){
		"no name":            func(k *record.APIKey) { k.Name = "" },
		"no hash":            func(k *record.APIKey) { k.Hash = "" },
		"a negative amount":  func(k *record.APIKey) { k.Scope.MaxAmount = &negative },
		"a currency alone":   func(k *record.APIKey) { k.Scope.MaxAmount = nil },
		"an id that is none": func(k *record.APIKey) { k.ID = f.apiKey().ID },
	} {
		k := unwrittenAPIKey()
		change(&k)
		if _, err := f.apiKeys().AddAPIKey(f.Context(), k); err == nil {
			f.Errorf("%s: it was written", sentence)
		}
	}
}
