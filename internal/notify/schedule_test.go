package notify

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// The schedule of Standard Webhooks 1.0: a first attempt, nine more within
// three days and some hours.
func TestAFailureWaitsAsTheSpecificationSays(t *testing.T) {
	t.Parallel()
	d, total := record.Delivery{}, time.Duration(0)
	for _, want := range []string{"5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"} {
		least, err := time.ParseDuration(want)
		if err != nil {
			t.Fatal(err)
		}
		a := judge(d, record.Verdict{State: record.DeliveryPending})
		if a.Verdict.State != record.DeliveryPending || a.Wait < least || a.Wait > least+least/10 {
			t.Errorf("after failure %d it waits %s, want %s and up to a tenth more", a.Failures, a.Wait, least)
		}
		d.Failures, total = a.Failures, total+least
	}
	if a := judge(d, record.Verdict{State: record.DeliveryPending}); a.Verdict.State != record.DeliveryDead || a.Failures != 10 {
		t.Errorf("the tenth failure makes it %+v", a)
	}
	if total != 75*time.Hour+35*time.Minute+5*time.Second {
		t.Errorf("the last attempt comes after %s", total)
	}
}

func TestWhatAVerdictMakesOfADelivery(t *testing.T) {
	t.Parallel()
	d := record.Delivery{Failures: 1}
	for sentence, c := range map[string]struct {
		verdict  record.Verdict
		state    record.DeliveryState
		failures int64
		least    time.Duration
	}{
		"what arrived waits for nothing":         {record.Verdict{State: record.DeliveryDone}, record.DeliveryDone, 1, 0},
		"what nobody can help is dead":           {record.Verdict{State: record.DeliveryDead}, record.DeliveryDead, 2, 0},
		"what was not tried has not failed":      {record.Verdict{State: record.DeliveryPending, Untried: true}, record.DeliveryPending, 1, 0},
		"a receiver may ask for more time":       {record.Verdict{State: record.DeliveryPending, After: time.Hour}, record.DeliveryPending, 2, time.Hour},
		"not for less":                           {record.Verdict{State: record.DeliveryPending, After: time.Second}, record.DeliveryPending, 2, 5 * time.Minute},
		"and not for more than the longest wait": {record.Verdict{State: record.DeliveryPending, After: 999 * time.Hour}, record.DeliveryPending, 2, 24 * time.Hour},
	} {
		a := judge(d, c.verdict)
		if a.Verdict.State != c.state || a.Failures != c.failures || a.Wait < c.least || a.Wait > c.least+c.least/10 {
			t.Errorf("%s: %+v", sentence, a)
		}
	}
}
