package notify_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// A mechanic has no address here: who receives session.cancelled tells them.
func TestACancelledAppointmentSaysWhoseItWas(t *testing.T) {
	onEachStore(t, func(w *environment) {
		at := time.Now().Add(time.Hour)
		f, err := w.keeper.Admission.FulfillCheckout(w.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
			PaymentRef: "r1", CustomerID: "ada", Plan: "chat10", StartsAt: &at,
		})
		w.must(err)
		w.must(ignore(w.keeper.Sessions.Cancel(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: "ada"})))
		w.same("booked and cancelled", w.cancellation(f.SessionID), map[string]any{"from": "scheduled", "startsAt": true, "mechanicId": nil, "actor": "customer"})

		f, err = w.keeper.Admission.FulfillCheckout(w.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
			PaymentRef: "r2", CustomerID: "bob", Plan: "chat10", StartsAt: &at,
		})
		w.must(err)
		w.Age(w, f.SessionID, time.Hour+time.Second)
		w.must(ignore(w.keeper.Cleanups.RunFullCleanup(w.Context()))) // it begins
		s, err := w.keeper.Sessions.Session(w.Context(), f.SessionID)
		w.must(err)
		w.must(ignore(w.keeper.Queue.Accept(w.Context(), s.Request.ID, "max")))
		w.must(ignore(w.keeper.Sessions.Cancel(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: "bob"})))
		w.same("begun, accepted and cancelled", w.cancellation(f.SessionID), map[string]any{"from": "waiting", "startsAt": true, "mechanicId": "max", "actor": "customer"})
	})
}

// cancellation is what a webhook says of a session's cancellation.
func (w *environment) cancellation(sessionID string) map[string]any {
	w.Helper()
	endpoints := w.store.(webhook.Store) //nolint:errcheck,forcetypeassert // both are
	w.must(ignore(webhook.Endpoints{Store: endpoints}.Add(w.Context(), record.Endpoint{URL: "https://shop.example/hooks", Kinds: []string{"session.cancelled"}})))
	audience, err := webhook.NewChannel(endpoints, webhook.Options{}).Audience(w.Context())
	w.must(err)
	s, err := w.keeper.Sessions.Session(w.Context(), sessionID)
	w.must(err)
	all, err := w.store.EnrichedEvents(w.Context(), []curfew.Event{{CustomerID: s.CustomerID, Subject: sessionID, Number: s.Version}})
	w.must(err)
	var m struct {
		Type string
		Data struct {
			From    string
			Actor   string
			Session map[string]any
		}
	}
	w.must(json.Unmarshal([]byte(audience.Expand(all[0].Outside())[0].Body), &m))
	w.same("type", m.Type, "session.cancelled")
	return map[string]any{"from": m.Data.From, "startsAt": m.Data.Session["startsAt"] != nil, "mechanicId": m.Data.Session["mechanicId"], "actor": m.Data.Actor}
}
