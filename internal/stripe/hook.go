package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/curfewhq/curfew"
)

// Provider is the name of this provider in notices.
const Provider = "stripe"

// ErrForeign is returned for a genuine event of the other mode (live or test) or of another
// account. A retry would change nothing, so callers answer 2xx, do nothing, and report it to
// operators.
var ErrForeign = curfew.Errorf(curfew.Conflict, "the Stripe event is of another mode or account than this service's")

// HookOptions configures a Hook. Secrets is required.
type HookOptions struct {
	// Secrets are the endpoint's signing secrets; a signature by any of them is valid. There are
	// several while one is being replaced.
	Secrets []string
	// Live is the mode of the events to accept; nil accepts both.
	Live *bool
	// Accounts are the connected accounts whose events are accepted; empty ones are ignored. Events
	// of the account that owns the endpoint name no account and are always accepted.
	Accounts []string
	Keys     Keys
	Now      func() time.Time // nil: time.Now
}

// Hook verifies and translates what Stripe posts to the webhook.
type Hook struct {
	secrets  []string
	live     *bool
	accounts []string
	keys     Keys
	now      func() time.Time
}

// NewHook returns a hook. It returns Invalid without a secret, so that an unset one never opens the
// webhook, and if an account or a metadata key is malformed.
func NewHook(o HookOptions) (*Hook, error) {
	if len(o.Secrets) == 0 {
		return nil, curfew.Errorf(curfew.Invalid, "the Stripe webhook needs a signing secret (whsec_…)")
	}
	for _, secret := range o.Secrets {
		if secret == "" || strings.TrimSpace(secret) != secret {
			return nil, curfew.Errorf(curfew.Invalid, "a signing secret of the Stripe webhook is empty or has spaces around it")
		}
	}
	accounts, err := checkAccounts(o.Accounts)
	if err != nil {
		return nil, err
	}
	keys := o.Keys.withDefaults()
	if err := keys.check(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Hook{secrets: slices.Clone(o.Secrets), live: o.Live, accounts: accounts, keys: keys, now: o.Now}, nil
}

// Headers returns the names of the headers that contain the signature.
func (h *Hook) Headers() []string { return []string{signatureHeader} }

// Read verifies a message by its Stripe-Signature header and its unmodified body, and translates
// it. It parses nothing of the body before it has verified the signature.
//
// A genuine message never fails. One that is not about a payment has no references; one that should
// be readable but is not says why in Unread.
//
// It returns Invalid if the signature is not Stripe's or not recent: ErrNoSignature, ErrSignature,
// ErrUnproven, ErrChanged, ErrTooOld or ErrTooNew. It returns ErrForeign for an event of another
// mode or account; its notice then has only an id, a type, a provider, an account and a time.
func (h *Hook) Read(header http.Header, body []byte) (curfew.Notice, error) {
	if err := h.verify(header.Get(signatureHeader), body); err != nil {
		return curfew.Notice{}, err
	}
	e := open(body)
	if h.foreign(e) {
		return e.notice(), fmt.Errorf("event %s: %w", e.id, ErrForeign)
	}
	return e.translated(h.keys, body), nil
}

// verify accepts any API version: an endpoint keeps the version it was created with.
func (h *Hook) verify(signature string, body []byte) error {
	signed, err := signedAt(signature)
	if err != nil {
		return err
	}
	now := recent(signed, h.now())
	err = h.proven(signature, body)
	switch {
	case errors.Is(err, ErrUnproven) && now == nil && h.rewritten(signature, body):
		return ErrChanged
	case err != nil:
		return err
	}
	return now
}

// proven tries every secret. It skips the library's time check, which uses a different clock and
// accepts future times.
func (h *Hook) proven(signature string, body []byte) error {
	for _, secret := range h.secrets {
		err := webhook.ValidatePayloadIgnoringTolerance(body, signature, secret)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, webhook.ErrInvalidHeader):
			return ErrSignature
		}
	}
	return ErrUnproven
}

func (h *Hook) foreign(e event) bool {
	otherMode := h.live != nil && e.live != *h.live && e.broken == nil
	return otherMode || e.account != "" && !slices.Contains(h.accounts, e.account)
}
