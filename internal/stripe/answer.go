package stripe

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v86"
)

// parsed returns the object in the API's response, unmodified; nil if there is none.
func parsed(response *stripe.APIResponse) object {
	var o object
	if response == nil || json.Unmarshal(response.RawJSON, &o) != nil {
		return nil
	}
	return o
}

// answeredAt returns the time at which an object was in the state that the API returned: the time
// of the response. A replayed response shows the object as it was when it was created.
func answeredAt(o object, response *stripe.APIResponse) time.Time {
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil || replayed(response) {
		return o.time("created")
	}
	return at.UTC()
}

// replayed reports whether Stripe returned a response that it had stored under the call's key.
func replayed(response *stripe.APIResponse) bool {
	return response != nil && response.Header.Get("Idempotent-Replayed") == "true"
}
