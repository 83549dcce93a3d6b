package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// pooled is the URL of the same database behind a PgBouncer in transaction mode
// with so few connections that every caller gets another's.
func pooled(t *testing.T, direct string) string {
	t.Helper()
	return bouncing(t, direct, "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout") +
		"&default_query_exec_mode=cache_describe"
}

// bouncing is the URL of the same database behind such a PgBouncer, with one more setting.
func bouncing(t *testing.T, direct, setting string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // not in everybody's PATH
	}
	at, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	config := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
admin_users = postgres
%s
`, at.Hostname(), at.Port(), at.User.Username(), port, setting)
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	run := []string{program, "-q", "/dev/stdin"}
	if os.Geteuid() == 0 {
		run = append(run, "-u", "nobody") // it refuses to be root
	}
	cmd := exec.Command(run[0], run[1:]...)
	if cmd.Stdin, err = os.Open(file); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: run scripts/install-test-deps", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); t.Failed() {
			t.Logf("pgbouncer ended with %v and said:\n%s", err, said.String())
		}
	})
	at.Host = net.JoinHostPort("127.0.0.1", port)
	until(t.Context(), t, "PgBouncer answers", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at.Host)
		return err == nil && conn.Close() == nil
	})
	return at.String()
}

// A pooler that refuses the parameters with which connections begin is named, and how to live with it; preflight says what that costs.
func TestAPoolerThatRefusesParameters(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	_, direct := stores.PostgresURL(t)
	at := bouncing(t, direct, "verbose = 0") + "&pgbouncer=true&connection_limit=5&pool_timeout=10"
	opened := func(args ...string) (database, error) {
		s, err := parse(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		return s.open(t.Context())
	}
	if _, err := opened("--database-url=" + at); !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "unsupported startup parameter") ||
		!strings.Contains(err.Error(), "set database_timeouts to role") {
		t.Errorf("got %v", err)
	}
	if _, err := opened("--database-url="+direct+"&colour=red", "--database-wait=0s"); !errors.Is(err, curfew.Invalid) ||
		!strings.Contains(err.Error(), `unrecognized configuration parameter "colour": take it out of the URL`) {
		t.Errorf("an unknown parameter: got error %v", err)
	}
	db, err := opened("--database-url="+at, "--database-timeouts=role")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test's own
	facts, err := db.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fixes, values := map[string]string{}, map[string]string{}
	for _, f := range facts {
		fixes[f.Name], values[f.Name] = f.Fix, f.Value
	}
	if !strings.Contains(values["pooler"], "found by polling") {
		t.Errorf("nothing is said of the pooler: %v", values)
	}
	for name, value := range map[string]string{"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"} {
		if want := "SET " + name + " = '" + value + "'"; !strings.HasPrefix(fixes[name], "ALTER ROLE ") || !strings.HasSuffix(fixes[name], want) {
			t.Errorf("%s: the fix is %q", name, fixes[name])
		}
	}
}

// freePort is one that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nobody was told of it
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestReplicasBehindAPooler: nothing of theirs needs a session of the
// database's, so a pooler that gives every transaction another one only costs
// the notifications.
func TestReplicasBehindAPooler(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	db, direct := stores.PostgresURL(t)
	dir, env := t.TempDir(), []string{"CURFEW_DATABASE_URL=" + pooled(t, direct)}
	one := serving(t, dir, env, "--auth-key-file=curfew.key", "--waiting-ttl=6s")
	other := serving(t, dir, env, "--auth-key-file=curfew.key", "--waiting-ttl=6s")
	shop := one.client(t, dir, "service", "shop")
	const customers = 40
	var all sync.WaitGroup
	for i := range customers {
		all.Go(func() {
			for n := range 2 { // the second is deferred
				p := api.Purchase{PaymentRef: fmt.Sprintf("r-%d-%d", i, n), CustomerID: fmt.Sprint("c-", i), Plan: "chat10"}
				if _, err := shop.FulfillCheckout(t.Context(), p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	accepted := acceptOldest(t, other.client(t, dir, "mechanic", "max"))
	until(t.Context(), t, "all who wait have had both of their sessions", func() bool {
		return db.Query(t, "SELECT count(*) FROM curfew.sessions WHERE status = 'cancelled' AND end_reason = 'expired'")[0][0] == fmt.Sprint(2*(customers-1))
	})
	if s, err := shop.Session(t.Context(), accepted); err != nil || s.Status != "waiting" || s.MechanicID != "max" {
		t.Errorf("the accepted session is %+v (%v)", s, err)
	}
	storetest.CheckInvariants(t, db)
	health, err := one.client(t, dir, "admin", "me").Health(t.Context())
	if err != nil || health.Sweeper.Alive == nil || !*health.Sweeper.Alive {
		t.Errorf("the sweeper is %+v (%v)", health.Sweeper, err)
	}
}

// acceptOldest accepts the first request of the queue, and returns its session.
func acceptOldest(t *testing.T, mechanic *api.Client) string {
	t.Helper()
	queue, err := mechanic.Queue(t.Context(), api.Page{})
	if err != nil || len(queue.Requests) == 0 {
		t.Fatalf("the queue is %+v (%v)", queue, err)
	}
	got, err := mechanic.Accept(t.Context(), queue.Requests[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return got.Session.ID
}
