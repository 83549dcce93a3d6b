package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
)

func keyOf(b byte) (key [32]byte) {
	for i := range key {
		key[i] = b
	}
	return key
}

// under is the endpoints as a process sees them whose keys these are.
func (b *book) under(keys ...[32]byte) *book {
	with := *b
	with.Endpoints.Store = webhook.Sealed(b.store, webhook.NewSeal(keys))
	return &with
}

// stored is the secrets of an endpoint as the database has them.
func (b *book) stored(id string) []string {
	b.Helper()
	return must(b.store.Endpoint(b.Context(), id))(b).Secrets
}

// read is its secrets as they sign.
func (b *book) read(id string) []string {
	b.Helper()
	return must(b.Endpoints.Store.Endpoint(b.Context(), id))(b).Secrets
}

func TestTheDatabaseDoesNotTellTheSecrets(t *testing.T) {
	books(t, func(b *book) {
		b = b.under(keyOf(1))
		w := b.add()
		first := w.Secrets[0]
		second := must(b.Rotate(b.Context(), w.ID))(b).Secrets[0]
		if got := b.read(w.ID); len(got) != 2 || got[0] != second || got[1] != first {
			b.Errorf("read: %q, want %q and %q", got, second, first)
		}
		other := b.add()
		for _, stored := range append(b.stored(w.ID), b.stored(other.ID)...) {
			if !strings.HasPrefix(stored, "sealed:") || strings.Contains(stored, strings.TrimPrefix(first, "whsec_")) {
				b.Errorf("the database has %q", stored)
			}
		}
		// Sealed for one endpoint, it is no other's.
		b.Exec(b, "UPDATE "+b.Schema+"webhook_endpoints SET secret = (SELECT secret FROM "+b.Schema+"webhook_endpoints WHERE id = '"+w.ID+"') WHERE id = '"+other.ID+"'")
		if got := b.read(other.ID)[0]; !strings.HasPrefix(got, "sealed:") {
			b.Errorf("another's secret was opened: %q", got)
		}
	})
}

// A key is replaced without a moment in which a message is not signed: first both count, then all is sealed with the new
// one, then the old one can go.
func TestAKeyThatSealsIsReplaced(t *testing.T) {
	books(t, func(b *book) {
		one, two := keyOf(1), keyOf(2)
		plain := b.add()
		old := b.under(one).add()
		secrets := map[string]string{plain.ID: plain.Secrets[0], old.ID: old.Secrets[0]}
		seal := webhook.NewSeal([][32]byte{two, one})
		sealing := b.Harness.Store.(webhook.SealStore)                       //nolint:errcheck,forcetypeassert // it is
		for _, want := range []webhook.SealFigures{{Fresh: 2}, {Fresh: 2}} { // again, it changes nothing
			before := b.stored(plain.ID)[0]
			if got := must(seal.Reseal(b.Context(), sealing))(b); got != want {
				b.Errorf("got %+v, want %+v", got, want)
			}
			if sealed := strings.HasPrefix(before, "sealed:"); sealed && b.stored(plain.ID)[0] != before {
				b.Error("what was sealed with that key was sealed again")
			}
		}
		for id, want := range secrets {
			if got := b.under(two).read(id); len(got) != 1 || got[0] != want {
				b.Errorf("with the new key alone: %q, want %q", got, want)
			}
			if got := b.under(one).read(id)[0]; got == want {
				b.Error("the old key still opens it")
			}
		}
		if got := must(webhook.NewSeal([][32]byte{one}).Look(b.Context(), sealing))(b); got != (webhook.SealFigures{Closed: 2}) {
			b.Errorf("with the old key: %+v", got)
		}
		_, err := webhook.Seal{}.Reseal(b.Context(), sealing)
		b.kind(err, curfew.Invalid)
	})
}

// Without its key nothing is sent unsigned, and nothing is lost.
func TestASecretThatCannotBeReadSignsNothing(t *testing.T) {
	t.Parallel()
	p := receiving(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent to") }, webhook.Options{AllowPrivate: loopback})
	w, err := p.store.(webhook.SealStore).ResealEndpoint(t.Context(), p.endpoint, []string{"sealed:00000000:AAAA"}) //nolint:errcheck,forcetypeassert // it is
	if err != nil {
		t.Fatal(err)
	}
	_, verdict := p.send(w)
	if verdict.State != record.DeliveryPending || !strings.Contains(verdict.Error, "webhooks.key") || verdict.Status != 0 {
		t.Errorf("%+v", verdict)
	}
}
