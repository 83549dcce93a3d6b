package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// maxGenerations is how many keys an order can have. The first is the order's own; each further key
// is used once Stripe only replays what it stored under the previous one, and nothing was created
// for the order.
const maxGenerations = 10

// generationOf returns the order's key of a generation.
func generationOf(key string, generation int) string {
	if generation > 1 {
		return fmt.Sprintf("%s:again:%d", key, generation)
	}
	return key
}

// keyed returns the parameters of a call that Stripe executes once per key.
func keyed(verb, key string, account *string) stripe.Params {
	return stripe.Params{IdempotencyKey: stripe.String(headerKey(verb, key)), StripeAccount: account}
}

// headerKey returns an order's key, or its digest if a header cannot carry the key unchanged.
func headerKey(verb, key string) string {
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(key) <= curfew.MaxRef && !strings.ContainsFunc(key, strange) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return verb + ":sha256:" + hex.EncodeToString(sum[:])
}
