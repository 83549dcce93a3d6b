package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/curfewhq/curfew/internal/pgtest"
)

// The programs of older schemas, as scripts/long builds them from the history,
// serve under load; today's takes their place, and the last one's comes back.

// programs are those of older schemas, the oldest first.
func programs(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("CURFEW_TEST_OLD")
	if dir == "" {
		t.Skip("make long builds the older programs that this needs")
	}
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(all) == 0 {
		t.Fatalf("there are no older programs in %s (%v)", dir, err)
	}
	return all
}

func TestLong_EveryOlderProgramIsReplacedOnPostgreSQL(t *testing.T) {
	t.Parallel()
	all := programs(t)
	for i, old := range all {
		t.Run(filepath.Base(old), func(t *testing.T) {
			t.Parallel()
			replaced(t, old, i == len(all)-1)
		})
	}
}

// replaced puts today's program in the place of two replicas of an old one while
// calls come in, and the old one's back.
func replaced(t *testing.T, old string, back bool) {
	t.Helper()
	dir, url := t.TempDir(), pgtest.Database(t)
	env := []string{"CURFEW_DATABASE_URL=" + url}
	runs(t, old, dir, env, "migrate")
	replica := func(program string) *process { return servingBy(t, program, dir, env, "--auth-key-file=curfew.key") }
	b := newBalancer(t, replica(old), replica(old))
	client := clientOf(t, dir, b.url)
	load := newTraffic(t, 4, "c", client)
	more := func(what string) {
		t.Helper()
		n := load.calls.Load() + upgradeCalls
		until(t.Context(), t, what, func() bool { return load.calls.Load() > n })
		if failed := load.failed.Load(); failed > 0 {
			t.Fatalf("%s: %d calls failed, the first with: %v", what, failed, load.firstError())
		}
	}
	more("the old program serves")
	runs(t, "curfew", dir, env, "migrate")
	more("the old program serves on today's schema")
	for i := range b.replicas {
		b.exchange(t, i, replica("curfew"))
	}
	more("today's program serves")
	if back {
		for i := range b.replicas {
			b.exchange(t, i, replica(old))
		}
		more("the old program serves again")
	}
	load.whole(t)
	sound(t, url)
}

// exchange lets a replica in, the one in its place out, and ends that: an old
// program does not drain by itself.
func (b *balancer) exchange(t *testing.T, i int, p *process) {
	t.Helper()
	out := b.replicas[i]
	b.put(t, i, p)
	until(t.Context(), t, "its calls have ended", func() bool { return b.underWay(out) == 0 })
	_ = out.end(syscall.SIGTERM) // an old one may say that it cut streams off
}

func TestLong_EveryOlderProgramIsReplacedOnSQLite(t *testing.T) {
	t.Parallel()
	all := programs(t)
	for i, old := range all {
		t.Run(filepath.Base(old), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			turns := 0
			turn := func(program string) {
				t.Helper()
				turns++
				p := servingBy(t, program, dir, nil, "--auth-key-file=curfew.key")
				load := newTraffic(t, 4, fmt.Sprint("turn", turns), clientOf(t, dir, p.url))
				until(t.Context(), t, "calls are answered", func() bool { return load.calls.Load() > upgradeCalls })
				load.whole(t)
				if err := p.end(syscall.SIGTERM); err != nil {
					t.Errorf("%s ended with %v", program, err)
				}
			}
			turn(old)
			turn("curfew")
			if i == len(all)-1 {
				turn(old)
				turn("curfew")
			}
			sound(t, "sqlite:"+filepath.Join(dir, "curfew.db"))
		})
	}
}

func runs(t *testing.T, program, dir string, env []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(withoutSettings(os.Environ()), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
}
