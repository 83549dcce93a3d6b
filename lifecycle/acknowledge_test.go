package lifecycle_test

import (
	"errors"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// acknowledged is a finding that stands until it is cleaned, acknowledged.
func (env *environment) acknowledge(until time.Time) error {
	env.Helper()
	_, err := env.Acknowledge(env.Context(), admin, lifecycle.OverdueLive, "the mechanic is asked", until)
	return err
}

func (env *environment) overdueLive(customer string) {
	env.Helper()
	env.Age(env, env.live(customer, "ref-"+customer, "m-"+customer).SessionID, 2*time.Hour)
}

func TestAnAcknowledgedFindingIsToldAndDoesNotCount(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.overdueLive("kim")
		must(0, env.Store.RecordSweep(env.Context(), 0))(env)
		if got := env.Report(env.Context()).Health; got != lifecycle.IssuesDetected {
			t.Fatalf("health is %s", got)
		}
		must(0, env.acknowledge(time.Now().Add(time.Hour)))(env)
		before := env.Dump(env)
		r := env.Report(env.Context())
		f := env.finding(env.Keeper, lifecycle.OverdueLive)
		if r.Health != lifecycle.Healthy || f.Acknowledged == nil || f.Acknowledged.By != admin || f.Acknowledged.Reason == "" {
			t.Errorf("health is %s, the finding %+v", r.Health, f)
		}
		if env.Dump(env) != before {
			t.Error("looking changed something")
		}
		env.overdueLive("bea") // it gets worse
		if r := env.Report(env.Context()); r.Health != lifecycle.IssuesDetected || env.finding(env.Keeper, lifecycle.OverdueLive).Acknowledged != nil {
			t.Errorf("it counts more, and health is %s", r.Health)
		}
		must(0, env.acknowledge(time.Now().Add(time.Hour)))(env)
		must(0, env.WithdrawAcknowledgement(env.Context(), lifecycle.OverdueLive))(env)
		if got := env.Report(env.Context()).Health; got != lifecycle.IssuesDetected {
			t.Errorf("withdrawn, health is %s", got)
		}
		must(0, env.acknowledge(time.Now().Add(time.Hour)))(env)
		env.Exec(env, "UPDATE "+env.Schema+"acknowledgements SET until = at")
		if got := env.Report(env.Context()).Health; got != lifecycle.IssuesDetected {
			t.Errorf("ended, health is %s", got)
		}
		must(env.RunFullCleanup(env.Context()))(env)
	})
}

func TestWhatCannotBeAcknowledged(t *testing.T) {
	onBoth(t, nil, func(env *environment) {
		env.overdueLive("kim")
		hour := time.Now().Add(time.Hour)
		for sentence, c := range map[string]struct {
			code   lifecycle.Code
			reason string
			until  time.Time
			want   curfew.Kind
		}{
			"without a reason":         {lifecycle.OverdueLive, "", hour, curfew.Invalid},
			"until a moment ago":       {lifecycle.OverdueLive, "why", time.Now().Add(-time.Second), curfew.Invalid},
			"for ever":                 {lifecycle.OverdueLive, "why", time.Now().Add(91 * 24 * time.Hour), curfew.Invalid},
			"what is not there":        {lifecycle.LeakedSlots, "why", hour, curfew.NotFound},
			"what does not exist":      {"moods", "why", hour, curfew.NotFound},
			"what could not be looked": {lifecycle.Unreadable, "why", hour, curfew.Invalid},
		} {
			if _, err := env.Acknowledge(env.Context(), admin, c.code, c.reason, c.until); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", sentence, err)
			}
		}
		if err := env.WithdrawAcknowledgement(env.Context(), lifecycle.OverdueLive); !errors.Is(err, curfew.NotFound) {
			t.Errorf("nothing is withdrawn: %v", err)
		}
		must(0, env.acknowledge(hour))(env)
		env.Exec(env, "ALTER TABLE "+env.Schema+"mechanic_slots RENAME TO slots")
		if got := env.Report(env.Context()).Health; got != lifecycle.Undetermined {
			t.Errorf("an acknowledgement hides that health cannot tell: %s", got)
		}
	})
}
