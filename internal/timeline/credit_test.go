package timeline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// A credit says until when it can be spent, and what became of it then.
func TestTheTimelineOfACredit(t *testing.T) {
	onEachStore(t, func(env *environment) {
		policy := curfew.DefaultPolicy()
		policy.CreditTTL = 48 * time.Hour
		env.Keeper = must(lifecycle.New(env.Store, lifecycle.Options{Policy: &policy}))(env)
		env.Explainer = timeline.New(env.Store, env.Rules)
		paid := env.pay("c", "p1")
		must(env.Sessions.Cancel(env.Context(), paid.SessionID, shop))(env)
		free := must(env.Admission.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "free"}))(env)
		must(env.Sessions.Cancel(env.Context(), free.SessionID, shop))(env)
		env.has("deadline: Until then the customer can spend the credit of payment p1 (29.00 EUR, chat10); after that its refund is due.")
		for _, line := range linesOf(env.explain("c")) {
			if strings.Contains(line, "credit of ID (free") {
				env.Errorf("nothing was paid for it, but: %s", line)
			}
		}
		for _, id := range []string{paid.SessionID, free.SessionID} {
			env.Age(env, id, 49*time.Hour)
		}
		if err := env.Sweeper.SweepCredits(env.Context()); err != nil {
			env.Fatal(err)
		}
		env.has("payment: The refund of payment p1 (29.00 EUR, chat10) is due instead of the credit (by the sweeper: the credit's time is over).")
		env.has("payment: Nobody spent it in time (ID, free), and nothing was paid for it, so nothing is owed (by the sweeper).")
	})
}

// has checks that a customer's timeline has a line.
func (env *environment) has(line string) {
	env.Helper()
	if lines := linesOf(env.explain("c")); !slices.Contains(lines, line) {
		env.Errorf("there is no line\n%s\nbut\n%q", line, lines)
	}
}
