package stripetest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v86"
)

// createRefund is called with the lock held, like all handlers here.
func (f *Fake) createRefund(r *http.Request) response {
	intent := r.PostForm.Get("payment_intent")
	c, ok := f.byIntent[intent]
	if !ok {
		return missing("payment_intent", intent)
	}
	if c.paidAt.IsZero() {
		return failure(http.StatusBadRequest, "invalid_request_error", "", "This PaymentIntent ("+intent+") does not have a successful charge to refund.")
	}
	left := c.Amount - c.refunded
	if left == 0 {
		return failure(http.StatusBadRequest, "invalid_request_error", stripe.ErrorCodeChargeAlreadyRefunded, "Charge "+c.charge+" has already been refunded.")
	}
	amount := left
	if text := r.PostForm.Get("amount"); text != "" {
		asked, err := strconv.ParseInt(text, 10, 64)
		if err != nil || asked < 1 {
			return failure(http.StatusBadRequest, "invalid_request_error", "parameter_invalid_integer", "Invalid positive integer")
		}
		amount = asked
	}
	if amount > left {
		return failure(http.StatusBadRequest, "invalid_request_error", "", fmt.Sprintf("Refund amount (%d) is greater than unrefunded amount on charge (%d)", amount, left))
	}
	return success(f.refund(c, amount, r.Header.Get("Idempotency-Key"), metadataOf(r.PostForm)).object())
}

func (f *Fake) listRefunds(r *http.Request) response {
	intent := r.Form.Get("payment_intent")
	c, ok := f.byIntent[intent]
	if !ok {
		return missing("payment_intent", intent)
	}
	var found []Refund
	for _, at := range slices.Backward(c.refunds) {
		found = append(found, f.refunds[at])
	}
	return page(r, found, func(made Refund) string { return made.ID }, func(made Refund) any { return made.object() })
}

func (f *Fake) listSessions(r *http.Request) response {
	since, err := strconv.ParseInt(orZero(r.Form.Get("created[gte]")), 10, 64)
	if err != nil {
		return failure(http.StatusBadRequest, "invalid_request_error", "parameter_invalid_integer", "Invalid integer: "+r.Form.Get("created[gte]"))
	}
	status := r.Form.Get("status")
	found := slices.DeleteFunc(slices.Clone(f.sold), func(c *checkout) bool {
		return c.createdAt.Unix() < since || status != "" && string(c.status) != status
	})
	slices.Reverse(found)
	expand := slices.Contains(expanded(r.Form), "data.payment_intent.latest_charge")
	return page(r, found, func(c *checkout) string { return c.ref }, func(c *checkout) any { return f.session(*c, expand) })
}

func (f *Fake) getSession(r *http.Request) response {
	c, ok := f.byRef[r.PathValue("id")]
	if !ok {
		return missing("checkout.session", r.PathValue("id"))
	}
	return success(f.session(*c, slices.Contains(expanded(r.Form), "payment_intent.latest_charge")))
}

func (f *Fake) getIntent(r *http.Request) response {
	c, ok := f.byIntent[r.PathValue("id")]
	if !ok {
		return missing("payment_intent", r.PathValue("id"))
	}
	return success(f.paymentIntent(*c, slices.Contains(expanded(r.Form), "latest_charge")))
}

func missing(kind, id string) response {
	return failure(http.StatusNotFound, "invalid_request_error", stripe.ErrorCodeResourceMissing, fmt.Sprintf("No such %s: '%s'", kind, id))
}

// page returns the part of a list after starting_after: limit objects, 10 by default and 100 at most.
func page[T any](r *http.Request, all []T, id func(T) string, object func(T) any) response {
	limit, err := strconv.Atoi(r.Form.Get("limit"))
	if err != nil {
		limit = 10
	}
	limit = min(max(limit, 1), 100)
	if after := r.Form.Get("starting_after"); after != "" {
		at := slices.IndexFunc(all, func(item T) bool { return id(item) == after })
		if at < 0 {
			return missing("object", after)
		}
		all = all[at+1:]
	}
	data := []any{}
	for _, item := range all[:min(limit, len(all))] {
		data = append(data, object(item))
	}
	return success(map[string]any{"object": "list", "url": r.URL.Path, "has_more": len(all) > limit, "data": data})
}

// expanded returns the fields to expand, whether written expand[]= or expand[0]=.
func expanded(form url.Values) []string {
	var all []string
	for name, values := range form {
		if strings.HasPrefix(name, "expand[") {
			all = append(all, values...)
		}
	}
	return all
}

func metadataOf(form url.Values) map[string]string {
	metadata := map[string]string{}
	for name := range form {
		if key, ok := strings.CutPrefix(name, "metadata["); ok {
			metadata[strings.TrimSuffix(key, "]")] = form.Get(name)
		}
	}
	return metadata
}

func orZero(text string) string {
	if text == "" {
		return "0"
	}
	return text
}
