package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/pgtest"
)

// What is promised of a database that fails and comes back, by the production's
// own limits.
const (
	noticedIn = 10 * time.Second // readiness and health are wrong for no longer
	healedIn  = 15 * time.Second // and every payment succeeds again
)

// monitor asks a service again and again.
type monitor struct {
	*testing.T
	*process
	dir   string
	shop  *api.Client
	admin *api.Client
}

func monitored(t *testing.T, url string, args ...string) *monitor {
	t.Helper()
	dir := t.TempDir()
	p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url}, append([]string{"--auth-key-file=curfew.key", "--drain=0s"}, args...)...)
	return &monitor{t, p, dir, p.client(t, dir, "service", "shop"), p.client(t, dir, "admin", "me")}
}

// ready is the status of /readyz and what it says; 0: no answer in 3 seconds.
func (w *monitor) ready() (status int, text string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.Context()), 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.ops+"/readyz", nil)
	if err != nil {
		w.Error(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body) // only told
	return resp.StatusCode, strings.TrimSpace(string(body))
}

// since is how long it takes from a moment until look is true.
func (w *monitor) since(at time.Time, what string, look func() bool) time.Duration {
	w.Helper()
	until(w.Context(), w.T, what, look)
	return time.Since(at).Round(10 * time.Millisecond)
}

func (w *monitor) isReady() bool { status, _ := w.ready(); return status == http.StatusOK }

// unwritable reports whether health knows that writes fail.
func (w *monitor) unwritable() bool {
	h, err := w.admin.Health(w.Context())
	return err == nil && h.Writable != nil && !*h.Writable && h.Health != "healthy" &&
		slices.ContainsFunc(h.Findings, func(f api.HealthFinding) bool { return f.Code == "not_writable" && f.Severity == "critical" })
}

func (w *monitor) pay(ctx context.Context, customer string) error {
	_, err := w.shop.FulfillCheckout(ctx, api.Purchase{PaymentRef: "ref-" + customer, CustomerID: customer, Plan: "chat10"})
	return err
}

// outage is a way for a database to fail, and to be mended.
type outage struct {
	begin, end func()
	says       string // of what /readyz answers
	some       bool   // payments succeed as long as there is room, or by one round trip
}

// held holds a service to what is promised of an outage.
func (w *monitor) held(o outage) {
	w.Helper()
	until(w.Context(), w.T, "it is ready", w.isReady)
	if err := w.pay(w.Context(), "before"); err != nil {
		w.Fatal(err)
	}
	o.begin()
	at := time.Now()
	noticed := w.since(at, "it is not ready", func() bool { return !w.isReady() })
	status, text := w.ready()
	known := w.since(at, "health says that writes fail", w.unwritable)
	failed := w.pay(w.Context(), "during")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, o.says) || failed == nil && !o.some {
		w.Errorf("/readyz answers %d %q; a payment meanwhile: %v", status, text, failed)
	}
	if e := (*api.Problem)(nil); errors.As(failed, &e) && e.Status < http.StatusInternalServerError { // the provider must come again
		w.Errorf("a payment meanwhile is answered with %d: %v", e.Status, failed)
	}
	o.end()
	at = time.Now()
	healed := w.since(at, "it is ready again", w.isReady)
	for i := range 20 {
		if err := w.pay(w.Context(), fmt.Sprint("after-", i)); err != nil {
			w.Errorf("payment %d of 20: %v", i+1, err)
		}
	}
	if err := w.pay(w.Context(), "during"); err != nil { // the provider repeats itself
		w.Error(err)
	}
	w.Logf("readiness was wrong for %s when it began and for %s when it ended, health for %s", noticed, healed, known)
	if noticed > noticedIn || known > noticedIn || healed > healedIn {
		w.Errorf("not ready after %s, known after %s, healed after %s", noticed, known, healed)
	}
}

// cluster is a server of the test's own with a migrated database.
func cluster(t *testing.T, parent string, options ...string) (*pgtest.Cluster, string) {
	t.Helper()
	needPostgres(t)
	c := pgtest.Server(t, parent, options...)
	url := c.Database(t, "curfew")
	migrated(t, url)
	return c, url
}

// terminate ends every connection, so that new ones have the new settings.
const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`

// D4, D9, D10 and their kin.
func TestServe_KnowsThatPostgreSQLTakesNoWrites(t *testing.T) {
	t.Parallel()
	for what, begin := range map[string]func(t *testing.T) (*monitor, outage){
		"a role that may only read for a while": func(t *testing.T) (*monitor, outage) {
			c, url := cluster(t, "")
			return monitored(t, url), outage{
				func() {
					c.Exec(t, `ALTER ROLE postgres SET default_transaction_read_only = on`)
					c.Exec(t, terminate)
				},
				func() { c.Exec(t, `ALTER ROLE postgres RESET default_transaction_read_only`) }, "default_transaction_read_only", false,
			}
		},
		"a server that is told to only read": func(t *testing.T) (*monitor, outage) {
			c, url := cluster(t, "")
			return monitored(t, url), outage{
				func() {
					c.Exec(t, `ALTER SYSTEM SET default_transaction_read_only = on`)
					c.Exec(t, `SELECT pg_reload_conf()`)
				},
				func() {
					c.Exec(t, `ALTER SYSTEM RESET default_transaction_read_only`)
					c.Exec(t, `SELECT pg_reload_conf()`)
				}, "takes no writes", false,
			}
		},
		"a primary that becomes a standby": func(t *testing.T) (*monitor, outage) {
			c, url := cluster(t, "")
			return monitored(t, url), outage{func() { c.Demote(t) }, func() { c.Control(t, "promote") }, "standby", false}
		},
		"a standby that may be read": func(t *testing.T) (*monitor, outage) {
			c, url := cluster(t, "")
			return monitored(t, url+"&target_session_attrs=any"), outage{func() { c.Demote(t) }, func() { c.Control(t, "promote") }, "25006", false}
		},
		"a schema that is missing": func(t *testing.T) (*monitor, outage) {
			_, url := cluster(t, "")
			return monitored(t, url), outage{
				func() { besideServe(t, url, `ALTER SCHEMA curfew RENAME TO gone`) },
				func() { besideServe(t, url, `ALTER SCHEMA gone RENAME TO curfew`) }, "curfew.", false,
			}
		},
		"a right that was taken": func(t *testing.T) (*monitor, outage) {
			c, url := cluster(t, "")
			c.Exec(t, `CREATE ROLE keeper LOGIN`)
			besideServe(t, url, `GRANT USAGE ON SCHEMA curfew TO keeper; GRANT ALL ON ALL TABLES IN SCHEMA curfew TO keeper; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA curfew TO keeper`)
			return monitored(t, strings.Replace(url, "postgres@", "keeper@", 1)), outage{
				func() { besideServe(t, url, `REVOKE ALL ON ALL TABLES IN SCHEMA curfew FROM keeper`) },
				func() { besideServe(t, url, `GRANT ALL ON ALL TABLES IN SCHEMA curfew TO keeper`) }, "42501", false,
			}
		},
		"a full disk": func(t *testing.T) (*monitor, outage) {
			disk := smallDisk(t, "700m")
			_, url := cluster(t, disk, "shared_buffers=16MB", "min_wal_size=32MB", "max_wal_size=64MB")
			return monitored(t, url), outage{func() { fillDisk(t, disk) }, func() { enlarge(t, disk, "900m") }, "53100", true}
		},
		"a pooler in statement mode": func(t *testing.T) (*monitor, outage) {
			_, url := cluster(t, "")
			through := pooled(t, url)
			admin := strings.Replace(through, "/curfew?", "/pgbouncer?", 1) + "&default_query_exec_mode=simple_protocol"
			return monitored(t, through), outage{
				func() { besideServe(t, admin, `SET pool_mode = 'statement'`) },
				func() { besideServe(t, admin, `SET pool_mode = 'transaction'`) }, "", true,
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w, o := begin(t)
			w.held(o)
		})
	}
}

// Who looks at a standby is told that it is one, and what to do.
func TestCommandsSayThatAServerIsAStandby(t *testing.T) {
	t.Parallel()
	c, url := cluster(t, "")
	c.Demote(t)
	for line, code := range map[string]int{"curfew health": 2, "curfew preflight": 1, "curfew explain kim": 1} {
		args := strings.Fields(line)
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir, cmd.Env = t.TempDir(), append(withoutSettings(os.Environ()), "CURFEW_DATABASE_URL="+url)
		text, _ := cmd.CombinedOutput() // its code says more
		if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(string(text), "it is a standby: name the primary") {
			t.Errorf("%s ends with %d, want %d:\n%s", line, got, code, text)
		}
		cmd = exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir, cmd.Env = t.TempDir(), append(withoutSettings(os.Environ()), "CURFEW_DATABASE_URL="+url+"&target_session_attrs=any")
		if text, _ = cmd.CombinedOutput(); strings.Contains(string(text), "name the primary, or") {
			t.Errorf("%s does not read a standby that it was given:\n%s", line, text)
		}
	}
}

// besideServe runs a statement beside the service.
func besideServe(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), sql)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// smallDisk is a file system in memory of that size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts a file system")
	}
	disk, err := os.MkdirTemp("/tmp", "disk") //nolint:usetesting // t.TempDir is too long for the path of a server's socket
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("curfew", disk, "tmpfs", 0, "size="+size+",mode=0755"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = errors.Join(syscall.Unmount(disk, syscall.MNT_DETACH), os.Remove(disk)) })
	return disk
}

// fillDisk leaves no byte free.
func fillDisk(t *testing.T, disk string) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 1<<20); len(chunk) > 0; {
		if _, err := f.Write(chunk); err != nil {
			chunk = chunk[:len(chunk)/2]
		}
	}
	if err := f.Close(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func enlarge(t *testing.T, disk, size string) {
	t.Helper()
	if err := syscall.Mount("curfew", disk, "tmpfs", syscall.MS_REMOUNT, "size="+size); err != nil {
		t.Fatal(err)
	}
}

func TestServe_KnowsThatSQLiteTakesNoWrites(t *testing.T) {
	t.Parallel()
	for what, begin := range map[string]func(t *testing.T) (*monitor, outage){
		"a full disk": func(t *testing.T) (*monitor, outage) {
			disk := smallDisk(t, "16m")
			w := monitored(t, "sqlite:"+filepath.Join(disk, "curfew.db"))
			return w, outage{func() {
				fillDisk(t, disk)
				for i := range 200 { // until what the log has room for is used up
					if w.pay(t.Context(), fmt.Sprint("filling-", i)) != nil {
						return
					}
				}
			}, func() { enlarge(t, disk, "32m") }, "full", false}
		},
		"a lock of another program": func(t *testing.T) (*monitor, outage) {
			w, other := besideSQLite(t)
			return w, outage{func() { other(`BEGIN IMMEDIATE`) }, func() { other(`ROLLBACK`) }, "takes no writes", false}
		},
		"a table that is missing": func(t *testing.T) (*monitor, outage) {
			w, other := besideSQLite(t)
			return w, outage{
				func() { other(`ALTER TABLE checkouts RENAME TO gone`) },
				func() { other(`ALTER TABLE gone RENAME TO checkouts`) }, "checkouts", false,
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w, o := begin(t)
			w.held(o)
		})
	}
}

// besideSQLite is a service, and another program on its file.
func besideSQLite(t *testing.T) (*monitor, func(sql string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "curfew.db")
	w := monitored(t, "sqlite:"+path)
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	return w, func(sql string) {
		if _, err := db.ExecContext(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// countsWebhooks counts webhooks.
func countsWebhooks(t *testing.T) (url string, received *atomic.Int64) {
	t.Helper()
	received = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { received.Add(1) }))
	t.Cleanup(s.Close)
	return s.URL, received
}

// D: every process of the server that serves a client is stopped, under
// traffic, with a sweeper, a listener and deliveries.
func TestServe_EveryConnectionDiesSilently(t *testing.T) {
	t.Parallel()
	c, url := cluster(t, "")
	at, received := countsWebhooks(t)
	w := monitored(t, url, "--waiting-ttl=2s", "--webhooks-allow-private=127.0.0.0/8")
	if _, err := w.admin.AddEndpoint(t.Context(), api.NewEndpoint{URL: at}); err != nil {
		t.Fatal(err)
	}
	var paid atomic.Int64
	traffic, stop := context.WithCancel(t.Context())
	var customers sync.WaitGroup
	defer customers.Wait()
	defer stop()
	for n := range 3 {
		customers.Go(func() {
			// A server whose every moment is a commit would stop as a whole.
			for i, tick := 0, time.NewTicker(50*time.Millisecond); traffic.Err() == nil; i++ {
				<-tick.C
				if w.pay(traffic, fmt.Sprintf("c-%d-%d", n, i)) == nil {
					paid.Add(1)
				}
			}
		})
	}
	until(t.Context(), t, "there is traffic, sessions end, and events are delivered", func() bool {
		h, err := w.admin.Health(t.Context())
		return err == nil && paid.Load() > 200 && h.Sessions.ByStatus["cancelled"] > 50 && received.Load() > 50
	})
	var noticed atomic.Bool // also while Freeze still finds out whether the server goes on
	customers.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); traffic.Err() == nil && w.isReady(); {
			<-tick.C
		}
		noticed.Store(true)
	})
	frozen, begun := c.Freeze(t), time.Now()
	before := paid.Load()
	succeed := func() bool { return paid.Load() > before+20 }
	// A probe that happens to need a new connection succeeds, and the service is ready: only calls under way wait.
	unready := w.since(begun, "it is not ready, or payments succeed", func() bool { return noticed.Load() || succeed() })
	late := noticed.Load() && unready > noticedIn
	pays := w.since(begun, "payments succeed", succeed)
	again := w.since(begun, "it is ready again", w.isReady)
	if err := w.pay(t.Context(), "overdue"); err != nil {
		t.Fatal(err)
	}
	ends := w.since(begun, "overdue sessions end", func() bool {
		status, err := w.admin.SessionStatus(t.Context(), "overdue")
		return err == nil && !status.Blocked
	})
	earlier := received.Load()
	delivered := w.since(begun, "events are delivered", func() bool { return received.Load() > earlier+20 })
	well := w.since(begun, "health says that writes succeed", func() bool {
		h, err := w.admin.Health(t.Context())
		return err == nil && h.Writable != nil && *h.Writable && *h.Sweeper.Alive
	})
	t.Logf("%d backends stopped: not ready, or well again, after %s; payments succeed after %s, ready after %s, sessions end after %s, events are delivered after %s, "+
		"health is right after %s", frozen, unready, pays, again, ends, delivered, well)
	if late || again-pays > noticedIn || pays > 20*time.Second || max(ends, delivered, well) > 40*time.Second {
		t.Error("that took too long")
	}
}
