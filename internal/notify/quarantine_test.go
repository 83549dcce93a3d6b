package notify_test

import (
	"fmt"
	"testing"

	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/storetest"
)

func (w *environment) apart() string {
	w.Helper()
	all, err := w.Store.Quarantined(w.Context(), 10)
	w.must(err)
	var text string
	for _, q := range all {
		text += fmt.Sprint(q.CustomerID, " ", q.Noun, " ", q.Step, ";")
	}
	return text
}

func (w *environment) tryNow() {
	w.Helper()
	w.Exec(w.T, "UPDATE "+w.Schema+"quarantine SET next_at = since")
}

// An event that cannot be told, a delivery that cannot be written, claimed or
// settled: each is set apart, everything else goes out, and it goes out too once
// it can.
func TestWhatCannotBeDeliveredStopsNothingElse(t *testing.T) {
	t.Parallel()
	for _, where := range []struct{ table, operation, apart string }{
		{"events", "UPDATE", "c2 event tell;"},
		{"deliveries", "INSERT", "c2 event tell;"},
		{"deliveries", "UPDATE", "c2 delivery deliver;"},
	} {
		t.Run(where.operation+" "+where.table, func(t *testing.T) {
			onEachStore(t, func(w *environment) {
				cure := storetest.Poison(w.T, w.Harness, where.table, where.operation, "c2")
				r := &receivers{name: "test", queues: []string{"queue"}}
				for i := range 20 {
					w.pay(fmt.Sprint("c", i))
				}
				w.works(notify.Options{Channels: []notify.Channel{r}})
				w.until("all others are told", func() bool { return r.count("queue") == 19*2 && w.apart() != "" })
				for _, d := range r.got["queue"] {
					if d.CustomerID == "c2" {
						t.Errorf("c2 received %s", d.Body)
					}
				}
				w.pay("later")
				w.until("what comes later is told", func() bool { return r.count("queue") == 20*2 })
				cure()
				w.until("it is told, too", func() bool { w.tryNow(); return r.count("queue") == 21*2 })
				w.until("nothing is set apart", func() bool { return w.apart() == "" })
				r.orderly(t, "queue")
			})
		})
	}
}
