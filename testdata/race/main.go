// Command race uses SQLite from two goroutines, with a data race of its own or
// without one.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"

	_ "modernc.org/sqlite"
)

func main() {
	if err := run(len(os.Args) > 1 && os.Args[1] == "planted"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run adds up what two goroutines read. Planted, they add without the lock. What
// one reads of the other through a mutex, sync.Map or sync.Pool is no race.
func run(planted bool) error {
	db, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var mu sync.Mutex
	total := 0
	add := func(n int) {
		if !planted {
			mu.Lock()
			defer mu.Unlock()
		}
		total += n
	}
	var group sync.WaitGroup
	var failed error
	var last sync.Map
	var spare sync.Pool
	for range 2 {
		group.Go(func() {
			for range 100 {
				var n int
				if err := db.QueryRowContext(context.Background(), "SELECT 1").Scan(&n); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
				add(n)
				if before, ok := last.Swap("n", new(n)); ok {
					n += *before.(*int) - 1
				}
				if used, ok := spare.Get().(*int); ok {
					*used++
				}
				spare.Put(new(int))
			}
		})
	}
	group.Wait()
	if failed == nil && !planted && total != 200 {
		return fmt.Errorf("%d, want 200", total)
	}
	return failed
}
