package main

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// keysCommand manages API keys.
type keysCommand struct {
	Create createKey `cmd:"" help:"Create a key. Prints it, once."`
	List   listKeys  `cmd:"" help:"List all keys, revoked ones too."`
	Rotate rotateKey `cmd:"" help:"Replace a key's secret. Prints the new key, once."`
	Revoke revokeKey `cmd:"" help:"Revoke a key for ever. Within 10 seconds it counts nowhere."`
}

type createKey struct {
	Name           string           `arg:"" help:"The service that calls with it, as events and logs name it."`
	TTL            *config.Duration `placeholder:"TIME" help:"How long it is valid: 2160h."`
	Forever        bool             `help:"It never expires, instead of --ttl."`
	CustomerPrefix *string          `placeholder:"TEXT" help:"Bind it to customers whose id begins like this; all by default."`
	Routes         []string         `placeholder:"ROUTE,…" help:"Bind it to these routes, by name or by group, for instance sessions,fulfillCheckout; all by default."`
	MaxAmount      *int64           `placeholder:"AMOUNT" help:"The largest amount of a payment, in the smallest unit of its currency; any by default. Needs --currency."`
	Currency       *string          `placeholder:"CODE" help:"The currency of --max-amount, such as EUR; payments in another are refused."`
	JSON           bool             `help:"Print JSON."`
}

// Run creates a key.
func (c *createKey) Run(ctx context.Context, s *settings, term terminal) error {
	if (c.TTL == nil) != c.Forever {
		return usagef("say how long the key is valid: either --ttl 2160h or --forever")
	}
	n := auth.NewKey{Name: c.Name, Forever: c.Forever, Scope: record.KeyScope{Routes: c.Routes, MaxAmount: c.MaxAmount}}
	if c.TTL != nil {
		n.ExpiresAt = time.Now().Add(time.Duration(*c.TTL))
	}
	if c.CustomerPrefix != nil {
		n.Scope.CustomerPrefix = *c.CustomerPrefix
	}
	if c.Currency != nil {
		n.Scope.Currency = *c.Currency
	}
	return s.withKeys(ctx, func(all auth.Keys) error {
		k, text, err := all.Create(ctx, operator(), n)
		about(ctx, "", k.ID, k.Name)
		return printKey(term, k, text, c.JSON, err)
	})
}

// withKeys opens the database for one command.
func (s *settings) withKeys(ctx context.Context, do func(auth.Keys) error) error {
	return s.withDatabase(ctx, func(db database) error { return do(httpapi.Keys(db)) }) //nolint:contextcheck // it reads the table of routes, and calls none
}

// printKey prints a key. The text is the bearer token to show once, or empty.
func printKey(term terminal, k record.APIKey, text string, asJSON bool, err error) error {
	switch {
	case err != nil:
		return asUsage(err)
	case asJSON:
		return term.json(wire.Key(k, text, time.Now()))
	}
	rows := [][]string{{"key", k.ID}, {"name", k.Name}, {"bound to", boundTo(k)}, {"state", keyState(k)}}
	if text != "" && k.OldUntil.After(time.Now()) {
		rows = append(rows, []string{"the key before", "counts until " + moment(k.OldUntil, time.Now())})
	}
	columns(term.out, rows...)
	if text != "" {
		term.printf("\nSend it as a bearer token. It is not shown again:\n%s\n", text)
	}
	return nil
}

// boundTo describes what a key is bound to.
func boundTo(k record.APIKey) string {
	all := k.Scope.Bounds()
	if len(all) == 0 {
		return "nothing: all that a service may do"
	}
	return oneLine(strings.Join(all, "; "))
}

func keyState(k record.APIKey) string {
	state := wire.KeyState(k, time.Now())
	switch {
	case !k.RevokedAt.IsZero():
		return state + " " + moment(k.RevokedAt, time.Now()) + " by " + k.RevokedBy.String()
	case k.ExpiresAt.IsZero():
		return state + ", for ever"
	}
	return state + ", until " + moment(k.ExpiresAt, time.Now())
}

type listKeys struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the keys.
func (c *listKeys) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeys(ctx, func(keys auth.Keys) error {
		all, err := keys.List(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return term.json(wire.Keys(all, time.Now()))
		case len(all) == 0:
			term.printf("None.\n")
			return nil
		}
		rows := [][]string{{"KEY", "NAME", "LAST USED", "STATE", "BOUND TO"}}
		for _, k := range all {
			rows = append(rows, []string{k.ID, oneLine(k.Name), moment(k.UsedAt, time.Now()), keyState(k), boundTo(k)})
		}
		columns(term.out, rows...)
		return nil
	})
}

// oneKey identifies a key.
type oneKey struct {
	Key string `arg:"" help:"Its id, as curfew keys list prints it."`
}

type rotateKey struct {
	oneKey
	Grace config.Pause `default:"24h" placeholder:"TIME" help:"How long the key before goes on counting (24h); 0s: not at all."`
	JSON  bool         `help:"Print JSON."`
}

// Run replaces a key's secret.
func (c *rotateKey) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeys(ctx, func(all auth.Keys) error {
		k, text, err := all.Rotate(ctx, c.Key, time.Duration(c.Grace))
		about(ctx, "", k.ID, k.Name)
		return printKey(term, k, text, c.JSON, err)
	})
}

type revokeKey struct {
	oneKey
	JSON bool `help:"Print JSON."`
}

// Run revokes a key.
func (c *revokeKey) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withKeys(ctx, func(all auth.Keys) error {
		k, err := all.Revoke(ctx, operator(), c.Key)
		about(ctx, "", k.ID, k.Name)
		return printKey(term, k, "", c.JSON, err)
	})
}
