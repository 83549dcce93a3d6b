package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// backlog is so many overdue sessions that no sweep ends them in one page.
const backlog = 3000

// addOverdue writes them as Curfew would have.
var addOverdue = []string{
	`CREATE TABLE planted AS SELECT 'c-' || i AS customer, gen_random_uuid() AS session, gen_random_uuid() AS request, gen_random_uuid() AS checkout
		FROM generate_series(1, $1::int) i`,
	`INSERT INTO curfew.sessions (customer_id, id, checkout_id, plan, status, version, created_at, expires_at)
		SELECT customer, session, checkout, 'chat10', 'waiting', 1, now() - interval '1 hour', now() - interval '45 minutes' FROM planted`,
	`INSERT INTO curfew.session_requests (customer_id, id, session_id, status, created_at)
		SELECT customer, request, session, 'pending', now() - interval '1 hour' FROM planted`,
	`INSERT INTO curfew.checkouts (customer_id, id, ref, plan, outcome, version, session_id) SELECT customer, checkout, checkout::text, 'chat10', 'fulfilled', 1, session FROM planted`,
	`INSERT INTO curfew.payment_refs (ref, customer_id, checkout_id, plan) SELECT checkout::text, customer, checkout, 'chat10' FROM planted`,
	`INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, to_status, actor)
		SELECT customer, session, 1, 'session', gen_random_uuid(), 'waiting', 'service:shop' FROM planted
		UNION ALL SELECT customer, checkout, 1, 'checkout', gen_random_uuid(), 'fulfilled', 'service:shop' FROM planted`,
}

// TestAReplicaThatIsKilledLeavesNothingHalfDone kills one of two services with
// -9 while both settle a backlog.
func TestAReplicaThatIsKilledLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	db, url := stores.PostgresURL(t)
	for i, statement := range addOverdue {
		if i == 0 {
			db.Exec(t, statement, backlog)
			continue
		}
		db.Exec(t, statement)
	}
	dir := t.TempDir()
	env := []string{"CURFEW_DATABASE_URL=" + url}
	one, other := serving(t, dir, env, "--auth-key-file=curfew.key"), serving(t, dir, env, "--auth-key-file=curfew.key")
	left := func() int {
		n, err := strconv.Atoi(db.Query(t, "SELECT count(*) FROM curfew.sessions WHERE status = 'waiting'")[0][0])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	until(t.Context(), t, "both are in the middle", func() bool { return left() < backlog })
	_ = one.cmd.Process.Kill() // -9
	if err := one.wait(); err == nil || left() == 0 {
		t.Fatalf("not in the middle: %d left (%v)", left(), err)
	}
	killed := time.Now()
	atKill := left()
	until(t.Context(), t, "the other goes on", func() bool { return left() < atKill })
	t.Logf("%d of %d were left; the other went on after %s", atKill, backlog, time.Since(killed).Round(time.Millisecond))
	until(t.Context(), t, "all is settled", func() bool { return left() == 0 })
	storetest.CheckInvariants(t, db)
	if ended := db.Query(t, `SELECT count(*) FROM curfew.events WHERE subject = 'session' AND to_status = 'cancelled'`)[0][0]; ended != strconv.Itoa(backlog) {
		t.Errorf("%s endings of %d sessions", ended, backlog)
	}
	health, err := other.client(t, dir, "admin", "me").Health(t.Context())
	if err != nil || health.Sessions.ByStatus["cancelled"] != backlog || health.Sweeper.Alive == nil || !*health.Sweeper.Alive {
		t.Errorf("health says %v, sweeper %+v (%v)", health.Sessions.ByStatus, health.Sweeper, err)
	}
}

// TestReplicasHearOfEachOther: who sweeps is another process than who admits.
func TestReplicasHearOfEachOther(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	_, url := stores.PostgresURL(t)
	dir := t.TempDir()
	env := []string{"CURFEW_DATABASE_URL=" + url}
	serving(t, dir, env, "--auth-key-file=curfew.key")
	admits := serving(t, dir, env, "--auth-key-file=curfew.key", "--sweeper=off", "--waiting-ttl=1s").client(t, dir, "service", "shop")
	done, err := admits.FulfillCheckout(context.WithoutCancel(t.Context()), api.Purchase{PaymentRef: "r", CustomerID: "c", Plan: "chat10"})
	if err != nil {
		t.Fatal(err)
	}
	until(t.Context(), t, "the other replica ends the session", func() bool {
		s, err := admits.Session(t.Context(), done.SessionID)
		return err == nil && s.EndReason == "expired"
	})
}
