package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/curfewhq/curfew"
)

type loginCommand struct {
	Role    string `default:"admin" enum:"customer,mechanic,admin,service" placeholder:"ROLE" help:"customer, mechanic, admin (the default) or service."`
	Subject string `placeholder:"ID" help:"The id or name to sign in as; by default your user name."`
}

// Run prints a link that signs in one browser, once, within two minutes.
func (c *loginCommand) Run(ctx context.Context, s *settings, term terminal) error {
	actor := operator()
	actor.Role = curfew.Role(c.Role)
	if c.Subject != "" {
		actor.ID = c.Subject
	}
	if err := curfew.CheckID("--subject", actor.ID); err != nil {
		return usageError{err}
	}
	if s.BaseURL == nil && strings.HasSuffix(string(s.Listen), ":0") {
		return usagef("nobody knows which port `curfew serve` got for %s: give the address that it printed with --base-url", s.Listen)
	}
	identity, err := s.localIdentity(ctx)
	if err != nil {
		return err
	}
	ticket, err := identity.LoginTicket(actor)
	if err != nil {
		return err
	}
	term.printf("%s/login?ticket=%s\n", s.publicURL(s.Listen), url.QueryEscape(ticket))
	return nil
}
