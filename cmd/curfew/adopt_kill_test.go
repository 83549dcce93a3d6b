package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A command that is killed, at whatever moment, is given again and comes to the same end. The
// marketplace writes on meanwhile.
func TestAnAdoptionIsKilledAtEveryMoment(t *testing.T) {
	t.Parallel()
	write, with := desk(t)
	schema := func() string {
		out, err := exec.CommandContext(t.Context(), "pg_dump", "--dbname", with[1], "--schema", "public", "--schema-only").Output()
		if err != nil {
			t.Fatal(err)
		}
		return withoutKey(string(out))
	}
	kills := 2
	if !testing.Short() {
		kills = 80
	}
	before := schema()
	enforce := &killable{args: adopting("enforce sessions --yes", with)}
	release := &killable{args: adopting("release sessions --drop --yes", with), schema: before}
	enforce.whole(t)
	enforce.schema = schema()
	release.whole(t)
	killed := 0
	for n := range kills {
		for _, step := range []*killable{enforce, release} {
			if step.killed(t, step.took*time.Duration(n+1)/time.Duration(kills+1)) {
				killed++
			}
			write(`INSERT INTO public.sessions (customer_user_id, stripe_session_id, plan) VALUES (gen_random_uuid(), gen_random_uuid(), 'chat10')`)
			step.whole(t)
			if got := schema(); got != step.schema {
				t.Fatalf("%v, killed and given again, left\n%s\nnot\n%s", step.args, got, step.schema)
			}
			if step == enforce {
				(&killable{args: adopting("verify sessions", with)}).whole(t)
			}
		}
	}
	if killed == 0 {
		t.Error("no command was under way when it was killed")
	}
}

func adopting(line string, with []string) []string {
	return append(append([]string{"adopt"}, strings.Fields(line)...), with...)
}

// withoutKey is a dump without the key that is new in each.
func withoutKey(dump string) string {
	var kept []string
	for line := range strings.Lines(dump) {
		if !strings.Contains(line, "restrict") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// killable is a command, how long it takes, and the schema that it leaves.
type killable struct {
	args   []string
	took   time.Duration
	schema string
}

func (k *killable) whole(t *testing.T) {
	t.Helper()
	begun := time.Now()
	if out, err := exec.CommandContext(t.Context(), "curfew", k.args...).CombinedOutput(); err != nil {
		t.Fatalf("curfew %s: %v\n%s", strings.Join(k.args, " "), err, out)
	}
	k.took = time.Since(begun)
}

// killed starts the command, and reports whether kill -9 met it under way.
func (k *killable) killed(t *testing.T, after time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	return exec.CommandContext(ctx, "curfew", k.args...).Run() != nil
}
