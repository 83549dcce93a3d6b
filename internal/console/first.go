package console

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew/api"
)

// First is what to do first in an empty service.
type First struct {
	Test *Action  // sends the test checkout; nil: it cannot be sent
	Why  []string // its consequences, or why it cannot be sent
	Demo string   // the command that runs the demonstration
}

// firstStep returns what to do first, or nil if there has been a session or a payment, or nobody knows.
func (s *Site) firstStep(h api.Health) *First {
	if h.Sessions.Total == nil || *h.Sessions.Total > 0 || h.Checkouts.ByOutcome == nil {
		return nil
	}
	for _, n := range h.Checkouts.ByOutcome {
		if n > 0 {
			return nil
		}
	}
	program, _, _ := strings.Cut(s.hint, " login")
	f := &First{Demo: program + " demo --open --listen 127.0.0.1:0"} // the port of the settings is taken
	plan, err := s.testPlan()
	if err != nil {
		f.Why = []string{capital(err.Error()) + "."}
		return f
	}
	policy := s.keeper.Rules.Policy()
	f.Why = []string{
		fmt.Sprintf("A customer named test-customer gets a session of the plan %s, for a payment of 0.00 %s: no money moves.",
			plan, strings.ToUpper(cmp.Or(policy.Plans[plan].Currency, "eur"))),
		"Mechanics see the request in their queue, and webhooks are sent, as for any other. If nobody accepts it, it ends by itself after " +
			Span(cmp.Or(policy.Plans[plan].WaitingTTL, policy.WaitingTTL)) + ".",
		"It can be sent once, and stays in the history.",
	}
	f.Test = &Action{
		Name: "try", Label: "Send a test checkout", Call: "POST /api/debug/test-checkout", Main: true,
		Done: "Sent: test-customer waits for a mechanic.",
	}
	return f
}
