package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// admission measures paid checkouts of customers who have no open session.
func admission(ctx context.Context, o options, out *report) error {
	connections := o.pool
	if connections == 0 {
		connections = slices.Max(o.clients)
	}
	return withDatabase(ctx, o.server, connections, func(db database) error {
		if err := db.loadEnded(ctx, o.seed, o.history, endedRefs, endedEvents); err != nil {
			return err
		}
		// Without any open session in the tables, the planner would learn something that is never true
		// in practice.
		if err := db.loadWaiting(ctx, o.seed, o.history/100+100, fresh); err != nil {
			return err
		}
		if err := db.copyHistory(ctx); err != nil {
			return err
		}
		out.say("%d ended sessions before, %d connections.\n\n", o.history, connections)
		t := newTable("clients", "way", "a second", "to the floor", "p50 ms", "p99 ms", "CPU µs each", "to the floor", "WAL bytes each")
		for i, clients := range o.clients {
			if err := db.admissions(ctx, o, i, clients, &t); err != nil {
				return err
			}
		}
		t.print(out)
		return db.violations(ctx, out)
	})
}

func (db database) admissions(ctx context.Context, o options, stream, clients int, t *table) error {
	// Every way begins with fresh statistics and after a checkpoint, because the first change of a page
	// after one logs the whole page.
	if err := db.exec(ctx, `ANALYZE`, `CHECKPOINT`); err != nil {
		return err
	}
	ways := db.ways()
	crowds := map[string][]*customers{}
	for i, w := range ways {
		crowds[w.name] = crowd(o.seed, stream*len(ways)+i, clients)
	}
	all, err := interleave(ways, o.rounds, func(w way) (slice, error) {
		return db.driveWatched(ctx, w, crowds[w.name], o.slice)
	})
	if err != nil {
		return err
	}
	_, _, floor := each(all[0])
	for i, w := range ways {
		latency, wal, cpu := each(all[i])
		row := []string{
			fmt.Sprint(clients), w.name, whole(rates(all[i])), fraction(ratio(all[i], all[0])),
			millis(percentile(latency, .5)), millis(percentile(latency, .99)), "", "", fmt.Sprint(wal),
		}
		if cpu > 0 {
			row[6], row[7] = fmt.Sprint(cpu.Microseconds()), fraction(float64(floor)/float64(cpu))
		}
		t.add(row...)
	}
	return nil
}

// driveWatched is drive, which also measures what the machine spent.
func (db database) driveWatched(ctx context.Context, w way, crowd []*customers, d time.Duration) (slice, error) {
	wal, err := db.logged(ctx)
	if err != nil {
		return slice{}, err
	}
	before, err := db.spent(ctx)
	if err != nil {
		return slice{}, err
	}
	s, err := drive(ctx, w, crowd, d)
	if err != nil {
		return s, err
	}
	after, err := db.spent(ctx)
	if err != nil {
		return s, err
	}
	s.cpu = after.since(before)
	logged, err := db.logged(ctx)
	s.wal = logged - wal
	return s, err
}

// ways returns the floor, which the others are compared with, and the others.
func (db database) ways() []way {
	return []way{
		{"floor", newBare(db.pool, "floor").admit},
		{"Curfew", db.curfew},
		{"floor, Curfew's tables", newBare(db.pool, "curfew").admit},
		{"check-then-act", db.checkThenAct},
	}
}

const (
	insertSession = `INSERT INTO %s.sessions (customer_id, id, checkout_id, plan, kind, duration_seconds, status, version, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 1, now() + $7::interval)`
	insertRequest = `INSERT INTO %s.session_requests (customer_id, id, session_id, customer_name, status)
		VALUES ($1, $2, $3, $4, 'pending')`
)

// bare is the floor: the two rows in one pipelined implicit transaction, and nothing else. In the copies
// they meet only indexes, in Curfew's tables also its foreign key, checks and triggers.
type bare struct {
	pool             *pgxpool.Pool
	session, request string
}

func newBare(pool *pgxpool.Pool, schema string) bare {
	return bare{pool, fmt.Sprintf(insertSession, schema), fmt.Sprintf(insertRequest, schema)}
}

func (f bare) admit(ctx context.Context, customer string) error {
	a := paid(customer)
	var b pgx.Batch
	b.Queue(f.session, sessionArgs(a)...)
	b.Queue(f.request, requestArgs(a)...)
	return f.pool.SendBatch(ctx, &b).Close()
}

func sessionArgs(a record.Admission) []any {
	s := a.Session
	return []any{s.CustomerID, s.ID, s.CheckoutID, s.Plan, s.Kind, int64(s.Duration / time.Second), a.Deadline.After}
}

func requestArgs(a record.Admission) []any {
	return []any{a.Request.CustomerID, a.Request.ID, a.Request.SessionID, a.Request.CustomerName}
}

// curfew writes them with the claim of the payment, the checkout and two events.
func (db database) curfew(ctx context.Context, customer string) error {
	_, err := db.store.Admit(ctx, paid(customer))
	return err
}

// paid returns the admission of a new payment, as lifecycle decides it.
func paid(customer string) record.Admission {
	checkout, session := newID(), newID()
	return record.Admission{
		Checkout: curfew.Checkout{
			ID: checkout, CustomerID: customer, Ref: "ref_" + checkout, Plan: "video15", Amount: 2999, Currency: "usd",
			Email: customer + "@example.com", Name: "Jo Meyer",
		},
		Session: curfew.Session{
			ID: session, CustomerID: customer, CheckoutID: checkout, Plan: "video15", Kind: curfew.Video, Duration: 45 * time.Minute,
		},
		Request:  curfew.Request{ID: newID(), CustomerID: customer, SessionID: session, CustomerName: "Jo Meyer"},
		Deadline: curfew.Deadline{After: 15 * time.Minute},
		Actor:    curfew.Actor{Role: curfew.Service, ID: "shop"},
		Reason:   "paid",
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// What the marketplace of LESSONS does before it inserts: each statement is a round trip and a
// transaction of its own.
const (
	naiveCleanup = `UPDATE naive.sessions SET status = 'cancelled', ended_at = now(), expires_at = NULL
		WHERE customer_id = $1 AND status = 'waiting' AND created_at < now() - interval '15 minutes'`
	naiveExpire = `UPDATE naive.session_requests SET status = 'cancelled', ended_at = now()
		WHERE customer_id = $1 AND status = 'pending' AND created_at < now() - interval '15 minutes'`
	naiveWaiting = `SELECT id FROM naive.sessions WHERE customer_id = $1 AND status = 'waiting' AND created_at < now() - interval '20 minutes'`
	naivePending = `SELECT id FROM naive.session_requests WHERE customer_id = $1 AND status = 'pending'`
	naiveOpen    = `SELECT count(*) FROM naive.sessions WHERE customer_id = $1 AND status IN ('waiting', 'live')`
	naiveMade    = `SELECT status FROM naive.sessions WHERE customer_id = $1 AND id = $2`
)

// checkThenAct cleans up, asks whether the customer has an open session, inserts, and reads back.
func (db database) checkThenAct(ctx context.Context, customer string) error {
	for _, sql := range []string{naiveCleanup, naiveExpire, naiveWaiting, naivePending} {
		if _, err := db.pool.Exec(ctx, sql, customer); err != nil {
			return err
		}
	}
	open, err := db.count(ctx, naiveOpen, customer)
	if err != nil {
		return err
	}
	if open > 0 {
		return curfew.Errorf(curfew.Conflict, "customer %s has an open session", customer)
	}
	return db.act(ctx, customer)
}

func (db database) act(ctx context.Context, customer string) error {
	a := paid(customer)
	if _, err := db.pool.Exec(ctx, fmt.Sprintf(insertSession, "naive"), sessionArgs(a)...); err != nil {
		return err
	}
	if _, err := db.pool.Exec(ctx, naiveMade, customer, a.Session.ID); err != nil {
		return err
	}
	_, err := db.pool.Exec(ctx, fmt.Sprintf(insertRequest, "naive"), requestArgs(a)...)
	return err
}
