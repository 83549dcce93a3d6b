package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
)

// How many customers are contended for, and by how many callers each.
const (
	contested = 100
	callers   = 8
)

// contention lets callers admit the same customer at the same moment.
func contention(ctx context.Context, o options, out *report) error {
	return withDatabase(ctx, o.server, callers, func(db database) error {
		out.say("%d customers, %d callers at once for each.\n\n", contested, callers)
		t := newTable("way", "admitted", "refused", "customers with two open sessions")
		for i, w := range db.ways() {
			var admitted, refused int
			for _, c := range crowd(o.seed, i, contested) {
				yes, no, err := rush(ctx, w, c.next())
				if err != nil {
					return fmt.Errorf("%s: %w", w.name, err)
				}
				admitted, refused = admitted+yes, refused+no
			}
			double, err := db.doubles(ctx, schemas[w.name])
			if err != nil {
				return err
			}
			t.add(w.name, fmt.Sprint(admitted), fmt.Sprint(refused), fmt.Sprint(double))
		}
		t.print(out)
		return nil
	})
}

// rush starts all callers at once and counts their results.
func rush(ctx context.Context, w way, customer string) (admitted, refused int, err error) {
	errs := make([]error, callers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			<-start
			errs[i] = w.do(ctx, customer)
		})
	}
	close(start)
	all.Wait()
	for _, e := range errs {
		switch {
		case e == nil:
			admitted++
		case taken(e):
			refused++
		default:
			err = e
		}
	}
	return admitted, refused, err
}

// taken reports whether the error says that the customer's slot was taken.
func taken(err error) bool {
	var refused *pgconn.PgError
	return errors.Is(err, curfew.Conflict) || errors.As(err, &refused) && refused.Code == "23505"
}

// schemas are where each way writes.
var schemas = map[string]string{"floor": "floor", "Curfew": "curfew", "floor, Curfew's tables": "curfew", "check-then-act": "naive"}

func (db database) doubles(ctx context.Context, schema string) (int64, error) {
	return db.count(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT FROM %s.sessions WHERE status IN ('waiting', 'live')
		GROUP BY customer_id HAVING count(*) > 1) double`, schema))
}

// violations reports, after a run, how many customers have two open sessions.
func (db database) violations(ctx context.Context, out *report) error {
	out.say("\nCustomers with two open sessions afterwards:")
	for _, w := range db.ways() {
		n, err := db.doubles(ctx, schemas[w.name])
		if err != nil {
			return err
		}
		out.say(" %s %d.", w.name, n)
	}
	out.say("\n")
	return nil
}
