package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var revocations = contract{
	"revocations are read, all or since a time":            readsRevocations,
	"revoking a subject again moves its revocation to now": movesRevocation,
	"old revocations are deleted":                          forgetsRevocations,
}

// revocationStore is the part of a store that stores revocations.
type revocationStore interface {
	Revoke(ctx context.Context, v record.Revocation, keep time.Duration) error
	Revocations(ctx context.Context, since time.Time) ([]record.Revocation, error)
}

const keepRevocations = 24 * time.Hour

func (f *fixture) revoke(noun record.RevokedNoun, name string) {
	f.Helper()
	store := f.Store.(revocationStore) //nolint:errcheck,forcetypeassert // both are
	f.must(store.Revoke(f.Context(), record.Revocation{Noun: noun, Name: name, Actor: curfew.Actor{Role: curfew.Admin, ID: "anna"}}, keepRevocations))
}

func (f *fixture) revoked(since time.Time) []record.Revocation {
	f.Helper()
	store := f.Store.(revocationStore) //nolint:errcheck,forcetypeassert // both are
	all, err := store.Revocations(f.Context(), since)
	f.must(err)
	return all
}

// ageRevocation moves a revocation back to the time at which an API key expired.
func (f *fixture) ageRevocation(name string, by time.Duration) {
	f.Helper()
	k := unwrittenAPIKey()
	k.ExpiresAt = time.Now().Add(-by)
	_, err := f.apiKeys().AddAPIKey(f.Context(), k)
	f.must(err)
	f.exec("UPDATE {revocations} SET at = (SELECT expires_at FROM {api_keys} WHERE id = $1) WHERE name = $2", k.ID, name)
}

func readsRevocations(f *fixture) {
	f.same("at first", f.revoked(time.Time{}), []record.Revocation{})
	f.revoke(record.RevokedToken, "token-1")
	f.revoke(record.RevokedSubject, "customer:ada")
	all := f.revoked(time.Time{})
	f.same("how many", len(all), 2)
	for i, v := range all {
		f.around("revoked", v.At, time.Now())
		all[i].At = time.Time{}
	}
	anna := curfew.Actor{Role: curfew.Admin, ID: "anna"}
	f.same("what", all, []record.Revocation{
		{Noun: record.RevokedToken, Name: "token-1", Actor: anna}, {Noun: record.RevokedSubject, Name: "customer:ada", Actor: anna},
	})
	f.ageRevocation("token-1", 10*time.Minute)
	f.same("since five minutes", len(f.revoked(time.Now().Add(-5*time.Minute))), 1)
}

func movesRevocation(f *fixture) {
	f.revoke(record.RevokedSubject, "customer:ada")
	f.ageRevocation("customer:ada", 10*time.Minute)
	f.revoke(record.RevokedSubject, "customer:ada")
	all := f.revoked(time.Time{})
	f.same("how many", len(all), 1)
	f.around("revoked", all[0].At, time.Now())
}

func forgetsRevocations(f *fixture) {
	f.revoke(record.RevokedToken, "token-1")
	f.ageRevocation("token-1", keepRevocations+time.Minute)
	f.revoke(record.RevokedToken, "token-2")
	f.same("kept", f.rows("SELECT name FROM {revocations}"), []string{"token-2"})
}
