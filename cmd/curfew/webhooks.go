package main

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// webhooksCommand manages endpoints.
type webhooksCommand struct {
	Add     addWebhook     `cmd:"" help:"Add an endpoint. Prints its signing secret, once."`
	List    listWebhooks   `cmd:"" help:"List all endpoints."`
	Test    testWebhook    `cmd:"" help:"Send an endpoint a test event, and print what it answered."`
	Rotate  rotateWebhook  `cmd:"" help:"Replace the secret; the old one signs too for a day. Prints the new one, once."`
	Enable  enableWebhook  `cmd:"" help:"Send to an endpoint again, pending deliveries first."`
	Disable disableWebhook `cmd:"" help:"Send nothing to an endpoint until it is enabled."`
	Remove  removeWebhook  `cmd:"" help:"Remove an endpoint and its pending deliveries."`
	Seal    sealWebhooks   `cmd:"" help:"Encrypt the secrets of all endpoints with the first of webhooks.key, after it was set or replaced."`
}

type addWebhook struct {
	URL         string   `arg:"" help:"The endpoint's address: https://…"`
	Events      []string `placeholder:"EVENT,…" help:"Only these, for instance session.accepted,checkout.refunded; all by default."`
	Description string   `placeholder:"TEXT" help:"A description for people."`
	JSON        bool     `help:"Print JSON."`
}

// Run adds an endpoint.
func (c *addWebhook) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withEndpoints(ctx, func(_ database, all webhook.Endpoints) error {
		w, err := all.Add(ctx, record.Endpoint{URL: c.URL, Kinds: c.Events, Description: c.Description})
		return printSecret(term, w, c.JSON, err)
	})
}

// withEndpoints opens the database for one command.
func (s *settings) withEndpoints(ctx context.Context, do func(database, webhook.Endpoints) error) error {
	return s.withDatabase(ctx, func(db database) error { return do(db, s.endpoints(db)) })
}

func printSecret(term terminal, w record.Endpoint, asJSON bool, err error) error {
	switch {
	case err != nil:
		return asUsage(err)
	case asJSON:
		return term.json(wire.Endpoint(w))
	}
	printEndpoint(term, w)
	term.printf("\nThis secret signs the deliveries. It is not shown again:\n%s\n", w.Secrets[0])
	return nil
}

func printEndpoint(term terminal, w record.Endpoint) {
	rows := [][]string{{"endpoint", w.ID}, {"url", w.URL}, {"events", eventsOf(w)}, {"state", stateOf(w)}}
	if w.Description != "" {
		rows = append(rows, []string{"description", w.Description})
	}
	columns(term.out, rows...)
}

func eventsOf(w record.Endpoint) string {
	if len(w.Kinds) == 0 {
		return "all"
	}
	return strings.Join(w.Kinds, ", ")
}

func stateOf(w record.Endpoint) string {
	switch {
	case w.Enabled:
		return "enabled"
	case w.DisabledReason == "":
		return "disabled"
	}
	return "disabled: " + oneLine(w.DisabledReason)
}

type listWebhooks struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the endpoints.
func (c *listWebhooks) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withEndpoints(ctx, func(_ database, endpoints webhook.Endpoints) error {
		all, err := endpoints.List(ctx)
		if err != nil {
			return err
		}
		return c.print(term, all)
	})
}

func (c *listWebhooks) print(term terminal, all []record.Endpoint) error {
	if c.JSON {
		out := api.Endpoints{Endpoints: []api.Endpoint{}}
		for _, w := range all {
			out.Endpoints = append(out.Endpoints, wire.Endpoint(w))
		}
		return term.json(out)
	}
	if len(all) == 0 {
		term.printf("None.\n")
		return nil
	}
	rows := [][]string{{"ID", "URL", "EVENTS", "STATE", "DESCRIPTION"}}
	for _, w := range all {
		rows = append(rows, []string{w.ID, w.URL, eventsOf(w), stateOf(w), w.Description})
	}
	columns(term.out, rows...)
	return nil
}

// one identifies an endpoint.
type one struct {
	Endpoint string `arg:"" help:"Its id."`
}

type rotateWebhook struct {
	one
	JSON bool `help:"Print JSON."`
}

// Run replaces the secret.
func (c *rotateWebhook) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withEndpoints(ctx, func(_ database, all webhook.Endpoints) error {
		w, err := all.Rotate(ctx, c.Endpoint)
		return printSecret(term, w, c.JSON, err)
	})
}

type enableWebhook struct{ one }

// Run enables an endpoint.
func (c *enableWebhook) Run(ctx context.Context, s *settings, term terminal) error {
	return s.switchEndpoint(ctx, term, c.Endpoint, true)
}

type disableWebhook struct{ one }

// Run disables an endpoint.
func (c *disableWebhook) Run(ctx context.Context, s *settings, term terminal) error {
	return s.switchEndpoint(ctx, term, c.Endpoint, false)
}

func (s *settings) switchEndpoint(ctx context.Context, term terminal, id string, on bool) error {
	return s.withEndpoints(ctx, func(_ database, all webhook.Endpoints) error {
		w, err := all.Change(ctx, id, func(w *record.Endpoint) { w.Enabled = on })
		if err != nil {
			return err
		}
		printEndpoint(term, w)
		return nil
	})
}

type removeWebhook struct{ one }

// Run removes an endpoint.
func (c *removeWebhook) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withEndpoints(ctx, func(_ database, all webhook.Endpoints) error {
		if err := all.Remove(ctx, c.Endpoint); err != nil {
			return err
		}
		term.printf("Removed.\n")
		return nil
	})
}

type testWebhook struct {
	one
	Wait config.Duration `default:"20s" help:"How long to wait for the answer."`
}

// Run sends a test event. `curfew serve` delivers it, like any other.
func (c *testWebhook) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withEndpoints(ctx, func(db database, all webhook.Endpoints) error {
		d, err := all.Test(ctx, c.Endpoint)
		if err != nil {
			return err
		}
		if d, err = awaitDelivery(ctx, db, d, time.Duration(c.Wait)); err != nil {
			return err
		}
		return printTest(term, d)
	})
}

// awaitDelivery waits until a delivery has been attempted, or the time is over.
func awaitDelivery(ctx context.Context, db database, d record.Delivery, most time.Duration) (record.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for d.State == record.DeliveryPending && d.Error == "" {
		select {
		case <-ctx.Done():
			return d, nil
		case <-tick.C:
		}
		found, err := db.Delivery(ctx, d.ID)
		if err != nil && ctx.Err() == nil {
			return d, err
		}
		if err == nil {
			d = found
		}
	}
	return d, nil
}

func printTest(term terminal, d record.Delivery) error {
	switch {
	case d.State == record.DeliveryDone:
		term.printf("Delivered: it answered %d.\n", d.Status)
		return nil
	case d.Error != "":
		return curfew.Errorf(curfew.Unavailable, "the test did not arrive: %s (`curfew deliveries show %s` follows it)", d.Error, d.ID)
	}
	return curfew.Errorf(curfew.Unavailable, "nobody has sent the test yet: is `curfew serve` running? (`curfew deliveries show %s` follows it)", d.ID)
}

type sealWebhooks struct{}

// Run encrypts every secret with the newest key. It is safe to repeat.
func (*sealWebhooks) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDatabase(ctx, func(db database) error {
		f, err := s.seal().Reseal(ctx, db)
		if err != nil {
			return asUsage(err)
		}
		term.printf("%s encrypted with the first key of webhooks.key.\n", plural(f.Fresh, "secret"))
		if f.Closed > 0 {
			return curfew.Errorf(curfew.Conflict, "%s cannot be read: %s", plural(f.Closed, "secret"), closedFix)
		}
		return nil
	})
}

// closedFix is what to do about secrets whose key is lost.
const closedFix = "add the key that encrypted them to webhooks.key, or replace them with `curfew webhooks rotate`"
