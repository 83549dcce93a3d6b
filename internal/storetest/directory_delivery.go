package storetest

import (
	"github.com/curfewhq/curfew/internal/record"
)

// sent adds a delivery in the given state.
func sent(f *fixture, customer, destination string, state record.DeliveryState, failures int) {
	f.Helper()
	d := record.Delivery{
		ID: newID(), CustomerID: customer, EventID: newID(), Subject: newID(), Channel: record.WebhookChannel, Queue: destination,
		Destination: destination, Kind: "k", Body: "b",
	}
	f.must(f.deliveryAdmin().AddDelivery(f.Context(), d))
	f.exec("UPDATE {deliveries} SET state = $1, failures = $2 WHERE id = $3", string(state), failures, d.ID)
}

func listsDeliveries(f *fixture) {
	sent(f, "ada", "one", record.DeliveryDone, 0)
	sent(f, "bob", "two", record.DeliveryDead, 5)
	sent(f, "cleo", "one", record.DeliveryPending, 1)
	for name, want := range map[string]struct {
		q    record.SentSearch
		want []string
		mark bool // there is one two rows behind
	}{
		"all":            {record.SentSearch{}, []string{"cleo", "bob", "ada"}, true},
		"dead":           {record.SentSearch{State: record.DeliveryDead}, []string{"bob"}, false},
		"delivered":      {record.SentSearch{State: record.DeliveryDone}, []string{"ada"}, true},
		"a destination":  {record.SentSearch{Destination: "one"}, []string{"cleo", "ada"}, true},
		"pending to two": {record.SentSearch{Destination: "two", State: record.DeliveryPending}, nil, false},
		"a customer":     {record.SentSearch{CustomerID: "bob"}, []string{"bob"}, false},
	} {
		want.q.Limit = 10
		found, err := listsOf(f).ListSent(f.Context(), want.q)
		f.must(err)
		var got []string
		for _, d := range found {
			got = append(got, d.CustomerID)
		}
		f.same(name, got, want.want)
		mark, err := listsOf(f).SentMark(f.Context(), want.q, 2)
		f.must(err)
		f.same(name+": the mark", mark != "", want.mark)
	}
}

func countsWhatArrived(f *fixture) {
	sent(f, "ada", "one", record.DeliveryDone, 0)
	sent(f, "ada", "one", record.DeliveryPending, 1)
	sent(f, "ada", "one", record.DeliveryPending, 0)
	sent(f, "ada", "two", record.DeliveryDead, 5)
	got, err := listsOf(f).EndpointFigures(f.Context(), 100)
	f.must(err)
	if len(got) != 2 || got[0].Delivered != 1 || got[0].Failing != 1 || got[0].FailsAll() || got[0].LastDelivered.IsZero() || !got[1].FailsAll() {
		f.Errorf("counted %+v", got)
	}
	newest, err := listsOf(f).EndpointFigures(f.Context(), 1)
	f.must(err)
	f.same("of the newest", len(newest), 1)
}
