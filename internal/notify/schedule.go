package notify

import (
	"math/rand/v2"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// schedule is how long a delivery waits after each failure, as Standard Webhooks 1.0 recommends.
// After the last failure it is dead.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// longestWait caps the wait that a receiver can request.
const longestWait = 24 * time.Hour

// judge turns a verdict into the result to write.
func judge(d record.Delivery, v record.Verdict) record.Attempt {
	a := record.Attempt{Delivery: d, Verdict: v, Failures: d.Failures}
	if v.State == record.DeliveryDone || v.Untried {
		return a
	}
	a.Failures++
	if v.State == record.DeliveryPending && a.Failures > int64(len(schedule)) {
		a.Verdict.State = record.DeliveryDead
	}
	if a.Verdict.State == record.DeliveryPending {
		a.Wait = max(jittered(schedule[a.Failures-1]), min(v.After, longestWait))
	}
	return a
}

// jittered adds up to a tenth, so that deliveries that failed together are not retried together.
func jittered(d time.Duration) time.Duration {
	return d + rand.N(d/10) //nolint:gosec // G404: a jitter, no secret
}
