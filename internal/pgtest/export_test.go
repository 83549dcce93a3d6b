package pgtest

import (
	"context"
	"testing"
)

// Forget drops the template of that name when t ends, so that a server of longer life than these
// tests keeps nothing of theirs.
func Forget(t testing.TB, name string) {
	t.Helper()
	admin := server(t)
	t.Cleanup(func() {
		if err := execute(context.WithoutCancel(t.Context()), admin, dropStatement(originalName(name))); err != nil {
			t.Error(err)
		}
	})
}
