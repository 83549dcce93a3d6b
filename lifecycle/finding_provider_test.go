package lifecycle_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// Reserved money that is not taken is a finding: at once where the key is refused, after a
// while where the provider does not answer; and none any more once it is taken.
func TestReservedMoneyThatIsNotTakenIsAFinding(t *testing.T) {
	for sentence, c := range map[string]struct {
		refusal error
		at      []string // what must pass before it is a finding
		says    string
	}{
		"the key is refused":             {curfew.Errorf(curfew.Unauthenticated, "invalid API key"), nil, "refuses to be asked"},
		"the provider does not answer":   {curfew.Errorf(curfew.Unavailable, "no answer"), []string{"updated_at"}, "gives no answer"},
		"the provider is asked too much": {curfew.Errorf(curfew.RateLimited, "too many calls"), []string{"updated_at"}, "gives no answer"},
	} {
		t.Run(sentence, func(t *testing.T) {
			onVault(t, "at_acceptance", func(env *environment, v *vault) {
				env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
				v.refuse = func(curfew.MoneyOrder) error { return c.refusal }
				must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "m1"))(env)
				if len(c.at) > 0 && finding(env.Report(env.Context()), lifecycle.CaptureFailing) != nil {
					env.Error("it is a finding already")
				}
				for _, column := range c.at {
					env.past(column, "p1")
				}
				f := finding(env.Report(env.Context()), lifecycle.CaptureFailing)
				if f == nil || f.Count != 1 || f.Severity != lifecycle.Critical || !strings.Contains(f.Problem, c.says) {
					env.Fatalf("the finding is %+v", f)
				}
				if len(c.at) == 0 && !slices.Equal(f.Payments, []string{"p1"}) {
					env.Errorf("it names %v", f.Payments)
				}
				v.refuse = newVault().refuse
				env.past("next_at", "p1")
				env.settleCaptures()
				env.taken("p1", curfew.Fulfilled, "captured")
				if f := finding(env.Report(env.Context()), lifecycle.CaptureFailing); f != nil {
					env.Errorf("once it is taken the finding is %+v", f)
				}
			})
		})
	}
}
