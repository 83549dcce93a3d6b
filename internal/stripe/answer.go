package stripe

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v86"
)

// parsed returns what the API answered, as it came; nil if that is no object.
func parsed(response *stripe.APIResponse) object {
	var o object
	if response == nil || json.Unmarshal(response.RawJSON, &o) != nil {
		return nil
	}
	return o
}

// answeredAt is the time at which an object was as the API says: that of the answer. An
// answer that Stripe had stored says how it was when it was made.
func answeredAt(o object, response *stripe.APIResponse) time.Time {
	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil || replayed(response) {
		return o.time("created")
	}
	return at.UTC()
}

// replayed reports whether Stripe had stored an answer under the call's key.
func replayed(response *stripe.APIResponse) bool {
	return response != nil && response.Header.Get("Idempotent-Replayed") == "true"
}
