package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
	"github.com/curfewhq/curfew/sqlite"
)

// A shop's backend embeds Curfew with a SQLite file: it fulfils what is paid,
// and asks before it promises a second session.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	store, err := sqlite.Open(ctx, filepath.Join(dir, "shop.db"), sqlite.Options{Create: true})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	if _, err := store.Migrate(ctx); err != nil {
		panic(err)
	}
	keeper, err := lifecycle.New(store, lifecycle.Options{})
	if err != nil {
		panic(err)
	}

	shop := curfew.Actor{Role: curfew.Service, ID: "shop"}
	paid := lifecycle.Purchase{PaymentRef: "pi_1", CustomerID: "kim", Plan: "chat10"}
	first, err := keeper.Admission.FulfillCheckout(ctx, shop, paid)
	fmt.Println(first.Outcome, err)

	again, err := keeper.Admission.FulfillCheckout(ctx, shop, paid) // the provider repeats itself
	fmt.Println(again.SessionID == first.SessionID, err)

	_, err = keeper.Admission.CreateSession(ctx, shop, lifecycle.NewSession{CustomerID: "kim", Plan: "free"})
	fmt.Println(errors.Is(err, curfew.SessionOpen))

	s, err := keeper.Queue.Accept(ctx, first.RequestID, "mia")
	fmt.Println(s.Status, s.MechanicID, err)
	// Output:
	// fulfilled <nil>
	// true <nil>
	// true
	// waiting mia <nil>
}

// With a pool of its own, Curfew lives in schema curfew of the marketplace's
// database. Run keeps the deadlines until the context ends.
func Example_postgres() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://shop@localhost/shop")
	if err != nil {
		panic(err)
	}
	defer pool.Close()

	store := postgres.New(pool)
	if err := store.Verify(ctx); err != nil {
		panic(err)
	}
	keeper, err := lifecycle.New(store, lifecycle.Options{})
	if err != nil {
		panic(err)
	}
	if err := keeper.Sweeper.Run(ctx); err != nil {
		panic(err)
	}
}
