package lifecycle_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// received counts what became of messages.
type received struct {
	mu  sync.Mutex
	all map[string]int
}

func (*received) Admitted(string, time.Duration)                               {}
func (*received) Blocked(curfew.SessionStatus)                                 {}
func (*received) Cleaned(curfew.RuleName, curfew.Trigger, int)                 {}
func (*received) RunFinished(curfew.Trigger, curfew.RunOutcome, time.Duration) {}
func (*received) Expired(time.Duration)                                        {}

func (r *received) Received(provider, outcome string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]int{}
	}
	r.all[provider+" "+outcome]++
}

// A few messages that are refused are a finding, on all processes, with each reason; one or
// two are not, and nothing is logged of the message itself.
func TestRefusedMessagesAreAFinding(t *testing.T) {
	onEachStore(t, func(env *environment) {
		var log bytes.Buffer
		seen := &received{}
		k := must(lifecycle.New(env.Store, lifecycle.Options{
			Policy: &env.policy, Logger: slog.New(slog.NewTextHandler(&log, nil)), Observer: seen,
		}))(env)
		k.Payments.Refuse(env.Context(), "stripe", "no signature")
		k.Payments.Refuse(env.Context(), "events", "too old")
		if f := finding(env.Report(env.Context()), lifecycle.MessagesRefused); f != nil {
			env.Errorf("two are a finding: %+v", f)
		}
		k.Payments.Refuse(env.Context(), "stripe", "too new")
		f := finding(env.Report(env.Context()), lifecycle.MessagesRefused)
		if f == nil || f.Count != 3 || f.Severity != lifecycle.Warning || f.Since.IsZero() {
			env.Fatalf("the finding is %+v", f)
		}
		for _, want := range []string{"1 for stripe (no signature)", "1 for events (too old)", "1 for stripe (too new)"} {
			if !strings.Contains(f.Problem, want) {
				env.Errorf("%q is not in %q", want, f.Problem)
			}
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 3 {
			env.Errorf("%d warnings:\n%s", n, &log)
		}
		if got := fmt.Sprint(seen.all); got != "map[events refused:1 stripe refused:2]" {
			env.Errorf("the metrics are %s", got)
		}
	})
}

// A genuine message that cannot be used may be about money: one of them is a finding, and stays so for a week.
func TestUnusableMessagesAreAFinding(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.receive(curfew.Notice{ID: "evt_1", Type: "paid", Provider: "bank", Unread: "an amount needs a currency"})
		f := finding(env.Report(env.Context()), "messages_unusable")
		if f == nil || f.Count != 1 || f.Severity != lifecycle.Warning || f.Since.IsZero() || !strings.Contains(f.Problem, "1 of bank") {
			env.Fatalf("the finding is %+v", f)
		}
		if f := finding(env.Report(env.Context()), lifecycle.MessagesRefused); f != nil {
			env.Errorf("nothing was refused: %+v", f)
		}
	})
}

// Every message is counted once, by what became of it.
func TestWhatBecameOfAMessageIsCounted(t *testing.T) {
	onEachStore(t, func(env *environment) {
		seen := &received{}
		k := must(lifecycle.New(env.Store, lifecycle.Options{Policy: &env.policy, Observer: seen}))(env)
		odd := paid(reportedPayment("bob", "p2"))
		odd.Facts[0].State = "vanished"
		for _, n := range []curfew.Notice{
			paid(reportedPayment("ada", "p1")),
			odd,
			{ID: "evt_odd", Provider: "bank", Unread: "it has no amount"},
			{ID: "evt_ping", Provider: "bank", Type: "ping"},
		} {
			if err := k.Payments.Receive(env.Context(), n); err != nil {
				env.Error(err)
			}
		}
		k.Payments.Ignore(env.Context(), curfew.Notice{ID: "evt_test", Provider: "bank"}, curfew.Errorf(curfew.Conflict, "of another mode"))
		storetest.Poison(env, env.Harness, "checkouts", "INSERT", "cyd")
		if err := k.Payments.Receive(env.Context(), paid(reportedPayment("cyd", "p3"))); err == nil {
			env.Error("a message that could not be recorded was taken")
		}
		if got := fmt.Sprint(seen.all); got != "map[bank ignored:2 bank kept:2 bank recorded:1]" {
			env.Errorf("the metrics are %s", got)
		}
	})
}

// What no database keeps as text is kept all the same: the sender would send it for ever.
func TestAMessageOfAnyBytesIsKept(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for id, body := range map[string]string{"nul": "a\x00b", "bytes": "\xff\xfe{", "large": strings.Repeat("x", 256<<10)} {
			env.receive(curfew.Notice{ID: id, Provider: "bank", Type: "odd", Unread: "it is no JSON", Body: []byte(body)})
		}
		if kept := env.Query(env, "SELECT id FROM "+env.Schema+"provider_messages"); len(kept) != 3 {
			env.Errorf("kept are %v", kept)
		}
	})
}
