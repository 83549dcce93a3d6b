package provider

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
)

// HookOptions configure a Hook. Secrets is required.
type HookOptions struct {
	// Secrets are those of the sender, any of which may have signed; several while one is
	// being replaced. Each is whsec_ and 24 to 64 bytes in base64.
	Secrets []string
	Now     func() time.Time // nil: time.Now
}

// Hook verifies and translates a marketplace's reports of payments.
type Hook struct {
	keys []*standard.Webhook
	now  func() time.Time
}

// NewHook returns a hook. Invalid without a secret, so that an unset one never opens the
// door, or if one is malformed. No error holds anything of a secret.
func NewHook(o HookOptions) (*Hook, error) {
	if len(o.Secrets) == 0 {
		return nil, curfew.Errorf(curfew.Invalid, "payments.secret needs a secret (whsec_…)")
	}
	h := &Hook{now: o.Now}
	if h.now == nil {
		h.now = time.Now
	}
	for _, secret := range o.Secrets {
		key, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		h.keys = append(h.keys, key)
	}
	return h, nil
}

const secretPrefix = "whsec_"

// The length of a secret in bytes, as the specification has it.
const (
	minSecret = 24
	maxSecret = 64
)

func newKey(secret string) (*standard.Webhook, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return nil, curfew.Errorf(curfew.Invalid,
			"a secret of payments.secret is not whsec_ followed by %d to %d bytes in base64: make one with echo whsec_$(openssl rand -base64 32)", minSecret, maxSecret)
	}
	return standard.NewWebhookRaw(key)
}

// Headers returns the names of the headers with the signature.
func (h *Hook) Headers() []string {
	return []string{standard.HeaderWebhookID, standard.HeaderWebhookTimestamp, standard.HeaderWebhookSignature}
}

// Read verifies a message by its headers and its unmodified body, and translates it. It reads
// nothing of the body before it has verified the signature.
//
// A genuine message never fails: one that cannot be translated says in Unread why.
//
// Invalid if the signature proves nothing, or is not recent: ErrNoSignature, ErrSignature,
// ErrUnproven, ErrChanged, ErrTooOld or ErrTooNew.
func (h *Hook) Read(header http.Header, body []byte) (curfew.Notice, error) {
	if err := h.verify(header, body); err != nil {
		return curfew.Notice{}, err
	}
	e, err := decode(body)
	if err == nil {
		var n curfew.Notice
		if n, err = e.notice(); err == nil {
			return n, nil
		}
	}
	n := e.envelope(header.Get(standard.HeaderWebhookID), body)
	n.Unread, n.Body = err.Error(), slices.Clone(body)
	return n, nil
}
