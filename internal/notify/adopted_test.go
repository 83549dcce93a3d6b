package notify_test

import (
	"fmt"
	"testing"

	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

const adoptOne = `SELECT curfew.adopt('help', 'service:help', 'their row', NULL, NULL, ARRAY[
	ROW('1', 'asked', 'waiting', 'zoe', NULL, NULL, NULL, now(), NULL, now() + interval '1 hour', NULL, NULL, NULL, NULL, NULL)::curfew.adopted_row])`

// Their own program tells of their sessions, unless that is Curfew's to do.
func TestSessionsOfAdoptedTablesAreDeliveredOnlyOnRequest(t *testing.T) {
	t.Parallel()
	for adopted, want := range map[bool]int{false: perLife, true: perLife + 1} {
		t.Run(fmt.Sprint(adopted), func(t *testing.T) {
			t.Parallel()
			h := stores.Postgres(t)
			keeper, err := lifecycle.New(h.Store, lifecycle.Options{SweeperOff: true})
			if err != nil {
				t.Fatal(err)
			}
			w := &environment{T: t, Harness: h, keeper: keeper, wake: make(chan struct{}, 1), store: h.Store.(store)} //nolint:errcheck,forcetypeassert // it is
			h.Exec(t, adoptOne)
			w.lives("ada")
			r := &receivers{name: "test", queues: []string{"a"}}
			w.works(notify.Options{Channels: []notify.Channel{r}, Adopted: adopted})
			w.until("every event is published", func() bool {
				events, err := w.store.Unpublished(t.Context(), 100)
				return err == nil && len(events) == 0 && r.count("a") >= want
			})
			w.same("deliveries", r.count("a"), want)
		})
	}
}
