package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

type loginCommand struct {
	Role    string `default:"admin" enum:"customer,mechanic,admin,service" placeholder:"ROLE" help:"customer, mechanic, admin (the default) or service."`
	Subject string `placeholder:"ID" help:"The id or name to sign in as; by default your user name."`
	Open    bool   `help:"Open the link in the browser, too."`
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
	link, err := signInLink(identity, actor, s.publicURL(s.Listen))
	if err != nil {
		return err
	}
	term.printf("%s\n", link)
	if c.Open {
		openInBrowser(ctx, term, link)
	}
	return nil
}

// signInLink returns a link to a service at an address that signs in one browser, once, within two minutes.
func signInLink(identity *auth.Identity, who curfew.Actor, at string) (string, error) {
	ticket, err := identity.LoginTicket(who)
	return at + "/login?ticket=" + url.QueryEscape(ticket), err
}
