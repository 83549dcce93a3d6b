package main

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
)

type tokenCommand struct {
	Issue   tokenIssueCommand   `cmd:"" default:"withargs" help:"Print a token signed with the local key. This is what token alone does."`
	Inspect tokenInspectCommand `cmd:"" help:"Say whose token it is, or why it is refused."`
	Revoke  tokenRevokeCommand  `cmd:"" help:"Revoke a token of the local key, or every one of a subject. Within a minute it counts nowhere."`
}

type tokenIssueCommand struct {
	Role    string          `required:"" enum:"customer,mechanic,admin,service" placeholder:"ROLE" help:"customer, mechanic, admin or service."`
	Subject string          `required:"" placeholder:"ID" help:"The customer's or mechanic's id, or a name."`
	TTL     config.Duration `default:"1h" placeholder:"TIME" help:"How long it is valid (1h); at most auth.max_ttl."`
}

// Run prints only the token, for use in $(curfew token …).
func (c *tokenIssueCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if time.Duration(c.TTL) < time.Second {
		return usagef("--ttl must be at least 1s, not %s", c.TTL)
	}
	actor := curfew.Actor{Role: curfew.Role(c.Role), ID: c.Subject}
	if err := curfew.CheckID("--subject", actor.ID); err != nil {
		return usageError{err}
	}
	identity, err := s.localIdentity(ctx)
	if err != nil {
		return err
	}
	token, err := identity.Token(actor, time.Duration(c.TTL))
	if err != nil {
		return asUsage(err)
	}
	term.printf("%s\n", token)
	return nil
}
