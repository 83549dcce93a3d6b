package stripe

import (
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/curfewhq/curfew"
)

const signatureHeader = "Stripe-Signature"

// tolerance is how far a signature's time may be from ours, in either direction. It
// limits how long an intercepted message can be replayed.
const tolerance = webhook.DefaultTolerance

// ErrNotNow is returned for a valid signature whose time is more than five minutes
// off: an old message was replayed, or this machine's clock is wrong. Its kind is
// Invalid.
var ErrNotNow = curfew.Errorf(curfew.Invalid,
	"the Stripe signature's time is more than %s from this machine's: an old message, or a wrong clock", tolerance)

var errHeader = curfew.Errorf(curfew.Invalid, "the Stripe-Signature header must be t=TIME,v1=SIGNATURE with one time")

// signedAt returns the time in a signature's header. There must be exactly one; the
// library would take the last of several. Several v1 signatures are allowed: Stripe
// sends them while a secret is being replaced.
func signedAt(signature string) (time.Time, error) {
	var times []string
	for part := range strings.SplitSeq(signature, ",") {
		if at, ok := strings.CutPrefix(part, "t="); ok {
			times = append(times, at)
		}
	}
	if len(times) != 1 {
		return time.Time{}, errHeader
	}
	seconds, err := strconv.ParseInt(times[0], 10, 64)
	if err != nil {
		return time.Time{}, errHeader
	}
	return time.Unix(seconds, 0), nil
}

// near reports whether two times are at most the tolerance apart.
func near(signed, now time.Time) bool { return now.Sub(signed).Abs() <= tolerance }
