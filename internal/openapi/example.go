package openapi

import "encoding/json"

// examples are bodies that callers send, by operation. Tests send them.
var examples = map[string]string{
	"fulfillCheckout": `{"paymentRef": "cs_test_a1", "customerId": "kim", "plan": "chat10", "amount": 2900, "currency": "EUR", "name": "Kim"}`,
	"createSession":   `{"plan": "free", "customerId": "kim"}`,
	"extendSession":   `{"plan": "more15", "paymentRef": "cs_test_b2"}`,
	"clearCustomer":   `{"reason": "the customer asked"}`,
	"runCleanup":      `{"dryRun": true}`,
	"assignHeld":      `{"customerId": "kim", "plan": "chat10", "reason": "the order says so"}`,
	"refundCheckout":  `{"reason": "the call never worked"}`,
	"addEndpoint":     `{"url": "https://shop.example.org/hooks/curfew", "events": ["session.live", "session.completed"]}`,
	"createKey":       `{"name": "shop", "neverExpires": true, "customerPrefix": "de-", "routes": ["sessions", "fulfillCheckout"]}`,

	"acknowledgeFinding": `{"reason": "the bank is asked", "until": "2026-12-05T09:00:00Z"}`,
}

// addExamples adds the bodies to their operations.
func (d description) addExamples() {
	for id, op := range d.operations() {
		if body, ok := examples[id]; ok {
			op.RequestBody.Content[jsonType].Example = json.RawMessage(body)
		}
	}
}
