package main

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

type tokenRevokeCommand struct {
	ID      string `placeholder:"ID" help:"The token's id (jti), as curfew token inspect prints it."`
	Role    string `enum:",customer,mechanic,admin,service" default:"" placeholder:"ROLE" help:"With --subject: customer, mechanic, admin or service."`
	Subject string `placeholder:"ID" help:"Revoke every token, sign-in link and browser that this subject got until now."`
}

// Run revokes one token, or every one of a subject.
func (c *tokenRevokeCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if (c.ID == "") == (c.Subject == "") || (c.Subject == "") != (c.Role == "") {
		return usagef("say what to revoke: either --id, or --role and --subject")
	}
	revoked := auth.TokenRevocation{TokenID: c.ID, Subject: curfew.Actor{Role: curfew.Role(c.Role), ID: c.Subject}}
	return s.withDatabase(ctx, func(db database) error {
		if err := auth.RevokeTokens(ctx, db, operator(), revoked); err != nil {
			return asUsage(err)
		}
		term.printf("Revoked.\n")
		return nil
	})
}
