package main

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/curfewhq/curfew"
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
	term.printf("Sent: %s took it.\n", s.SMTP.URL.host)
	return nil
}

// mails is who tells customers by e-mail; nil where no mail server is set up.
// Its templates are rendered once, so that a broken one is seen now.
func (s *settings) mails(store mail.Store, signer mail.Signer, baseURL string) (*mail.Channel, error) {
	if s.SMTP.URL == nil {
		return nil, nil //nolint:nilnil // nothing is set up, and nothing is wrong
	}
	if s.SMTP.From == nil {
		return nil, usagef("smtp.from is missing: say who mails come from, like Example <help@example.org>")
	}
	o := mail.Options{Server: s.SMTP.server(), From: &s.SMTP.From.Address, BaseURL: baseURL, Signer: signer}
	if s.SMTP.Templates != "" {
		o.Templates = os.DirFS(string(s.SMTP.Templates))
	}
	c, err := mail.NewChannel(store, o)
	return c, asUsage(err)
}

func (s smtpSettings) server() mail.Server {
	return mail.Server{Host: s.URL.host, Port: s.URL.port, Username: s.URL.user, Password: s.Password, TLS: mail.TLS(s.TLS)}
}

// smtpURL is a mail server, without its password.
type smtpURL struct {
	host, user string
	port       int // 0: the usual one
}

func (u *smtpURL) UnmarshalText(text []byte) error {
	at, err := url.Parse(string(text))
	wrong := errors.New("is no mail server: write it like smtp://USER@mail.example.org:587") // not repeated: it may hold a password
	if err != nil || at.Scheme != "smtp" || at.Hostname() == "" || at.Path != "" && at.Path != "/" || at.RawQuery != "" {
		return wrong
	}
	if _, ok := at.User.Password(); ok {
		return errors.New("must hold no password: put it into smtp.password")
	}
	u.host, u.user, u.port = at.Hostname(), at.User.Username(), 0
	if port := at.Port(); port != "" {
		if u.port, err = strconv.Atoi(port); err != nil || u.port < 1 || u.port > 65535 {
			return wrong
		}
	}
	return nil
}

// mailTLS is how the connection to the mail server is encrypted.
type mailTLS string

func (t *mailTLS) UnmarshalText(text []byte) error {
	if !slices.Contains([]mail.TLS{mail.StartTLS, mail.ImplicitTLS, mail.NoTLS}, mail.TLS(text)) {
		return fmt.Errorf("must be starttls, tls or none, not %q", text)
	}
	*t = mailTLS(text)
	return nil
}

// sender is who mails come from.
type sender struct{ netmail.Address }

func (f *sender) UnmarshalText(text []byte) error {
	at, err := mail.ParseFrom(string(text))
	if err != nil {
		return err
	}
	f.Address = *at
	return nil
}

// folderName is a folder that is there.
type folderName string

func (f *folderName) UnmarshalText(text []byte) error {
	info, err := os.Stat(string(text))
	if err != nil || !info.IsDir() {
		return curfew.Errorf(curfew.Invalid, "there is no folder %q", text)
	}
	*f = folderName(text)
	return nil
}
