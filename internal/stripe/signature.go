package stripe

import (
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/curfewhq/curfew"
)

const signatureHeader = "Stripe-Signature"

// tolerance is how far a signature's time may be from ours, to both sides. It
// bounds how long a message that somebody caught can be sent again.
const tolerance = webhook.DefaultTolerance

// ErrNotNow says that a signature is good and its time is more than five
// minutes away: an old message sent again, or this machine's clock is wrong.
// The kind is Invalid.
var ErrNotNow = curfew.Errorf(curfew.Invalid,
	"the Stripe signature's time is more than %s from this machine's: an old message, or a wrong clock", tolerance)

var errHeader = curfew.Errorf(curfew.Invalid, "the Stripe-Signature header must be t=TIME,v1=SIGNATURE with one time")

// signedAt is the one time in a signature's header. The library takes the last
// of several; nobody who signs sends several. Several v1 are Stripe's own way
// while a secret is being replaced.
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
