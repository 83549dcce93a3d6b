package main

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/provider"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
	"github.com/curfewhq/curfew/sqlite"
)

// A constructor that fails returns nothing that its caller could go on using.
func TestAConstructorThatFailsReturnsNothing(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none")
	for what, made := range map[string]struct {
		isNil bool
		err   error
	}{
		"lifecycle.New":         nothing(lifecycle.New(nil, lifecycle.Options{Policy: &curfew.Policy{}})),
		"httpapi.New":           nothing(httpapi.New(httpapi.Options{})),
		"httpapi.NewIdentity":   nothing(auth.NewIdentity(t.Context(), auth.Options{KeyFile: none})),
		"httpapi.NewKeyServer":  nothing(auth.NewKeyServer("http://id.example.org", nil)),
		"provider.NewHook":      nothing(provider.NewHook(provider.HookOptions{})),
		"stripe.NewHook":        nothing(stripe.NewHook(stripe.HookOptions{})),
		"stripe.NewClient":      nothing(stripe.NewClient(stripe.ClientOptions{})),
		"mail.NewChannel":       nothing(mail.NewChannel(nil, mail.Options{})),
		"sqlite.Open":           nothing(sqlite.Open(t.Context(), none, sqlite.Options{})),
		"postgres.Open":         nothing(postgres.Open(t.Context(), "postgres://127.0.0.1:1/none?connect_timeout=x")),
		"postgres.Open, nobody": nothing(postgres.Open(t.Context(), "postgres://127.0.0.1:1/none")),
		"backup.Open":           nothing(backup.Open(none)),
	} {
		if made.err == nil || !made.isNil {
			t.Errorf("%s: nothing came of it: %t, %v", what, made.isNil, made.err)
		}
	}
	if _, err := lifecycle.New(nil, lifecycle.Options{Policy: &curfew.Policy{}}); !errors.Is(err, curfew.Invalid) {
		t.Errorf("lifecycle.New: %v", err)
	}
}

func nothing[T any](made *T, err error) struct {
	isNil bool
	err   error
} {
	return struct {
		isNil bool
		err   error
	}{made == nil, err}
}
