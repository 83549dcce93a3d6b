package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// book is the endpoints of one store.
type book struct {
	*testing.T
	storetest.Harness
	webhook.Endpoints
	store webhook.Store
}

// books runs a test on both stores.
func books(t *testing.T, test func(*book)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			store := h.Store.(webhook.Store) //nolint:errcheck,forcetypeassert // it is
			test(&book{T: t, Harness: h, store: store, Endpoints: webhook.Endpoints{Store: store}})
		})
	}
}

// must is what a step answers, which must work.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (b *book) kind(err error, want curfew.Kind) {
	b.Helper()
	if curfew.KindOf(err) != want {
		b.Fatalf("got %v, want an error of kind %s", err, want)
	}
}

func (b *book) add() record.Endpoint {
	b.Helper()
	return must(b.Add(b.Context(), record.Endpoint{URL: "https://example.org/hooks", Description: "the shop", Kinds: []string{"session.live"}}))(b)
}

func TestAnEndpointIsKeptAndItsSecretNotShownAgain(t *testing.T) {
	books(t, func(b *book) {
		w := b.add()
		if len(w.Secrets) != 1 || !w.Enabled || w.Version != 1 || w.CreatedAt.IsZero() {
			b.Fatalf("added: %+v", w)
		}
		want := w
		want.Secrets = nil
		for _, got := range []record.Endpoint{must(b.Show(b.Context(), w.ID))(b), must(b.List(b.Context()))(b)[0]} {
			if diff := cmp.Diff(want, got); diff != "" {
				b.Errorf("(-want +got):\n%s", diff)
			}
		}
		_, err := b.Show(b.Context(), notify.NewID())
		b.kind(err, curfew.NotFound)
		_, err = b.Show(b.Context(), "x")
		b.kind(err, curfew.NotFound)
	})
}

func TestWhatNoEndpointCanBe(t *testing.T) {
	books(t, func(b *book) {
		for sentence, w := range map[string]record.Endpoint{
			"a private address": {URL: "https://10.0.0.1/"},
			"no address":        {URL: "x"},
			"an unknown event":  {URL: "https://example.org", Kinds: []string{"session.vanished"}},
			"a long text":       {URL: "https://example.org", Description: strings.Repeat("x", 201)},
			"a line break":      {URL: "https://example.org", Description: "a\nb"},
		} {
			if _, err := b.Add(b.Context(), w); curfew.KindOf(err) != curfew.Invalid {
				b.Errorf("%s: %v", sentence, err)
			}
			_, err := b.Change(b.Context(), b.add().ID, func(now *record.Endpoint) { now.URL, now.Kinds, now.Description = w.URL, w.Kinds, w.Description })
			b.kind(err, curfew.Invalid)
		}
	})
}

func TestAnEndpointIsChangedAsItWasRead(t *testing.T) {
	books(t, func(b *book) {
		w := b.add()
		off := must(b.Change(b.Context(), w.ID, func(w *record.Endpoint) { w.Enabled, w.Kinds = false, nil }))(b)
		if off.Enabled || off.DisabledAt.IsZero() || len(off.Kinds) != 0 || off.Version != 2 || off.Description != "the shop" {
			b.Errorf("disabled: %+v", off)
		}
		_, err := b.store.ChangeEndpoint(b.Context(), w)
		b.kind(err, curfew.Conflict)
		_, err = b.store.RotateEndpoint(b.Context(), w, webhook.NewSecret(), 0)
		b.kind(err, curfew.Conflict)
		b.kind(b.store.RemoveEndpoint(b.Context(), w), curfew.Conflict)
		on := must(b.Change(b.Context(), w.ID, func(w *record.Endpoint) { w.Enabled = true }))(b)
		if !on.Enabled || !on.DisabledAt.IsZero() || on.DisabledReason != "" {
			b.Errorf("enabled: %+v", on)
		}
	})
}

func TestAReplacedSecretSignsAlongForADay(t *testing.T) {
	books(t, func(b *book) {
		w := b.add()
		rotated := must(b.Rotate(b.Context(), w.ID))(b)
		stored := must(b.store.Endpoint(b.Context(), w.ID))(b)
		if len(rotated.Secrets) != 1 || len(stored.Secrets) != 2 || stored.Secrets[0] != rotated.Secrets[0] || stored.Secrets[1] != w.Secrets[0] {
			b.Errorf("%v became %v, stored as %v", w.Secrets, rotated.Secrets, stored.Secrets)
		}
		b.Exec(b, "UPDATE "+b.Schema+"webhook_endpoints SET old_until = created_at")
		if stored = must(b.store.Endpoint(b.Context(), w.ID))(b); len(stored.Secrets) != 1 || stored.Secrets[0] != rotated.Secrets[0] {
			b.Errorf("after a day it has %v", stored.Secrets)
		}
	})
}

func TestARemovedEndpointGetsNothingMore(t *testing.T) {
	books(t, func(b *book) {
		w, stays := b.add(), b.add()
		d := must(b.Test(b.Context(), w.ID))(b)
		must(b.Test(b.Context(), stays.ID))(b)
		if err := b.Remove(b.Context(), w.ID); err != nil {
			b.Fatal(err)
		}
		post := b.Harness.Store.(notify.Admin) //nolint:errcheck,forcetypeassert // it is
		_, err := post.Delivery(b.Context(), d.ID)
		b.kind(err, curfew.NotFound)
		b.kind(b.Remove(b.Context(), w.ID), curfew.NotFound)
		if n := len(b.Query(b, "SELECT id FROM "+b.Schema+"deliveries")); n != 1 {
			b.Errorf("%d deliveries are left", n)
		}
	})
}

func TestADisabledEndpointIsAFindingOnlyWhereNobodyDidIt(t *testing.T) {
	books(t, func(b *book) {
		byHand, itself := b.add(), b.add()
		must(b.Test(b.Context(), byHand.ID))(b)
		must(b.Change(b.Context(), byHand.ID, func(w *record.Endpoint) { w.Enabled = false }))(b)
		itself.Enabled, itself.DisabledReason = false, "it answered 410 Gone"
		must(b.store.ChangeEndpoint(b.Context(), itself))(b)
		b.Exec(b, "UPDATE "+b.Schema+"deliveries SET next_at = "+b.longAgo())
		if got := must(b.Harness.Store.DeliveryFigures(b.Context()))(b); got != (curfew.DeliveryFigures{Pending: 1, Disabled: 1}) {
			b.Errorf("resting: %+v", got)
		}
		must(b.Change(b.Context(), byHand.ID, func(w *record.Endpoint) { w.Enabled = true }))(b)
		if got := must(b.Harness.Store.DeliveryFigures(b.Context()))(b); got != (curfew.DeliveryFigures{Pending: 1, Overdue: 1, Disabled: 1}) {
			b.Errorf("enabled: %+v", got)
		}
	})
}

// longAgo is a moment of yesterday as SQL.
func (b *book) longAgo() string {
	if b.Schema == "" {
		return "created_at - 86400000000"
	}
	return "created_at - interval '1 day'"
}
