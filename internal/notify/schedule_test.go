package notify

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

// The schedule of Standard Webhooks 1.0: a first attempt, nine more within
// three days and some hours.
func TestAFailureWaitsAsTheSpecificationSays(t *testing.T) {
	t.Parallel()
	d, total := curfew.Delivery{}, time.Duration(0)
	for _, want := range []string{"5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"} {
		least, err := time.ParseDuration(want)
		if err != nil {
			t.Fatal(err)
		}
		a := judge(d, curfew.Verdict{State: curfew.DeliveryPending})
		if a.Verdict.State != curfew.DeliveryPending || a.Wait < least || a.Wait > least+least/10 {
			t.Errorf("after failure %d it waits %s, want %s and up to a tenth more", a.Failures, a.Wait, least)
		}
		d.Failures, total = a.Failures, total+least
	}
	if a := judge(d, curfew.Verdict{State: curfew.DeliveryPending}); a.Verdict.State != curfew.DeliveryDead || a.Failures != 10 {
		t.Errorf("the tenth failure makes it %+v", a)
	}
	if total != 75*time.Hour+35*time.Minute+5*time.Second {
		t.Errorf("the last attempt comes after %s", total)
	}
}

func TestWhatAVerdictMakesOfADelivery(t *testing.T) {
	t.Parallel()
	d := curfew.Delivery{Failures: 1}
	for sentence, c := range map[string]struct {
		verdict  curfew.Verdict
		state    curfew.DeliveryState
		failures int64
		least    time.Duration
	}{
		"what arrived waits for nothing":         {curfew.Verdict{State: curfew.DeliveryDone}, curfew.DeliveryDone, 1, 0},
		"what nobody can help is dead":           {curfew.Verdict{State: curfew.DeliveryDead}, curfew.DeliveryDead, 2, 0},
		"what was not tried has not failed":      {curfew.Verdict{State: curfew.DeliveryPending, Untried: true}, curfew.DeliveryPending, 1, 0},
		"a receiver may ask for more time":       {curfew.Verdict{State: curfew.DeliveryPending, After: time.Hour}, curfew.DeliveryPending, 2, time.Hour},
		"not for less":                           {curfew.Verdict{State: curfew.DeliveryPending, After: time.Second}, curfew.DeliveryPending, 2, 5 * time.Minute},
		"and not for more than the longest wait": {curfew.Verdict{State: curfew.DeliveryPending, After: 999 * time.Hour}, curfew.DeliveryPending, 2, 24 * time.Hour},
	} {
		a := judge(d, c.verdict)
		if a.Verdict.State != c.state || a.Failures != c.failures || a.Wait < c.least || a.Wait > c.least+c.least/10 {
			t.Errorf("%s: %+v", sentence, a)
		}
	}
}
