package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
	"github.com/curfewhq/curfew/sqlite"
)

// A shop's backend embeds Curfew over a SQLite file.
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

	again, err := keeper.Admission.FulfillCheckout(ctx, shop, paid) // a report that is repeated
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

// A checkout is paid. The session is there at once; a second payment of a customer who
// is busy is kept for later, and a report that is repeated changes nothing.
func ExampleAdmission_FulfillCheckout() {
	ctx := context.Background()
	keeper, closeStore := openShop(ctx)
	defer closeStore()
	shop := curfew.Actor{Role: curfew.Service, ID: "shop"}

	for _, ref := range []string{"pi_1", "pi_2", "pi_1"} {
		f, err := keeper.Admission.FulfillCheckout(ctx, shop, lifecycle.Purchase{
			PaymentRef: ref, CustomerID: "kim", Plan: "chat10", Name: "Kim",
		})
		fmt.Println(ref, f.Outcome, f.Replayed, f.Blocker != nil, err)
	}
	// Output:
	// pi_1 fulfilled false false <nil>
	// pi_2 deferred false true <nil>
	// pi_1 fulfilled true false <nil>
}

// A mechanic reads the queue and accepts its oldest request. Whoever is second is told
// so.
func ExampleQueue_Accept() {
	ctx := context.Background()
	keeper, closeStore := openShop(ctx)
	defer closeStore()
	shop := curfew.Actor{Role: curfew.Service, ID: "shop"}
	paid := lifecycle.Purchase{PaymentRef: "pi_1", CustomerID: "kim", Plan: "chat10", Name: "Kim"}
	if _, err := keeper.Admission.FulfillCheckout(ctx, shop, paid); err != nil {
		panic(err)
	}

	waiting, err := keeper.Queue.Pending(ctx, curfew.Cursor{}, 50)
	if err != nil {
		panic(err)
	}
	for _, s := range waiting {
		fmt.Println(s.Request.CustomerName, "waits for", s.Plan)
		accepted, err := keeper.Queue.Accept(ctx, s.Request.ID, "mia")
		fmt.Println(accepted.Status, accepted.MechanicID, err)
		_, err = keeper.Queue.Accept(ctx, s.Request.ID, "tom")
		fmt.Println(errors.Is(err, curfew.AlreadyClaimed))
	}
	// Output:
	// Kim waits for chat10
	// waiting mia <nil>
	// true
}

// An operator cleans up by hand: first a preview, then exactly what it shows.
func ExampleCleanups_ExecutePreview() {
	ctx := context.Background()
	keeper, closeStore := openShop(ctx)
	defer closeStore()
	shop := curfew.Actor{Role: curfew.Service, ID: "shop"}
	paid := lifecycle.Purchase{PaymentRef: "pi_1", CustomerID: "kim", Plan: "chat10"}
	if _, err := keeper.Admission.FulfillCheckout(ctx, shop, paid); err != nil {
		panic(err)
	}

	cleanup := lifecycle.Cleanup{
		MaxAge: time.Microsecond, // instead of the deadlines, which lie ahead
		Reason: "the shop closes early", Trigger: curfew.ByLibrary, Actor: curfew.Actor{Role: curfew.Admin, ID: "anna"},
	}
	preview, err := keeper.Cleanups.StorePreview(ctx, cleanup)
	fmt.Println(preview.Stats().OldWaitingSessions, "session would end, its payment", preview.Items[0].Owed, err)

	run, drifted, err := keeper.Cleanups.ExecutePreview(ctx, preview.ID, cleanup)
	fmt.Println(run.Outcome, run.Stats.OldWaitingSessions, len(drifted), err)

	stats, err := keeper.Cleanups.RunFullCleanup(ctx) // what is overdue: nothing is left
	fmt.Println(stats.TotalCleaned, err)
	// Output:
	// 1 session would end, its payment credited <nil>
	// succeeded 1 0 <nil>
	// 0 <nil>
}

// openShop opens a keeper over a new SQLite file, for as long as an example runs.
func openShop(ctx context.Context) (keeper *lifecycle.Keeper, closeStore func()) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		panic(err)
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "shop.db"), sqlite.Options{Create: true})
	if err != nil {
		panic(err)
	}
	if _, err := store.Migrate(ctx); err != nil {
		panic(err)
	}
	keeper, err = lifecycle.New(store, lifecycle.Options{})
	if err != nil {
		panic(err)
	}
	return keeper, func() {
		store.Close()
		os.RemoveAll(dir)
	}
}

// On PostgreSQL, Curfew lives in schema curfew of the marketplace's own database, and
// gets a connection pool of its own. Run enforces the deadlines until the context ends.
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
