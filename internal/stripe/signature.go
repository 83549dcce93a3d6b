package stripe

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/curfewhq/curfew"
)

const signatureHeader = "Stripe-Signature"

// tolerance is how far a signature's time may be from the local time, in either direction. It
// limits how long an intercepted message can be replayed.
const tolerance = webhook.DefaultTolerance

// Errors for a message that is not proven to be Stripe's. All are Invalid, and none repeats
// anything from the message.
var (
	ErrNoSignature = curfew.Errorf(curfew.Invalid, "the message has no Stripe-Signature header: it does not come from Stripe, or a proxy removed the header")
	ErrSignature   = curfew.Errorf(curfew.Invalid, "the Stripe-Signature header must be t=TIME,v1=SIGNATURE with one time")
	ErrUnproven    = curfew.Errorf(curfew.Invalid,
		"no signing secret fits the Stripe-Signature header and the body: the secret is another endpoint's, or the body was changed on its way")
	ErrChanged = curfew.Errorf(curfew.Invalid,
		"the message is Stripe's, but something on its way has parsed its body and written it anew: the body must arrive byte for byte")
	ErrTooOld = curfew.Errorf(curfew.Invalid,
		"the Stripe signature is more than %s old: an old message was sent again, or this machine's clock is fast", tolerance)
	ErrTooNew = curfew.Errorf(curfew.Invalid, "the Stripe signature is more than %s in the future: this machine's clock is slow", tolerance)
)

// signedAt returns the time in a signature header. There must be exactly one; the library would
// take the last of several. Several v1 signatures are allowed: Stripe sends them while a secret is
// being replaced.
func signedAt(signature string) (time.Time, error) {
	if strings.TrimSpace(signature) == "" {
		return time.Time{}, ErrNoSignature
	}
	var times []string
	for part := range strings.SplitSeq(signature, ",") {
		if at, ok := strings.CutPrefix(part, "t="); ok {
			times = append(times, at)
		}
	}
	if len(times) != 1 {
		return time.Time{}, ErrSignature
	}
	seconds, err := strconv.ParseInt(times[0], 10, 64)
	if err != nil {
		return time.Time{}, ErrSignature
	}
	return time.Unix(seconds, 0), nil
}

// recent returns an error if two times are further apart than the tolerance.
func recent(signed, now time.Time) error {
	switch age := now.Sub(signed); {
	case age > tolerance:
		return ErrTooOld
	case age < -tolerance:
		return ErrTooNew
	}
	return nil
}

// rewritten reports whether a signature fits the body as Stripe would have written it: a framework
// or a proxy that parses and re-encodes a message changes its white space. It checks only bodies
// that are cheap to re-encode, because their origin is not yet known.
func (h *Hook) rewritten(signature string, body []byte) bool {
	var wide, narrow bytes.Buffer
	if len(body) > rewrittenMost || deepest(body) > rewrittenDepth {
		return false
	}
	if json.Indent(&wide, bytes.TrimSpace(body), "", "  ") != nil || json.Compact(&narrow, body) != nil {
		return false
	}
	for _, text := range [][]byte{wide.Bytes(), append(wide.Bytes(), '\n'), narrow.Bytes()} {
		if h.proven(signature, text) == nil {
			return true
		}
	}
	return false
}

// Stripe's events are a tenth as large, and half as deep.
const (
	rewrittenMost  = 32 << 10
	rewrittenDepth = 16
)

// deepest returns the greatest number of brackets open at once; brackets in strings count too.
func deepest(body []byte) (most int) {
	open := 0
	for _, b := range body {
		switch b {
		case '{', '[':
			open++
			most = max(most, open)
		case '}', ']':
			open--
		}
	}
	return most
}
