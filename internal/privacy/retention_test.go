package privacy_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// later is a store whose customers have been quiet for a year more than they have.
type later struct{ privacy.Store }

func (s later) Quiet(ctx context.Context, q record.QuietSearch) ([]record.QuietCustomer, error) {
	q.For -= 365 * 24 * time.Hour
	return s.Store.Quiet(ctx, q)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// customers makes three: ada has ended, bob has a credit, cyd waits.
func customers(t *testing.T, h storetest.Harness) {
	t.Helper()
	keeper, err := lifecycle.New(h.Store, lifecycle.Options{})
	must(t, err)
	for _, id := range []string{"ada", "bob", "cyd"} {
		f, err := keeper.Admission.FulfillCheckout(t.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
			PaymentRef: "pay-" + id, CustomerID: id, Plan: "chat10", Email: "mark-" + id + "@mail.example", Name: "Mark " + id,
		})
		must(t, err)
		if id == "cyd" {
			continue
		}
		_, err = keeper.Sessions.Cancel(t.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: id})
		must(t, err)
	}
	_, err = keeper.Checkouts.CloseRefund(t.Context(), curfew.Actor{Role: curfew.Admin, ID: "mara"}, "pay-ada", "goodwill")
	must(t, err)
}

func TestRetention(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for store, open := range map[string]func(testing.TB) storetest.Harness{"postgres": stores.Postgres, "sqlite": stores.SQLite} {
		for sentence, c := range map[string]struct {
			texts, customers time.Duration
			want             privacy.Swept
			left             []string // whose texts
			ids              []string
		}{
			"nothing is set":               {left: []string{"ada", "bob", "cyd"}, ids: []string{"ada", "bob", "cyd"}},
			"texts are kept for long":      {texts: 400 * day, left: []string{"ada", "bob", "cyd"}, ids: []string{"ada", "bob", "cyd"}},
			"texts go, but of what waits":  {texts: 300 * day, want: privacy.Swept{Texts: 2, Kept: 1}, left: []string{"cyd"}, ids: []string{"ada", "bob", "cyd"}},
			"ids go, but of what is owed":  {customers: 300 * day, want: privacy.Swept{Customers: 1, Kept: 2}, left: []string{"bob", "cyd"}, ids: []string{"bob", "cyd"}},
			"texts go earlier than ids do": {texts: 300 * day, customers: 400 * day, want: privacy.Swept{Texts: 2, Kept: 1}, left: []string{"cyd"}, ids: []string{"ada", "bob", "cyd"}},
		} {
			t.Run(store+"/"+sentence, func(t *testing.T) {
				t.Parallel()
				h := open(t)
				customers(t, h)
				r := privacy.Retention{
					Service: privacy.Service{Store: later{h.Store.(privacy.Store)}}, Texts: c.texts, Customers: c.customers, Logger: slog.New(slog.DiscardHandler), //nolint:errcheck,forcetypeassert // both are
				}
				before := h.Dump(t)
				counted, err := r.Count(t.Context())
				must(t, err)
				if counted != c.want || h.Dump(t) != before {
					t.Errorf("counted %+v, want %+v, and nothing changed", counted, c.want)
				}
				swept, err := r.Sweep(t.Context())
				must(t, err)
				if swept != c.want {
					t.Errorf("swept %+v, want %+v", swept, c.want)
				}
				again, err := r.Sweep(t.Context())
				must(t, err)
				if again.Texts+again.Customers != 0 || again.Kept != c.want.Kept {
					t.Errorf("swept again: %+v", again)
				}
				text := h.Dump(t)
				for _, id := range []string{"ada", "bob", "cyd"} {
					if has, want := strings.Contains(text, "mark-"+id), contains(c.left, id); has != want {
						t.Errorf("the texts of %s are there: %v", id, has)
					}
				}
				for _, row := range h.Query(t, "SELECT DISTINCT customer_id FROM "+h.Schema+"events") {
					if !record.IsPseudonym(row[0]) && !contains(c.ids, row[0]) {
						t.Errorf("%s is there", row[0])
					}
				}
				storetest.CheckInvariants(t, h)
			})
		}
	}
}

func contains(all []string, one string) bool {
	return strings.Contains(" "+strings.Join(all, " ")+" ", " "+one+" ")
}
