package main

import (
	"net/netip"

	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/webhook"
)

// worker is who tells of events, in this process.
func (s *settings) worker(svc *service, signer mail.Signer, observer notify.Observer) (*notify.Worker, error) {
	channels := []notify.Channel{
		webhook.NewChannel(svc.db, webhook.Options{AllowPrivate: s.privateNetworks(), Version: version()}),
	}
	mails, err := s.mails(svc.db, signer, svc.url)
	if err != nil {
		return nil, err
	}
	if mails != nil {
		channels = append(channels, mails)
	}
	return notify.New(svc.db, notify.Options{
		Channels: channels, Wake: svc.notifications.local.listen(), Logger: svc.log, Observer: observer,
	}), nil
}

// endpoints is where webhooks go.
func (s *settings) endpoints(store webhook.Store) webhook.Endpoints {
	return webhook.Endpoints{Store: store, AllowPrivate: s.privateNetworks()}
}

func (s *settings) privateNetworks() []netip.Prefix {
	if s.Webhooks.AllowPrivate == nil {
		return nil
	}
	return s.Webhooks.AllowPrivate.Prefixes
}
