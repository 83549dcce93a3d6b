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
	c, none := f.payment(r)
	if c == nil {
		return none
	}
	if c.paidAt.IsZero() {
		return failure(http.StatusBadRequest, "invalid_request_error", "", "This PaymentIntent ("+c.intent+") does not have a successful charge to refund.")
	}
	if c.chargedBack() {
		return failure(http.StatusBadRequest, "invalid_request_error", "charge_disputed", "Charge "+c.charge+" has been charged back; cannot issue a refund.")
	}
	if f.refundFailed(c) {
		return failure(http.StatusBadRequest, "invalid_request_error", "", "A previous attempt to refund "+c.charge+" failed.")
	}
	left := c.captured - c.refunded
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
	if wrong := connectFlags(r, c); wrong.status != 0 {
		return wrong
	}
	return success(f.refund(c, amount, r).object())
}

// payment returns the one that a call names by its intent or its charge, if the account in whose name the call is made
// has it.
func (f *Fake) payment(r *http.Request) (*checkout, response) {
	kind, name, found := "payment_intent", r.Form.Get("payment_intent"), f.byIntent
	if charge := r.Form.Get("charge"); charge != "" {
		kind, name, found = "charge", charge, f.byCharge
	}
	return ofAccount(r, kind, name, found)
}

func ofAccount(r *http.Request, kind, name string, found map[string]*checkout) (*checkout, response) {
	c, ok := found[name]
	if !ok || c.Account != r.Header.Get("Stripe-Account") {
		return nil, missing(kind, name)
	}
	return c, response{}
}

func (f *Fake) listRefunds(r *http.Request) response {
	c, none := f.payment(r)
	if c == nil {
		return none
	}
	var found []Refund
	for _, at := range slices.Backward(c.refunds) {
		found = append(found, f.refunds[at])
	}
	return page(r, found, func(made Refund) string { return made.ID }, func(made Refund) any { return made.object() })
}

func (f *Fake) listDisputes(r *http.Request) response {
	c, none := f.payment(r)
	if c == nil {
		return none
	}
	var found []checkout
	if c.dispute != "" {
		found = append(found, *c)
	}
	return page(r, found, func(c checkout) string { return c.ref }, func(c checkout) any { return f.disputeOf(c) })
}

func (f *Fake) listSessions(r *http.Request) response {
	since, err := strconv.ParseInt(orZero(r.Form.Get("created[gte]")), 10, 64)
	if err != nil {
		return failure(http.StatusBadRequest, "invalid_request_error", "parameter_invalid_integer", "Invalid integer: "+r.Form.Get("created[gte]"))
	}
	status, account := r.Form.Get("status"), r.Header.Get("Stripe-Account")
	before := len(f.sold)
	if name := r.Form.Get("starting_after"); name != "" {
		after, ok := f.byRef[name]
		if !ok {
			return missing("object", name)
		}
		before = after.number - 1
	}
	var found []*checkout // of a page, and one more
	for _, c := range slices.Backward(f.sold[:before]) {
		if len(found) > maxPage {
			break
		}
		if c.createdAt.Unix() >= since && (status == "" || string(c.status) == status) && c.Account == account {
			found = append(found, c)
		}
	}
	r.Form.Del("starting_after")
	expand := expansionOf(r, "data.")
	return page(r, found, func(c *checkout) string { return c.ref }, func(c *checkout) any { return f.session(*c, expand) })
}

func (f *Fake) getSession(r *http.Request) response {
	c, none := ofAccount(r, "checkout.session", r.PathValue("id"), f.byRef)
	if c == nil {
		return none
	}
	return success(f.session(*c, expansionOf(r, "")))
}

func (f *Fake) getIntent(r *http.Request) response {
	c, none := ofAccount(r, "payment_intent", r.PathValue("id"), f.byIntent)
	if c == nil {
		return none
	}
	return success(f.paymentIntent(*c, slices.Contains(expanded(r.Form), "latest_charge")))
}

func (f *Fake) getCharge(r *http.Request) response {
	c, none := ofAccount(r, "charge", r.PathValue("id"), f.byCharge)
	if c == nil {
		return none
	}
	return success(f.chargeOf(*c))
}

func missing(kind, id string) response {
	return failure(http.StatusNotFound, "invalid_request_error", stripe.ErrorCodeResourceMissing, fmt.Sprintf("No such %s: '%s'", kind, id))
}

// maxPage is how many objects a list has at most.
const maxPage = 100

// page returns the part of a list after starting_after: limit objects, 10 by default and 100 at most.
func page[T any](r *http.Request, all []T, id func(T) string, object func(T) any) response {
	limit, err := strconv.Atoi(r.Form.Get("limit"))
	if err != nil {
		limit = 10
	}
	limit = min(max(limit, 1), maxPage)
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

// expansionOf returns what of a Checkout Session, or of each of a list, is to be whole.
func expansionOf(r *http.Request, prefix string) expansion {
	all := expanded(r.Form)
	return expansion{slices.Contains(all, prefix+"payment_intent.latest_charge"), slices.Contains(all, prefix+"line_items")}
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
