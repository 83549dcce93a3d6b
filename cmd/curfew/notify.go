package main

import (
	"net/netip"
	"os"

	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/webhook"
)

// worker returns the worker that delivers notifications: webhooks, and e-mail if a mail server is
// configured. It sets o.Channels.
func (s *settings) worker(db database, signer mail.Signer, baseURL string, o notify.Options) (*notify.Worker, error) {
	o.Channels = []notify.Channel{
		webhook.NewChannel(webhook.Sealed(db, s.seal()), webhook.Options{AllowPrivate: s.privateNetworks(), Version: version()}),
	}
	mails, err := s.mails(db, signer, baseURL)
	if err != nil {
		return nil, err
	}
	if mails != nil {
		o.Channels = append(o.Channels, mails)
	}
	return notify.New(db, o), nil
}

// endpoints returns the service that manages webhook endpoints.
func (s *settings) endpoints(store webhook.Store) webhook.Endpoints {
	return webhook.Endpoints{Store: webhook.Sealed(store, s.seal()), AllowPrivate: s.privateNetworks()}
}

// seal returns the encryption for the secrets of endpoints; without a key, secrets are stored as
// they are.
func (s *settings) seal() webhook.Seal {
	if s.Webhooks.Key == nil {
		return webhook.Seal{}
	}
	return webhook.NewSeal(s.Webhooks.Key.Values)
}

func (s *settings) privateNetworks() []netip.Prefix {
	if s.Webhooks.AllowPrivate == nil {
		return nil
	}
	return s.Webhooks.AllowPrivate.Prefixes
}

// mails returns the channel that sends e-mail to customers, or nil if no mail server is configured.
// It renders every template once, so that a broken one is reported at startup.
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
	if s.SMTP.Operators != "" {
		if err := mail.CheckAddress(s.SMTP.Operators); err != nil {
			return nil, usagef("smtp.operators: %v", err)
		}
	}
	o := mail.Options{Operators: s.SMTP.Operators, Server: mailServer(s.SMTP), From: from, BaseURL: baseURL, Signer: signer}
	if s.SMTP.Templates != "" {
		o.Templates = os.DirFS(string(s.SMTP.Templates))
	}
	c, err := mail.NewChannel(store, o)
	return c, asUsage(err)
}

func mailServer(s config.SMTP) mail.Server {
	return mail.Server{Host: s.URL.Host, Port: s.URL.Port, Username: s.URL.User, Password: s.Password, TLS: mail.TLS(s.TLS)}
}
