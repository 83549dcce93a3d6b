package main

import (
	"net/netip"

	"github.com/curfewhq/curfew/notify"
	"github.com/curfewhq/curfew/notify/webhook"
)

// worker is who tells of events, in this process.
func (s *settings) worker(svc *service, observer notify.Observer) *notify.Worker {
	webhooks := webhook.NewChannel(svc.db, webhook.Options{AllowPrivate: s.privateNetworks(), Version: version()})
	return notify.New(svc.db, notify.Options{
		Channels: []notify.Channel{webhooks}, Wake: svc.hints.bell.watch(), Logger: svc.log, Observer: observer,
	})
}

// endpoints is where webhooks go.
func (s *settings) endpoints(store webhook.Store) webhook.Endpoints {
	return webhook.Endpoints{Store: store, AllowPrivate: s.privateNetworks()}
}

func (s *settings) privateNetworks() []netip.Prefix {
	if s.Webhooks.AllowPrivate == nil {
		return nil
	}
	return s.Webhooks.AllowPrivate.all
}
