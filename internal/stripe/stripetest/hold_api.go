package stripetest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/stripe/stripe-go/v86"
)

// createCapture captures the money that an intent has reserved.
func (h Holds) createCapture(r *http.Request) response {
	c, none := ofAccount(r, "payment_intent", r.PathValue("id"), h.f.byIntent)
	if c == nil {
		return none
	}
	key := r.Header.Get("Idempotency-Key")
	h.judgeCapture(c, key)
	if c.hold != held {
		return h.unexpected(c, "This PaymentIntent could not be captured because it has a status of %s. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.")
	}
	if h.overdue(c) {
		h.lapse(c)
		return failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeChargeExpiredForCapture,
			"The charge cannot be captured as the authorization has expired.")
	}
	amount, wrong := amountToCapture(r, c)
	switch {
	case wrong.status != 0:
		return wrong
	case c.decline != "":
		return h.declined(c)
	}
	h.capture(c, amount)
	c.capturedBy = key
	return h.intent(r, c)
}

// createCancel releases the money that an intent has reserved. The intent of a Checkout Session
// cannot be canceled in any other state.
func (h Holds) createCancel(r *http.Request) response {
	c, none := ofAccount(r, "payment_intent", r.PathValue("id"), h.f.byIntent)
	if c == nil {
		return none
	}
	key, reason := r.Header.Get("Idempotency-Key"), stripe.PaymentIntentCancellationReason(r.PostForm.Get("cancellation_reason"))
	if !slices.Contains([]stripe.PaymentIntentCancellationReason{"", "duplicate", "fraudulent", "requested_by_customer", "abandoned"}, reason) {
		return failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, "", "Invalid cancellation_reason: "+string(reason))
	}
	if c.capturedBy != "" {
		h.violate("the hold of %s was to be released by key %s, after key %s had captured it", c.intent, key, c.capturedBy)
	}
	if c.hold != held {
		return h.unexpected(c, "You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be canceled: requires_capture.")
	}
	c.cancelReason, c.releasedBy = reason, key
	h.release(c)
	return h.intent(r, c)
}

// judgeCapture records a capture that must not have been requested.
func (h Holds) judgeCapture(c *checkout, key string) {
	switch {
	case c.capturedBy != "":
		h.violate("the hold of %s was to be captured by key %s, after key %s had captured it", c.intent, key, c.capturedBy)
	case c.releasedBy != "":
		h.violate("the hold of %s was to be captured by key %s, after key %s had released it", c.intent, key, c.releasedBy)
	}
}

func (h Holds) violate(format string, args ...any) {
	h.f.wrong = append(h.f.wrong, fmt.Sprintf(format, args...))
}

func (h Holds) intent(r *http.Request, c *checkout) response {
	return success(h.f.paymentIntent(*c, slices.Contains(expanded(r.Form), "latest_charge")))
}

// amountToCapture returns the full amount unless the call asks for less.
func amountToCapture(r *http.Request, c *checkout) (int64, response) {
	text := r.PostForm.Get("amount_to_capture")
	if text == "" {
		return c.Amount, response{}
	}
	amount, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || amount < 1:
		return 0, failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeParameterInvalidInteger, "Invalid positive integer")
	case amount > c.Amount:
		return 0, failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeAmountTooLarge,
			fmt.Sprintf("Capture amount (%d) is greater than the capturable amount (%d).", amount, c.Amount))
	}
	return amount, response{}
}

// unexpected is Stripe's response to a call that the state of an intent forbids.
func (h Holds) unexpected(c *checkout, message string) response {
	return h.failure(http.StatusBadRequest, c, map[string]any{
		"type": stripe.ErrorTypeInvalidRequest, "code": stripe.ErrorCodePaymentIntentUnexpectedState,
		"message": fmt.Sprintf(message, h.f.intentOf(*c).Status),
	})
}

// declined is Stripe's response when the bank refuses.
func (h Holds) declined(c *checkout) response {
	return h.failure(http.StatusPaymentRequired, c, map[string]any{
		"type": stripe.ErrorTypeCard, "code": stripe.ErrorCodeCardDeclined, "decline_code": c.decline,
		"message": "Your card was declined.", "charge": c.charge,
	})
}

// failure is an error response that contains its intent.
func (h Holds) failure(status int, c *checkout, fields map[string]any) response {
	whole := map[string]any{"payment_intent": h.f.paymentIntent(*c, false)}
	maps.Copy(whole, fields)
	got := success(map[string]any{"error": whole})
	got.status = status
	return got
}
