package wire

import (
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
)

// Endpoint converts a webhook endpoint. The secret is there only if the endpoint carries it: after it was added or
// rotated.
func Endpoint(w record.Endpoint) api.Endpoint {
	out := api.Endpoint{
		ID: w.ID, URL: w.URL, Description: w.Description, Events: append([]string{}, w.Kinds...), Enabled: w.Enabled,
		DisabledAt: OptionalTime(w.DisabledAt), DisabledReason: w.DisabledReason, CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC(),
	}
	if len(w.Secrets) > 0 {
		out.Secret = w.Secrets[0]
	}
	return out
}
