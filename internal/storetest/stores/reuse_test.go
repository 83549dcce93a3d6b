package stores_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
)

func TestMain(m *testing.M) { stores.Main(m) }

// The steps are one after the other: each sees what the one before left.
func TestADatabaseIsHandedOnEmpty(t *testing.T) {
	var first, then database
	t.Run("what a test changes", func(t *testing.T) {
		h := stores.Postgres(t)
		first = look(t, h)
		pay(t, h)
		h.Exec(t, "UPDATE curfew.tallies SET n = n + 7")
		if cmp.Equal(first.Rows, look(t, h).Rows) {
			t.Fatal("a payment changes nothing that can be seen")
		}
	})
	t.Run("is gone for the next", func(t *testing.T) {
		h := stores.Postgres(t)
		if diff := cmp.Diff(first, look(t, h)); diff != "" {
			t.Errorf("the database is not as it was (-first +second):\n%s", diff)
		}
		pay(t, h) // and it works
		h.Freeze(t)
		h.FailAt(t, -1)
	})
	for how, alter := range map[string]func(*testing.T, storetest.Harness){
		"a table":              func(t *testing.T, h storetest.Harness) { t.Helper(); h.Exec(t, "CREATE TABLE left_over ()") },
		"a setting":            func(t *testing.T, h storetest.Harness) { t.Helper(); h.Exec(t, "SET lock_timeout = '1ms'") },
		"guards that were off": guardsOff,
		"many rows": func(t *testing.T, h storetest.Harness) {
			t.Helper()
			h.Exec(t, "INSERT INTO curfew.signals (name, at) SELECT 'x' || n, now() FROM generate_series(1, 3000) n")
		},
		"a statement that goes on": goesOn,
	} {
		t.Run("but not "+how, func(t *testing.T) {
			h := stores.Postgres(t)
			then = look(t, h)
			alter(t, h)
		})
		t.Run("which nobody has after "+how, func(t *testing.T) {
			if got := look(t, stores.Postgres(t)); got.Name == then.Name {
				t.Errorf("%s went on to the next test", got.Name)
			}
		})
	}
}

// database is one's name, and all that it says of itself.
type database struct {
	Name string
	Rows map[string][][]string
}

func look(t *testing.T, h storetest.Harness) database {
	t.Helper()
	d := database{h.Query(t, "SELECT current_database()")[0][0], map[string][][]string{}}
	for _, table := range h.Query(t, "SELECT tablename FROM pg_tables WHERE schemaname = 'curfew' AND tablename <> 'signals'") {
		d.Rows[table[0]] = h.Query(t, "SELECT * FROM curfew."+table[0]+" t ORDER BY t::text")
	}
	return d
}

func pay(t *testing.T, h storetest.Harness) {
	t.Helper()
	keeper, err := lifecycle.New(h.Store, lifecycle.Options{SweeperOff: true})
	if err == nil {
		_, err = keeper.Admission.FulfillCheckout(t.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
			PaymentRef: "pi_1", CustomerID: "kim", Plan: "chat10",
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func guardsOff(t *testing.T, h storetest.Harness) {
	t.Helper()
	if err := opened(t, h).SetGuards(t.Context(), false); err != nil {
		t.Fatal(err)
	}
}

func goesOn(t *testing.T, h storetest.Harness) {
	t.Helper()
	go opened(t, h).Broken(context.WithoutCancel(t.Context()), "SELECT pg_sleep(1)") //nolint:errcheck // nobody needs its end
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		if h.Query(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")[0][0] == "1" {
			return
		}
	}
	t.Fatal("nothing goes on")
}

func opened(t *testing.T, h storetest.Harness) *postgres.Store {
	t.Helper()
	s, ok := h.Store.(*postgres.Store)
	if !ok {
		t.Fatalf("the store is a %T", h.Store)
	}
	return s
}
