package httpapi

import (
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew/internal/openapi"
)

// Description describes the API of a server.
type Description struct {
	Version string
	BaseURL string // where callers reach it
	Stripe  Hook   // names the headers of a signature; nil: they are not described
}

// JSON returns the OpenAPI document, without a server.
func (d Description) JSON() ([]byte, error) {
	doc, _, err := d.complete()
	if err != nil {
		return nil, err
	}
	return doc.MarshalJSON()
}

// complete finishes a description that serves no calls: generators need different schemas than the
// server's validation.
func (d Description) complete() (*huma.OpenAPI, []route, error) {
	h := handlers{stripe: door{hook: d.Stripe}}
	table, silent := slices.Concat(apiRoutes(h), credentialRoutes(h)), newRouter(d.Version, 0, nil, nil, nil)
	if err := mountAll(table, silent); err != nil {
		return nil, nil, err
	}
	openapi.Complete(silent.api.OpenAPI(), d.BaseURL)
	return silent.api.OpenAPI(), table, nil
}
