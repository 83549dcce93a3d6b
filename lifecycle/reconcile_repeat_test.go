package lifecycle_test

import (
	"context"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// writing counts what is written of payments that a provider tells of.
type writing struct {
	lifecycle.Store
	reports int
}

func (w *writing) Report(ctx context.Context, t record.PaymentReport) (record.Ledger, error) {
	w.reports++
	return w.Store.Report(ctx, t)
}

// A comparison of books that agree writes nothing, however many payments there are; what differs in anything is taken in.
func TestAComparisonOfWhatIsKnownWritesNothing(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b, w := newBank(), &writing{Store: env.Store}
		p := reportedPayment("kim", "p1")
		b.paid = []storetest.Report{p}
		env = env.banked(b, w)
		env.receive(paid(p))
		before := w.reports
		for range 2 {
			must(env.Reconcile(env.Context(), time.Hour))(env)
		}
		if w.reports != before {
			env.Errorf("%d reports were written", w.reports-before)
		}
		for sentence, change := range map[string]func(*storetest.Report){
			"another customer": func(p *storetest.Report) { p.CustomerID = "lea" },
			"another plan":     func(p *storetest.Report) { p.Plan = "video15" },
			"more":             func(p *storetest.Report) { p.Amount++ },
		} {
			other := p
			change(&other)
			b.paid, before = []storetest.Report{other}, w.reports
			must(env.Reconcile(env.Context(), time.Hour))(env)
			if w.reports == before {
				env.Errorf("the provider says %s, and nothing was written", sentence)
			}
		}
		env.outcome("p1", curfew.Fulfilled)
	})
}
