package stripe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/curfewhq/curfew"
)

// ErrForeign is returned for a genuine event of the other mode (live or test) or of
// another account. Repeating it changes nothing, so callers answer 2xx, do nothing,
// and report it to operators.
var ErrForeign = curfew.Errorf(curfew.Conflict, "the Stripe event is of another mode or account than this service's")

// HookOptions configure a Hook. Secrets is required.
type HookOptions struct {
	// Secrets are the endpoint's signing secrets, any of which may have signed;
	// several while one is being replaced.
	Secrets []string
	// Live is the mode of the events that count; nil: both.
	Live *bool
	// Account is the connected account whose events count. Events of the account
	// that owns the endpoint name no account, and always count.
	Account string
	Now     func() time.Time // nil: time.Now
}

// Hook verifies and translates what Stripe posts to the webhook.
type Hook struct {
	secrets []string
	live    *bool
	account string
	now     func() time.Time
}

// NewHook returns a hook. Invalid without a secret, so that an unset one never opens
// the webhook, or if the account is malformed.
func NewHook(o HookOptions) (*Hook, error) {
	if len(o.Secrets) == 0 {
		return nil, curfew.Errorf(curfew.Invalid, "the Stripe webhook needs a signing secret (whsec_…)")
	}
	for _, secret := range o.Secrets {
		if secret == "" || strings.TrimSpace(secret) != secret {
			return nil, curfew.Errorf(curfew.Invalid, "a signing secret of the Stripe webhook is empty or has spaces around it")
		}
	}
	if err := checkAccount(o.Account); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Hook{secrets: slices.Clone(o.Secrets), live: o.Live, account: o.Account, now: o.Now}, nil
}

// Header returns the name of the signature header.
func (h *Hook) Header() string { return signatureHeader }

// Read verifies a message by its Stripe-Signature header and its unmodified body,
// and translates it. It reads nothing of the body before it has verified the
// signature.
//
// Invalid if the signature is not Stripe's, or not recent. ErrForeign for an event of
// another mode or account; its notice then has only an id and a time.
func (h *Hook) Read(signature string, body []byte) (curfew.Notice, error) {
	event, err := h.verify(signature, body)
	if err != nil {
		return curfew.Notice{}, err
	}
	if event.ID == "" {
		return curfew.Notice{}, curfew.Errorf(curfew.Invalid, "the Stripe event has no id")
	}
	notice := curfew.Notice{ID: event.ID, Kind: curfew.NoticeOther, At: instant(event.Created)}
	if h.foreign(event) {
		return notice, fmt.Errorf("event %s: %w", event.ID, ErrForeign)
	}
	if notice.Kind, notice.Payment, err = translate(event); err != nil {
		return curfew.Notice{}, fmt.Errorf("event %s: %w", event.ID, err)
	}
	return notice, nil
}

// verify accepts any API version: an endpoint keeps the version it was created with,
// and the fields that are read have the same form in all of them.
func (h *Hook) verify(signature string, body []byte) (stripe.Event, error) {
	signed, err := signedAt(signature)
	if err != nil {
		return stripe.Event{}, err
	}
	event, err := h.open(signature, body)
	if err != nil {
		return stripe.Event{}, err
	}
	if !near(signed, h.now()) {
		return stripe.Event{}, ErrNotNow
	}
	return event, nil
}

// open tries every secret. It skips the library's check of the time, which uses
// another clock than ours and accepts future times.
func (h *Hook) open(signature string, body []byte) (stripe.Event, error) {
	options := webhook.ConstructEventOptions{IgnoreTolerance: true, IgnoreAPIVersionMismatch: true}
	for _, secret := range h.secrets {
		event, err := webhook.ConstructEventWithOptions(body, signature, secret, options)
		switch {
		case err == nil:
			return event, nil
		case errors.Is(err, webhook.ErrInvalidHeader):
			return stripe.Event{}, errHeader
		case !errors.Is(err, webhook.ErrNoValidSignature):
			return stripe.Event{}, curfew.Errorf(curfew.Invalid, "the body is signed, but is not a Stripe event")
		}
	}
	return stripe.Event{}, curfew.Errorf(curfew.Invalid,
		"no signing secret fits the Stripe-Signature header and the body: the secret is another endpoint's, or the body was changed on its way")
}

func (h *Hook) foreign(event stripe.Event) bool {
	otherMode := h.live != nil && event.Livemode != *h.live
	return otherMode || event.Account != "" && event.Account != h.account
}

// instant converts Stripe's Unix time; 0 means none.
func instant(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
