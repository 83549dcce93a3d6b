package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// COPY fills the tables of a long history: without triggers, in the order of their keys, and without
// the other indexes, which are built afterwards.

// sessionsEach is how many sessions a customer has had.
const sessionsEach = 5

// past is one ended session with all that hangs on it. A third were cancelled, with a credit left.
type past struct {
	customer                   string
	session, request, checkout uuid.UUID
	at                         time.Time
	cancelled                  bool
	mechanic                   any
}

// history makes n ended sessions of the last year. Customers' names are spread evenly over those that new customers
// take, so that a history does not lie beside what is new.
type history struct {
	seed uint64
	n    int
	end  time.Time
}

func (h history) past(i int) past {
	//nolint:gosec // G404: ids need to be repeatable, not secret
	random := rand.New(rand.NewPCG(h.seed, uint64(i)))
	at := h.end.Add(-time.Duration(random.Int64N(int64(365 * 24 * time.Hour)))).Truncate(time.Microsecond)
	step := ^uint64(0) / uint64(h.n/sessionsEach+1) //nolint:gosec // a count
	p := past{
		customer: fmt.Sprintf("cus_%016x", uint64(i/sessionsEach)*step+h.seed%step), at: at, cancelled: i%3 == 0, //nolint:gosec // a count
		session: idOf(at, random), request: idOf(at, random), checkout: idOf(at, random),
	}
	if !p.cancelled {
		p.mechanic = fmt.Sprint("mec_", i%500)
	}
	return p
}

// idOf is a UUIDv7 of a time.
func idOf(at time.Time, random *rand.Rand) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|random.Uint64()&0xfff|0x7000)
	binary.BigEndian.PutUint64(id[8:], random.Uint64()&(1<<62-1)|1<<63)
	return id
}

// tableOfPast is a table with what COPY writes into it, none or more rows for each session.
type tableOfPast struct {
	name    string
	columns []string
	rows    func(past) [][]any
}

// later is a time, or NULL for a session that was cancelled.
func (p past) later(by time.Duration) any {
	if p.cancelled {
		return nil
	}
	return p.at.Add(by)
}

// either is the first of two for a session that was cancelled.
func either[T any](p past, cancelled, completed T) T {
	if p.cancelled {
		return cancelled
	}
	return completed
}

var tablesOfPast = []tableOfPast{
	{
		"sessions",
		[]string{
			"customer_id", "id", "mechanic_id", "checkout_id", "plan", "kind", "duration_seconds", "status", "version", "created_at", "accepted_at",
			"started_at", "ended_at", "end_reason",
		},
		func(p past) [][]any {
			return [][]any{{
				p.customer, p.session, p.mechanic, p.checkout, "video15", "video", 2700, either(p, "cancelled", "completed"), 2, p.at,
				p.later(90 * time.Second), p.later(2 * time.Minute), p.at.Add(15 * time.Minute), either(p, "expired", "finished"),
			}}
		},
	},
	{
		"session_requests",
		[]string{"customer_id", "id", "session_id", "mechanic_id", "customer_name", "status", "created_at", "ended_at"},
		func(p past) [][]any {
			return [][]any{{
				p.customer, p.request, p.session, p.mechanic, "Jo Meyer", either(p, "expired", "completed"), p.at, p.at.Add(15 * time.Minute),
			}}
		},
	},
	{
		"checkouts",
		[]string{
			"customer_id", "id", "ref", "plan", "amount", "currency", "email", "name", "outcome", "version", "session_id", "created_at", "updated_at",
		},
		func(p past) [][]any {
			return [][]any{{
				p.customer, p.checkout, "ref_" + p.checkout.String(), "video15", 2999, "usd", p.customer + "@example.com", "Jo Meyer",
				string(either(p, curfew.Credited, curfew.Fulfilled)), either(p, 2, 1), p.session, p.at, p.at,
			}}
		},
	},
	{
		"payment_refs",
		[]string{"ref", "customer_id", "checkout_id", "plan"},
		func(p past) [][]any {
			return [][]any{{"ref_" + p.checkout.String(), p.customer, p.checkout, "video15"}}
		},
	},
	{
		"events",
		[]string{"customer_id", "subject_id", "number", "subject", "id", "from_status", "to_status", "actor", "reason", "at", "told"},
		func(p past) [][]any {
			event := func(subject string, of uuid.UUID, number int, from, to string) []any {
				id := of // of the same time, and no other event's
				id[15] ^= byte(number)
				id[14] ^= subject[0]
				return []any{p.customer, of, number, subject, id, from, to, "service:shop", "paid", p.at, true}
			}
			all := [][]any{
				event("session", p.session, 1, "", "waiting"),
				event("session", p.session, 2, "waiting", either(p, "cancelled", "completed")), event("checkout", p.checkout, 1, "", "fulfilled"),
			}
			if p.cancelled {
				all = append(all, event("checkout", p.checkout, 2, "fulfilled", "credited"))
			}
			return all
		},
	},
}

// source feeds COPY: the rows of one table, session by session.
type source struct {
	history
	table tableOfPast
	next  int
	rows  [][]any
}

func (s *source) Next() bool {
	if len(s.rows) > 1 {
		s.rows = s.rows[1:]
		return true
	}
	if s.next == s.n {
		return false
	}
	s.rows = s.table.rows(s.past(s.next))
	s.next++
	return true
}

func (s *source) Values() ([]any, error) { return s.rows[0], nil }

func (*source) Err() error { return nil }

// selectIndexes is the indexes of a table that no constraint needs.
const selectIndexes = `SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
	WHERE i.indrelid = ('curfew.' || $1)::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`

// copyEnded loads that many ended sessions by COPY, with requests, checkouts, references and events.
func (db database) copyEnded(ctx context.Context, seed uint64, n int) error {
	h := history{seed, n, time.Now().UTC().Add(-time.Hour)}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, triggersOff+`; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'`); err != nil {
		return err
	}
	for _, t := range tablesOfPast {
		if err := t.copy(ctx, conn.Conn(), h); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	for _, sql := range []string{triggersOn, `RESET synchronous_commit; RESET maintenance_work_mem`, countLoaded, vacuum} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// copy fills a table.
func (t tableOfPast) copy(ctx context.Context, conn *pgx.Conn, h history) error {
	rows, _ := conn.Query(ctx, selectIndexes, t.name)
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Definition string }])
	if err != nil {
		return err
	}
	for _, i := range indexes {
		if _, err := conn.Exec(ctx, "DROP INDEX "+i.Name); err != nil {
			return err
		}
	}
	if _, err := conn.CopyFrom(ctx, pgx.Identifier{"curfew", t.name}, t.columns, &source{history: h, table: t}); err != nil {
		return err
	}
	for _, i := range indexes {
		if _, err := conn.Exec(ctx, i.Definition); err != nil {
			return err
		}
	}
	return nil
}
