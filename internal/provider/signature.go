package provider

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
)

// tolerance is how far a signature's time may be from ours, in either direction. It limits how
// long an intercepted message can be replayed.
const tolerance = 5 * time.Minute

// What is wrong with a message that is not proven to come from who has the secret. All are
// Invalid, and no text holds anything of the message.
var (
	ErrNoSignature = curfew.Errorf(curfew.Invalid,
		"the message lacks one of the headers webhook-id, webhook-timestamp and webhook-signature: it is not signed, or a proxy removed them")
	ErrSignature = curfew.Errorf(curfew.Invalid, "webhook-timestamp must be in whole seconds since 1970, and webhook-signature v1,SIGNATURE in base64")
	ErrUnproven  = curfew.Errorf(curfew.Invalid,
		"no secret of payments.secret fits the signature: the sender's is another one, or id, time or body were changed on the way")
	ErrChanged = curfew.Errorf(curfew.Invalid,
		"the signature is good, but something on its way has parsed the body and written it anew: it must arrive byte for byte")
	ErrTooOld = curfew.Errorf(curfew.Invalid,
		"the signature is more than %s old: an old message was sent again as it was, or this machine's clock is fast", tolerance)
	ErrTooNew = curfew.Errorf(curfew.Invalid, "the signature is more than %s in the future: this machine's clock is slow, or the sender's is fast", tolerance)
)

// verify proves who sent a message before it looks at the time, so that a stranger learns
// nothing of our clock.
func (h *Hook) verify(header http.Header, body []byte) error {
	for _, name := range h.Headers() {
		if strings.TrimSpace(header.Get(name)) == "" {
			return ErrNoSignature
		}
	}
	seconds, err := strconv.ParseInt(header.Get(standard.HeaderWebhookTimestamp), 10, 64)
	if err != nil || !strings.Contains(header.Get(standard.HeaderWebhookSignature), "v1,") {
		return ErrSignature
	}
	now := recent(time.Unix(seconds, 0), h.now())
	switch {
	case h.proven(header, body):
		return now
	case now == nil && h.rewritten(header, body):
		return ErrChanged
	}
	return ErrUnproven
}

// proven tries every secret. It skips the library's check of the time, which uses another clock
// than ours.
func (h *Hook) proven(header http.Header, body []byte) bool {
	for _, key := range h.keys {
		if key.VerifyIgnoringTimestamp(body, header) == nil {
			return true
		}
	}
	return false
}

// maxRewritten is the size of the largest body that is written again: whose it is, is not known.
const maxRewritten = 32 << 10

// rewritten reports whether a signature fits a body without the white space that something on
// its way, such as a framework or a proxy, has put in.
func (h *Hook) rewritten(header http.Header, body []byte) bool {
	var compact bytes.Buffer
	return len(body) <= maxRewritten && json.Compact(&compact, body) == nil && h.proven(header, compact.Bytes())
}

// recent allows at most the tolerance between two times.
func recent(signed, now time.Time) error {
	switch age := now.Sub(signed); {
	case age > tolerance:
		return ErrTooOld
	case age < -tolerance:
		return ErrTooNew
	}
	return nil
}
