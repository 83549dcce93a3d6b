package main

import (
	"bytes"
	"encoding/json"

	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/stripe"
)

type openapiCommand struct{}

// Run prints the description that a service with these settings would serve at /openapi.json, with
// line breaks so that two of them can be compared.
func (c *openapiCommand) Run(s *settings, term terminal) error {
	text, err := httpapi.Description{Version: version(), BaseURL: s.publicURL(s.Listen), Stripe: (*stripe.Hook)(nil)}.JSON()
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, text, "", "  "); err != nil {
		return err
	}
	term.printf("%s\n", lines.String())
	return nil
}
