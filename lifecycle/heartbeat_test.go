package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// never answers as long as its caller waits, as a dead connection does.
func never(ctx context.Context) error {
	<-ctx.Done()
	return curfew.Errorf(curfew.Unavailable, "the database was not waited for")
}

func refuses(context.Context) error { return curfew.Errorf(curfew.Unavailable, "the disk is full") }

// readyIn is how long it takes until a process is ready, or no more.
func readyIn(t *testing.T, e *lifecycle.Keeper, ready bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for (e.Health.Ready(context.WithoutCancel(t.Context())) == nil) != ready {
		if time.Since(begun) > time.Minute {
			t.Fatalf("ready never becomes %t: %v", ready, e.Health.Ready(context.WithoutCancel(t.Context())))
		}
		<-time.After(10 * time.Millisecond)
	}
	return time.Since(begun)
}

// What fails, whenever in the rhythm it begins, is known within ten seconds, and
// its end within two.
func TestReadyIsNeverWrongForLong(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]func(*clock, *func(context.Context) error){
		"writes fail":           func(c *clock, f *func(context.Context) error) { c.write.Store(f) },
		"the sweeper is silent": func(c *clock, f *func(context.Context) error) { c.look.Store(f) },
	} {
		for how, response := range map[string]func(context.Context) error{"with an error": refuses, "without a word": never} {
			t.Run(what+" "+how, func(t *testing.T) {
				t.Parallel()
				var longest, healed time.Duration
				for offset := time.Duration(0); offset < 6*time.Second; offset += 700 * time.Millisecond {
					c := &clock{}
					limited := func(ctx context.Context) error { // as every store does
						ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
						defer cancel()
						return response(ctx)
					}
					bubble(t, lifecycle.Options{}, c, 3*time.Minute, func(e *lifecycle.Keeper) {
						if took := readyIn(t, e, true); took > time.Second {
							t.Errorf("ready after %s", took)
						}
						<-time.After(20*time.Second + offset)
						fault(c, &limited)
						longest = max(longest, readyIn(t, e, false))
						<-time.After(offset)
						fault(c, nil)
						healed = max(healed, readyIn(t, e, true))
					})
				}
				t.Logf("it was noticed after %s at most, and its end after %s", longest, healed)
				if longest > 10*time.Second || healed > 12*time.Second {
					t.Errorf("it was noticed after %s, and its end after %s", longest, healed)
				}
			})
		}
	}
}

// A write that ignores its limit leaves no error: only its silence tells.
func TestAWriteThatNeverReturnsIsNoticed(t *testing.T) {
	t.Parallel()
	c := &clock{}
	bubble(t, lifecycle.Options{}, c, time.Minute, func(e *lifecycle.Keeper) {
		<-time.After(20 * time.Second)
		release := make(chan struct{})
		stuck := func(context.Context) error { <-release; return nil }
		c.write.Store(&stuck)
		if took := readyIn(t, e, false); took > 10*time.Second {
			t.Errorf("it was noticed after %s", took)
		}
		if err := e.Health.Ready(context.WithoutCancel(t.Context())); !strings.Contains(err.Error(), "no write has succeeded for") {
			t.Errorf("it says %v", err)
		}
		c.write.Store(nil)
		close(release)
		if took := readyIn(t, e, true); took > 6*time.Second {
			t.Errorf("its end was noticed after %s", took)
		}
	})
}

// Under a load that leaves the heartbeat no turn, payments are what was written.
func TestAHeartbeatWithoutATurnIsNoOutageWhilePaymentsSucceed(t *testing.T) {
	t.Parallel()
	c := &clock{admitted: time.Hour}
	starved := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	c.write.Store(&starved)
	bubble(t, lifecycle.Options{}, c, time.Minute, func(e *lifecycle.Keeper) {
		<-time.After(time.Millisecond) // it runs
		for i := range 40 {
			p := lifecycle.Purchase{PaymentRef: fmt.Sprint("ref-", i), CustomerID: fmt.Sprint("c-", i), Plan: "chat10"}
			if _, err := e.Admission.FulfillCheckout(context.WithoutCancel(t.Context()), shop, p); err != nil {
				t.Fatal(err)
			}
			if err := e.Health.Ready(context.WithoutCancel(t.Context())); err != nil {
				t.Fatalf("payment %d: %v", i, err)
			}
			<-time.After(time.Second)
		}
		if took := readyIn(t, e, false); took > 6*time.Second {
			t.Errorf("not ready %s after the last payment", took)
		}
	})
}

func TestAProcessWithoutASweeperIsReadyWithoutOne(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.fails.Store(true)
	bubble(t, lifecycle.Options{SweeperOff: true}, c, time.Minute, func(e *lifecycle.Keeper) {
		<-time.After(50 * time.Second)
		if err := e.Health.Ready(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// A sweeper that has never succeeded is as silent as one that stopped.
func TestASweeperThatNeverSucceededIsSilent(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.fails.Store(true)
	bubble(t, lifecycle.Options{}, c, time.Minute, func(e *lifecycle.Keeper) {
		if took := readyIn(t, e, false); took < 5*time.Second || took > 11*time.Second {
			t.Errorf("the silent process was reported only after %s", took)
		}
		if err := e.Health.Ready(context.WithoutCancel(t.Context())); !errors.Is(err, curfew.Unavailable) || !strings.Contains(err.Error(), "sweeper") {
			t.Errorf("it says %v", err)
		}
	})
}

// broken is a store whose admissions fail as long as it is broken.
type broken struct {
	lifecycle.Store
	err error
}

func (b *broken) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	if b.err != nil {
		return curfew.Snapshot{}, b.err
	}
	return b.Store.Admit(ctx, a)
}

func finding(r lifecycle.Report, code lifecycle.Code) *lifecycle.Finding {
	i := slices.IndexFunc(r.Findings, func(f lifecycle.Finding) bool { return f.Code == code })
	if i < 0 {
		return nil
	}
	return &r.Findings[i]
}

func TestFailedAdmissionsAreAFindingAtOnce(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := &broken{Store: env.Store, err: curfew.Errorf(curfew.Unavailable, "the disk is full")}
		over := env.with(b)
		for range 3 {
			if _, err := over.FulfillCheckout(env.Context(), shop, env.purchase("kim", "ref")); err == nil {
				t.Fatal("it was admitted")
			}
		}
		f := finding(over.Report(env.Context()), lifecycle.AdmissionsFailing)
		if f == nil || f.Count != 3 || f.Severity != lifecycle.Critical || !strings.Contains(f.Problem, "unavailable") {
			t.Errorf("the finding is %+v", f)
		}
		b.err = nil
		over.pay("kim", "ref")
		over.pay("bob", "ref-bob")
		if _, err := over.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{PaymentRef: "x", CustomerID: "kim", Plan: "none"}); err == nil {
			t.Error("a plan that is not there was sold")
		}
		if n := finding(over.Report(env.Context()), lifecycle.AdmissionsFailing).Count; n != 3 {
			t.Errorf("%d failed", n)
		}
	})
}

func TestFailedAdmissionsAreForgottenAfterAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := lifecycle.New(&broken{err: curfew.Errorf(curfew.Internal, "broken")}, lifecycle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Admission.FulfillCheckout(t.Context(), shop, lifecycle.Purchase{PaymentRef: "r", CustomerID: "kim", Plan: "chat10"}); err == nil {
			t.Fatal("it was admitted")
		}
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {59 * time.Second, 1}, {3 * time.Second, 0}} {
			<-time.After(step.wait)
			if n, _ := lifecycle.RecentFailures(e); n != step.want {
				t.Errorf("%s later %d failed, want %d", step.wait, n, step.want)
			}
		}
	})
}

// A store that only reads: the report says so, and that alone.
func TestAStoreThatTakesNoWritesIsAFinding(t *testing.T) {
	onEachStore(t, func(env *environment) {
		r := env.Report(env.Context())
		if r.Writable == nil || !*r.Writable || finding(r, lifecycle.NotWritable) != nil {
			t.Errorf("writable is %v", r.Writable)
		}
		env.Exec(t, "ALTER TABLE "+env.Schema+"signals RENAME TO gone")
		r = env.Report(env.Context())
		env.Exec(t, "ALTER TABLE "+env.Schema+"gone RENAME TO signals")
		if f := finding(r, lifecycle.NotWritable); r.Writable == nil || *r.Writable || f == nil || f.Severity != lifecycle.Critical || !strings.Contains(f.Problem, "signals") {
			t.Errorf("writable is %v, the finding %+v", r.Writable, f)
		}
	})
}
