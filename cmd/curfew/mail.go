package main

import (
	"context"
	"fmt"
)

// mailCommand tests the e-mails to customers.
type mailCommand struct {
	Test testMail `cmd:"" help:"Send a sample to an address, and print how the mail server responded."`
}

type testMail struct {
	Address string `arg:"" help:"The recipient."`
	Notice  string `default:"accepted" placeholder:"NAME" help:"The notice: accepted (the default), unaccepted, forgotten, expired, missed, unattended, no_show, cancelled, deferred, refunded, promised, payment_failed or refund_failed."`
}

// Run sends a sample.
func (c *testMail) Run(ctx context.Context, s *settings, term terminal) error {
	identity, err := s.localIdentity(ctx)
	if err != nil {
		return err
	}
	channel, err := s.mails(nil, identity, s.publicURL(s.Listen))
	if err != nil {
		return err
	}
	if channel == nil {
		return usagef("no mail server is set up: set smtp.url and smtp.from, for instance --smtp-url smtp://USER@mail.example.org:587")
	}
	if err := channel.Test(ctx, c.Address, c.Notice); err != nil {
		return fmt.Errorf("not sent: %w", asUsage(err))
	}
	term.printf("Sent: %s accepted it.\n", s.SMTP.URL.Host)
	return nil
}
