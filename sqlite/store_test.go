package sqlite_test

import (
	"testing"

	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/sqlite"
)

// What has to be written again, because its group failed, must not remember the first time: here all
// is written twice, the first time in vain. The long form also writes it once.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Harness {
		t.Helper()
		h := stores.SQLite(t)
		sqlite.WriteTwice(h.Store.(*sqlite.Store)) //nolint:errcheck,forcetypeassert // it is SQLite's
		return h
	})
}

func TestStore_Once(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("every other test that has a store writes once")
	}
	storetest.Run(t, stores.SQLite)
}
