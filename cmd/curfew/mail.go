package main

import (
	"context"
	"fmt"
	"os"

	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/notify/mail"
)

// mailCommand is what operators do about mails.
type mailCommand struct {
	Test testMail `cmd:"" help:"Send a sample to an address, and say what the mail server made of it."`
}

type testMail struct {
	Address string `arg:"" help:"Where to."`
	Notice  string `default:"accepted" placeholder:"NAME" help:"Which: accepted (the default), expired, missed, no_show, cancelled, deferred or refunded."`
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
	term.printf("Sent: %s took it.\n", s.SMTP.URL.Host)
	return nil
}

// mails is who tells customers by e-mail; nil where no mail server is set up.
// Its templates are rendered once, so that a broken one is seen now.
func (s *settings) mails(store mail.Store, signer mail.Signer, baseURL string) (*mail.Channel, error) {
	if s.SMTP.URL == nil {
		return nil, nil //nolint:nilnil // nothing is set up, and nothing is wrong
	}
	if s.SMTP.From == "" {
		return nil, usagef("smtp.from is missing: say who mails come from, like Example <help@example.org>")
	}
	from, err := mail.ParseFrom(s.SMTP.From)
	if err != nil {
		return nil, asUsage(err)
	}
	o := mail.Options{Server: mailServer(s.SMTP), From: from, BaseURL: baseURL, Signer: signer}
	if s.SMTP.Templates != "" {
		o.Templates = os.DirFS(string(s.SMTP.Templates))
	}
	c, err := mail.NewChannel(store, o)
	return c, asUsage(err)
}

func mailServer(s config.SMTP) mail.Server {
	return mail.Server{Host: s.URL.Host, Port: s.URL.Port, Username: s.URL.User, Password: s.Password, TLS: mail.TLS(s.TLS)}
}
