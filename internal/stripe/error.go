package stripe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// errStrange is an answer that is not Stripe's API's, a proxy's page for
// instance. What happened behind it is not known.
var errStrange = curfew.Errorf(curfew.Unavailable, "what answered is not Stripe's API: whether it was done is not known")

// secrets are Stripe's keys, whole or with their middle starred out.
var secrets = regexp.MustCompile(`\b(sk|rk|pk|whsec)_[A-Za-z0-9_*]+`)

// failure gives the library's error its kind, by status and type and never by
// text. The library's own texts hold bodies and whole objects of Stripe's, so
// they are not passed on.
func failure(err error) error {
	if refused, ok := errors.AsType[*stripe.Error](err); ok {
		return refusal(refused)
	}
	if broken := wire(err); broken != nil {
		return fmt.Errorf("%w (%w)", curfew.Errorf(curfew.Unavailable, "%s", unanswered(broken)), broken)
	}
	return errStrange
}

// wire is what went wrong between here and Stripe, before its answer or in the
// middle of it; nil if nothing did. It is without the call's address, which
// names the payment.
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

// refusal is what Stripe itself said.
func refusal(refused *stripe.Error) error {
	at := where(refused)
	switch kind := kindOf(refused); kind {
	case curfew.Unavailable:
		return curfew.Errorf(kind, "Stripe cannot say now whether it was done: status %s", at)
	case curfew.Unauthenticated:
		return curfew.Errorf(kind, "Stripe does not let the API key do that: status %s", at)
	case curfew.IdempotencyMismatch:
		return curfew.Errorf(kind, "Stripe knows this key with other parameters: status %s", at)
	default:
		text := secrets.ReplaceAllString(shown(refused.Msg, maxMetadata), "…")
		return curfew.Errorf(kind, "Stripe refuses: %s (status %s)", text, at)
	}
}

func kindOf(refused *stripe.Error) curfew.Kind {
	status := refused.HTTPStatusCode
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusConflict:
		return curfew.Unavailable
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return curfew.Unauthenticated
	case refused.Type == stripe.ErrorTypeIdempotency:
		return curfew.IdempotencyMismatch
	}
	return curfew.Invalid
}

// where is what finds the call in Stripe's own logs.
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

// alreadyRefunded reports that nothing is left of a payment to give back.
func alreadyRefunded(err error) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	return ok && refused.Code == stripe.ErrorCodeChargeAlreadyRefunded
}

// storedFailure reports that Stripe answered with the server's error that it
// keeps under the key, not with what it would say now.
func storedFailure(err error) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	return ok && refused.HTTPStatusCode >= 500 && refused.LastResponse != nil &&
		refused.LastResponse.Header.Get("Idempotent-Replayed") == "true"
}
