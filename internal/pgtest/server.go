package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server of one test, which the test may break.
type Cluster struct {
	URL string // of its database postgres
	Dir string // its data directory
}

// Server starts a server that is removed when t ends. Each option is a setting,
// NAME=VALUE. parent is the directory to create it in; if empty, memory is used
// if there is room.
func Server(t testing.TB, parent string, options ...string) *Cluster {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	args := []string{filepath.Join(filepath.Dir(here), "..", "..", "scripts", "with-postgres")}
	if parent == "" {
		args = append(args, "-m")
	}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	ctx := context.WithoutCancel(t.Context())                                                                           // its folder is to go after the server
	cmd := exec.CommandContext(ctx, args[0], append(args[1:], "sh", "-c", `echo "$CURFEW_TEST_POSTGRES"; exec cat`)...) //nolint:gosec // our own script
	cmd.Env, cmd.Stderr = append(cmd.Environ(), "CURFEW_TEST_POSTGRES="), os.Stderr
	if parent != "" {
		cmd.Env = append(cmd.Env, "TMPDIR="+parent)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the tests goes to us first
	running, err := cmd.StdinPipe()
	must(t, err)
	says, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = running.Close() // ends cat, and with it the script
		_ = cmd.Wait()      // the test may have broken the server beyond a clean stop
	})
	line, err := bufio.NewReader(says).ReadString('\n')
	must(t, err)
	c := &Cluster{URL: strings.TrimSpace(line)}
	c.ask(t, `SHOW data_directory`, &c.Dir)
	return c
}

// Database makes a database on the cluster and returns its URL.
func (c *Cluster) Database(t testing.TB, name string) string {
	t.Helper()
	admin, err := url.Parse(c.URL)
	must(t, err)
	must(t, execute(t.Context(), admin, "CREATE DATABASE "+quote(name)))
	return address(admin, name)
}

// Exec runs a statement on the cluster's database postgres. It can write even
// where default_transaction_read_only is on.
func (c *Cluster) Exec(t testing.TB, sql string) {
	t.Helper()
	admin, err := url.Parse(c.URL + "&default_transaction_read_only=off")
	must(t, err)
	must(t, execute(context.WithoutCancel(t.Context()), admin, sql))
}

// ask reads one value from the cluster.
func (c *Cluster) ask(t testing.TB, sql string, into any) {
	t.Helper()
	admin, err := url.Parse(c.URL)
	must(t, err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	defer cancel()
	must(t, connected(ctx, admin, func(conn *pgx.Conn) error { return conn.QueryRow(ctx, sql).Scan(into) }))
}

// Freeze stops every process that serves a client, as `kill -STOP` does: no
// socket is closed and nothing answers. It returns how many there were. They
// resume when t ends. A process that was stopped while holding something
// shared, such as the write-ahead log, a page or a row, would stop others, too;
// then Freeze resumes all of them and tries again.
func (c *Cluster) Freeze(t testing.TB) int {
	t.Helper()
	for range 50 {
		var pids []int
		c.ask(t, `SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`, &pids)
		signal(pids, syscall.SIGSTOP)
		if c.atRest(t, pids) && c.writes(t) && c.alone(t, pids) {
			t.Cleanup(func() { signal(pids, syscall.SIGCONT) })
			return len(pids)
		}
		signal(pids, syscall.SIGCONT)
	}
	t.Fatal("pgtest: whenever its clients' processes stop, the server does too")
	return 0
}

func signal(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s) // it may have ended
	}
}

// atRest reports whether each of these processes waits for its client, and has written nothing
// that it has not committed.
func (c *Cluster) atRest(t testing.TB, pids []int) (all bool) {
	t.Helper()
	return c.soon(t, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT coalesce(bool_and(wait_event_type = 'Client' AND backend_xid IS NULL), true)
			FROM pg_stat_activity WHERE pid = ANY ($1)`, pids).Scan(&all)
	}) && all
}

// alone reports whether no client has connected to another database since these processes were stopped: one that had
// given up its old connections would not notice.
func (c *Cluster) alone(t testing.TB, pids []int) (all bool) {
	t.Helper()
	return c.soon(t, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT coalesce(bool_and(pid = ANY ($1)), true)
			FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname <> current_database()`, pids).Scan(&all)
	}) && all
}

// writes reports whether a commit comes back.
func (c *Cluster) writes(t testing.TB) bool {
	t.Helper()
	return c.soon(t, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `DROP TABLE IF EXISTS written; CREATE TABLE written (n int); INSERT INTO written VALUES (1)`)
		return err
	})
}

// soon reports whether something succeeds within a second, on a new connection.
func (c *Cluster) soon(t testing.TB, do func(context.Context, *pgx.Conn) error) bool {
	t.Helper()
	admin, err := url.Parse(c.URL)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return connected(ctx, admin, func(conn *pgx.Conn) error { return do(ctx, conn) }) == nil
}

// Control runs pg_ctl on the cluster: stop, start, promote, with their options.
// A restarted server keeps its port and settings.
func (c *Cluster) Control(t testing.TB, args ...string) {
	t.Helper()
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if must(t, err); len(programs) == 0 {
		programs = []string{"pg_ctl"}
	}
	args = append([]string{programs[len(programs)-1], "--silent", "--wait", "--pgdata=" + c.Dir, "--log=" + filepath.Join(c.Dir, "..", "server.log")}, args...)
	if os.Geteuid() == 0 {
		args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...) //nolint:gosec // PostgreSQL's own program
	cmd.Dir = c.Dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("pgtest: %s: %w: %s", strings.Join(args, " "), err, text))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Demote restarts the cluster as a standby without a primary; promoting it
// makes it a primary again.
func (c *Cluster) Demote(t testing.TB) {
	t.Helper()
	c.Control(t, "stop", "--mode=fast")
	signal := filepath.Join(c.Dir, "standby.signal")
	must(t, os.WriteFile(signal, nil, 0o644)) //nolint:gosec // the server reads it as another user
	if info, err := os.Stat(c.Dir); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			must(t, os.Chown(signal, int(owner.Uid), int(owner.Gid)))
		}
	}
	c.start(t)
}

// start starts the cluster with the options of its first start.
func (c *Cluster) start(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.Dir, "postmaster.opts"))
	must(t, err)
	_, options, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	c.Control(t, "start", "--options="+options)
}
