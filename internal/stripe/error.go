package stripe

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// errStrange is a response that is not from Stripe's API, for instance a proxy's
// page. Whether the call was made is unknown.
var errStrange = curfew.Errorf(curfew.Unavailable, "what answered is not Stripe's API: whether it was done is not known")

// secrets matches Stripe's keys, whole or masked.
var secrets = regexp.MustCompile(`\b(sk|rk|pk|whsec)_[A-Za-z0-9_*]+`)

// failure gives the library's error a kind, by status and type and never by text.
// The library's messages contain bodies and whole objects, so they are dropped.
func failure(err error) error {
	if refused, ok := errors.AsType[*stripe.Error](err); ok {
		return refusal(refused)
	}
	if broken := wire(err); broken != nil {
		return fmt.Errorf("%w (%w)", curfew.Errorf(curfew.Unavailable, "%s", unanswered(broken)), broken)
	}
	return errStrange
}

// wire returns the network error that occurred before or during the response, or nil. It omits the
// URL, which names the payment.
func wire(err error) error {
	if call, ok := errors.AsType[*url.Error](err); ok {
		return call.Err
	}
	if broken, ok := errors.AsType[net.Error](err); ok {
		return broken
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func unanswered(broken error) string {
	late, ok := errors.AsType[net.Error](broken)
	switch {
	case errors.Is(broken, errRedirected):
		return "something between here and Stripe redirects calls: whether it was done is not known"
	case ok && late.Timeout():
		return "Stripe did not answer in time: whether it was done is not known"
	}
	return "Stripe could not be reached, or did not answer: whether it was done is not known"
}

// refusal translates Stripe's own error.
func refusal(refused *stripe.Error) error {
	at := where(refused)
	switch kind := kindOf(refused); kind {
	case curfew.Unavailable:
		return curfew.Errorf(kind, "Stripe cannot say now whether it was done: status %s", at)
	case curfew.Unauthenticated, curfew.Forbidden:
		return curfew.Errorf(kind, "Stripe does not let the API key do that: status %s", at)
	case curfew.IdempotencyMismatch:
		return curfew.Errorf(kind, "Stripe knows this key with other parameters: status %s", at)
	case curfew.PaymentRequired:
		return curfew.Errorf(kind, "the bank refuses: %s (status %s)", bankReason(refused), at)
	default:
		return curfew.Errorf(kind, "Stripe refuses: %s (status %s)", public(refused.Msg), at)
	}
}

func kindOf(refused *stripe.Error) curfew.Kind {
	status := refused.HTTPStatusCode
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusConflict:
		return curfew.Unavailable
	case status == http.StatusUnauthorized:
		return curfew.Unauthenticated
	case status == http.StatusForbidden:
		return curfew.Forbidden
	case status == http.StatusPaymentRequired:
		return curfew.PaymentRequired
	case refused.Type == stripe.ErrorTypeIdempotency:
		return curfew.IdempotencyMismatch
	case refused.Code == stripe.ErrorCodeResourceMissing:
		return curfew.NotFound
	case refused.Code == stripe.ErrorCodePaymentIntentUnexpectedState:
		return curfew.Conflict
	}
	return curfew.Invalid
}

// bankReason is the bank's code, else Stripe's, and what it means in words.
func bankReason(refused *stripe.Error) string {
	return public(reason(cmp.Or(string(refused.DeclineCode), string(refused.Code)), refused.Msg))
}

// public returns the part of a text that may be shown.
func public(text string) string {
	return secrets.ReplaceAllString(shown(text, maxMetadata), "…")
}

// where returns what identifies the call in Stripe's logs.
func where(refused *stripe.Error) string {
	text := fmt.Sprint(refused.HTTPStatusCode)
	if refused.Code != "" {
		text += ", " + shown(string(refused.Code), maxMetadata)
	}
	if refused.RequestID != "" {
		text += ", request " + shown(refused.RequestID, maxMetadata)
	}
	return text
}

// alreadyRefunded reports whether a payment has been refunded in full.
func alreadyRefunded(err error) bool { return hasCode(err, stripe.ErrorCodeChargeAlreadyRefunded) }

// missing reports whether Stripe knows no such object in the account of the call.
func missing(err error) bool { return hasCode(err, stripe.ErrorCodeResourceMissing) }

// expired reports whether money is no longer reserved because the bank released it.
func expired(err error) bool {
	return hasCode(err, stripe.ErrorCodeChargeExpiredForCapture, stripe.ErrorCodeCaptureChargeAuthorizationExpired)
}

func hasCode(err error, codes ...stripe.ErrorCode) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	return ok && slices.Contains(codes, refused.Code)
}

// repeated reports whether Stripe replayed what it had stored under the key.
func repeated(err error) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	return ok && replayed(refused.LastResponse)
}

// storedFailure reports whether Stripe replayed a server error that it stored under
// the key.
func storedFailure(err error) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	return ok && refused.HTTPStatusCode >= 500 && repeated(err)
}
