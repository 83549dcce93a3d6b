package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// deliveriesCommand lists deliveries and sends them again.
type deliveriesCommand struct {
	List   listDeliveries `cmd:"" help:"List dead deliveries, or by state and endpoint."`
	Show   showDelivery   `cmd:"" help:"Show one delivery with its body."`
	Replay replayDelivery `cmd:"" help:"Send one again, or all dead ones of an endpoint."`
}

const pageOfDeliveries = 100

type listDeliveries struct {
	State    string `default:"dead" placeholder:"STATE" help:"pending, delivered, dead (the default) or any."`
	Endpoint string `placeholder:"ID" help:"Only this endpoint's."`
	Limit    int    `default:"100" help:"List at most this many, oldest first."`
	JSON     bool   `help:"Print JSON."`
}

// Run lists deliveries, oldest first.
func (c *listDeliveries) Run(ctx context.Context, s *settings, term terminal) error {
	search, err := c.search()
	if err != nil {
		return err
	}
	return s.withDatabase(ctx, func(db database) error {
		var all []record.Delivery
		for len(all) < c.Limit {
			search.Limit = min(pageOfDeliveries, c.Limit-len(all))
			found, err := notify.Deliveries{Store: db}.List(ctx, search)
			if err != nil {
				return err
			}
			if all = append(all, found...); len(found) < search.Limit {
				break
			}
			search.After = found[len(found)-1].ID
		}
		return c.print(term, all)
	})
}

func (c *listDeliveries) search() (record.DeliverySearch, error) {
	state := record.DeliveryState(c.State)
	switch {
	case c.Limit < 1:
		return record.DeliverySearch{}, usagef("--limit must be at least 1, not %d", c.Limit)
	case c.State == "any":
		state = ""
	case !slices.Contains(record.DeliveryStates(), state):
		return record.DeliverySearch{}, usagef("there is no state %q: the states are %s, any", c.State, config.List(record.DeliveryStates()))
	}
	return record.DeliverySearch{State: state, Destination: c.Endpoint}, nil
}

func (c *listDeliveries) print(term terminal, all []record.Delivery) error {
	if c.JSON {
		views := make([]api.Delivery, len(all))
		for i, d := range all {
			views[i] = wire.Delivery(d)
		}
		return term.json(map[string]any{"deliveries": views})
	}
	if len(all) == 0 {
		term.printf("None.\n")
		return nil
	}
	rows := [][]string{{"ID", "EVENT", "TO", "STATE", "ATTEMPTS", "AGE", "LAST ERROR"}}
	for _, d := range all {
		rows = append(rows, []string{
			d.ID, d.Kind, d.Channel + " " + d.Receiver(), string(d.State), fmt.Sprint(d.Attempts),
			lifecycle.Span(time.Since(d.CreatedAt)), oneLine(d.Error),
		})
	}
	columns(term.out, rows...)
	return nil
}

type showDelivery struct {
	Delivery string `arg:"" help:"Its id: the webhook-id."`
	JSON     bool   `help:"Print JSON."`
}

// Run shows one delivery.
func (c *showDelivery) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDatabase(ctx, func(db database) error {
		d, err := notify.Deliveries{Store: db}.Show(ctx, c.Delivery)
		if err != nil {
			return err
		}
		if c.JSON {
			return term.json(wire.Delivery(d))
		}
		printDelivery(term, d)
		term.printf("\n%s\n", d.Body)
		return nil
	})
}

func printDelivery(term terminal, d record.Delivery) {
	now := time.Now()
	rows := [][]string{
		{"delivery", d.ID},
		{"event", d.Kind},
		{"to", d.Channel + " " + d.Receiver()},
		{"state", string(d.State)},
		{"attempts", fmt.Sprint(d.Attempts)},
		{"made", moment(d.CreatedAt, now)},
	}
	if d.Status != 0 {
		rows = append(rows, []string{"last answer", fmt.Sprint(d.Status)})
	}
	if d.Error != "" {
		rows = append(rows, []string{"last error", oneLine(d.Error)})
	}
	if d.State == record.DeliveryPending {
		rows = append(rows, []string{"next attempt", moment(d.NextAt, now)})
	}
	columns(term.out, rows...)
}

type replayDelivery struct {
	Delivery string `arg:"" optional:"" help:"Its id."`
	Endpoint string `placeholder:"ID" help:"All dead ones of this endpoint instead."`
}

// Run marks deliveries to be sent again; `curfew serve` sends them.
func (c *replayDelivery) Run(ctx context.Context, s *settings, term terminal) error {
	if (c.Delivery == "") == (c.Endpoint == "") {
		return usagef("name a delivery, or an endpoint with --endpoint")
	}
	return s.withDatabase(ctx, func(db database) error {
		deliveries := notify.Deliveries{Store: db}
		if c.Delivery != "" {
			d, err := deliveries.Replay(ctx, c.Delivery)
			if err == nil {
				printDelivery(term, d)
			}
			return err
		}
		n, err := deliveries.ReplayDead(ctx, c.Endpoint)
		if err == nil {
			term.printf("%d to be sent again.\n", n)
		}
		return err
	})
}
