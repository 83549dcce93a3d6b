package main

import (
	"context"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

type adoptEnforceCommand struct {
	Name string   `arg:"" help:"The table's name under adopt in the settings."`
	Rule []string `placeholder:"RULE" help:"Only this rule, once for each: expired, no_show, overran, missed. By default all that the mapping has an ending for."`
	Yes  bool     `help:"Enforce although the table has not been shadowed for a week, or sessions would have been ended that lived on."`
	JSON bool     `help:"Print JSON."`
}

// Run puts triggers on a table and lets the sweeper end its overdue rows.
func (c *adoptEnforceCommand) Run(ctx context.Context, s *settings, term terminal) error {
	e := adopt.Enforcement{Yes: c.Yes}
	for _, rule := range c.Rule {
		reason := curfew.EndReason(rule)
		if !slices.Contains(mapping.Reasons(), reason) {
			return usagef("there is no rule %q to enforce: there are %s", rule, strings.Join(ruleNames(), ", "))
		}
		e.Rules = append(e.Rules, reason)
	}
	return s.withAdoption(ctx, func(svc *adopt.Service) error {
		if err := svc.Enforce(ctx, c.Name, e); err != nil {
			return err
		}
		return printAdoptionOf(ctx, svc, c.Name, c.JSON, term)
	})
}

func ruleNames() []string {
	var all []string
	for _, reason := range mapping.Reasons() {
		all = append(all, string(reason))
	}
	return all
}
