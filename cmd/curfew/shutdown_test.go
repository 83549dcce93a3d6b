package main

import (
	"bufio"
	"flag"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

var rollingDrain = flag.String("rolling-drain", "2s", "the drain of replicas that are restarted one after the other; with 0s some calls fail")

// Two replicas are replaced one after the other, behind a balancer that looks
// now and then: nobody notices.
func TestARollingRestartLosesNoCall(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	db, url := stores.PostgresURL(t)
	dir := t.TempDir()
	replica := func() *process {
		return serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url}, "--auth-key-file=curfew.key", "--drain="+*rollingDrain)
	}
	old := []*process{replica(), replica()}
	b := newBalancer(t, old[0], old[1])
	client := old[0].client(t, dir, "service", "shop")
	client.BaseURL = b.url
	load := newTraffic(t, 8, "c", client)
	until(t.Context(), t, "calls are under way", func() bool { return load.calls.Load() > 50 })
	for i, p := range old {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("replica %d ended with %v", i, err)
		}
		b.put(t, i, replica())
	}
	load.whole(t)
	storetest.CheckInvariants(t, db)
}

// Whatever ends a service ends it alike: not ready at once, yet it answers for
// the drain; then it is gone within five seconds, with streams open and calls
// that never end.
func TestAStopTakesTheDrainAndLittleMore(t *testing.T) {
	t.Parallel()
	const drain = 2 * time.Second
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := serving(t, dir, nil, "--drain="+drain.String())
			token := p.client(t, dir, "service", "shop").Token
			stream := dial(t, p.url)
			send(t, stream, "GET /api/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\n\r\n")
			if _, err := bufio.NewReader(stream).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			send(t, dial(t, p.url), "POST /api/checkouts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+
				"\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{") // and no more
			dial(t, p.url) // asks for nothing

			begun := time.Now()
			if err := p.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			until(t.Context(), t, "it is not ready", func() bool { return strings.HasPrefix(get(t, p.ops+"/readyz"), "503") })
			if took := time.Since(begun); took > drain/2 {
				t.Errorf("it was ready for %s more", took)
			}
			res, err := http.Get(p.url + "/openapi.json")
			if err != nil || res.StatusCode != http.StatusOK || !res.Close {
				t.Fatalf("during the drain it answers %+v (%v)", res, err)
			}
			_ = res.Body.Close() // only its head matters
			if err := p.wait(); err == nil || !strings.Contains(p.stderr(), "were cut off") {
				t.Errorf("a call that never ends was not cut off: %v", err)
			}
			if took := time.Since(begun); took < drain || took > drain+5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A database whose processes answer nothing does not keep a service from ending.
func TestAStopDoesNotWaitForADatabaseThatHangs(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	cluster := pgtest.Server(t, "")
	url := cluster.Database(t, "shop")
	migrated(t, url)
	dir := t.TempDir()
	p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url}, "--auth-key-file=curfew.key")
	load := newTraffic(t, 2, "c", p.client(t, dir, "service", "shop"))
	until(t.Context(), t, "calls are under way", func() bool { return load.calls.Load() > 10 })
	if n := cluster.Freeze(t); n == 0 {
		t.Fatal("nothing was stopped")
	}
	begun := time.Now()
	_ = p.end(syscall.SIGTERM) // calls were cut off, and it says so
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAStopWithoutCallsIsInGoodOrder(t *testing.T) {
	t.Parallel()
	p := serving(t, t.TempDir(), nil)
	dial(t, p.url) // asks for nothing
	begun := time.Now()
	if err := p.end(syscall.SIGHUP); err != nil || time.Since(begun) > 3*time.Second {
		t.Errorf("it took %s and ended with %v", time.Since(begun), err)
	}
}

func TestASecondSignalSkipsTheDrain(t *testing.T) {
	t.Parallel()
	p := serving(t, t.TempDir(), nil, "--drain=1m")
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t.Context(), t, "it drains", func() bool { return strings.Contains(p.stderr(), "(drain)") })
	if err := p.end(syscall.SIGTERM); err != nil || time.Since(begun) > 10*time.Second {
		t.Errorf("it took %s and ended with %v", time.Since(begun), err)
	}
}

// nohup leaves a hang-up ignored.
func TestAnIgnoredHangUpStaysIgnored(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `trap "" HUP; exec curfew serve --listen=127.0.0.1:0 --listen-ops=127.0.0.1:0`)
	cmd.Dir, cmd.Env = t.TempDir(), withoutSettings(cmd.Environ())
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(pipe)
	for line := ""; !strings.Contains(line, "for operators"); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || strings.Count(string(rest), "stopping: calls under way") != 1 {
		t.Errorf("it ended with %v and said %s", err, rest)
	}
}
