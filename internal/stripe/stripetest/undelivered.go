package stripetest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/stripe/stripe-go/v86"
)

// listUndelivered lists the events that no webhook has accepted yet. The fake forgets the others.
func listUndelivered(f *Fake, r *http.Request) response {
	if r.Form.Get("delivery_success") != "false" {
		return failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, "", "The fake only lists events with delivery_success=false.")
	}
	since, err := strconv.ParseInt(orZero(r.Form.Get("created[gte]")), 10, 64)
	if err != nil {
		return failure(http.StatusBadRequest, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeParameterInvalidInteger, "Invalid integer: "+r.Form.Get("created[gte]"))
	}
	account := r.Header.Get("Stripe-Account")
	found := slices.DeleteFunc(slices.Concat(f.lost, f.events), func(e *Event) bool {
		return e.account != account || e.at.Unix() < since
	})
	slices.SortFunc(found, func(a, b *Event) int { return b.number - a.number })
	return page(r, found, func(e *Event) string { return e.ID }, func(e *Event) any { return listed(e) })
}

// listed is an event as the API lists it: on behalf of an account, it need not name the account.
func listed(e *Event) any {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(e.Body(), &fields); err != nil {
		panic(err) // it was marshalled
	}
	delete(fields, "account")
	return fields
}

// Endpoint is a webhook endpoint as somebody has configured it.
type Endpoint struct {
	URL      string
	Events   []string // * is all
	Disabled bool
}

// SetEndpoints replaces the account's webhook endpoints. Deliver ignores them.
func (f *Fake) SetEndpoints(all ...Endpoint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endpoints = all
}

func listEndpoints(f *Fake, r *http.Request) response {
	type numbered struct {
		Endpoint
		id string
	}
	var found []numbered
	for i, each := range slices.Backward(f.endpoints) {
		found = append(found, numbered{each, "we_" + strconv.Itoa(i+1)})
	}
	return page(r, found, func(n numbered) string { return n.id }, func(n numbered) any {
		status := "enabled"
		if n.Disabled {
			status = "disabled"
		}
		return stripe.WebhookEndpoint{
			ID: n.id, Object: "webhook_endpoint", APIVersion: stripe.APIVersion, Livemode: f.live,
			URL: n.URL, EnabledEvents: n.Events, Status: status,
		}
	})
}
