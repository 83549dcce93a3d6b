package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var streams = contract{
	"the history is read in the order of time, page by page":          readsEventsInPages,
	"an event names the session that it is about":                     eventsNameSessions,
	"a new store has no events":                                       hasNoEvents,
	"an event that is committed late comes after an earlier position": findsWhatCameLate,
	"sessions are read by their ids":                                  readsSnapshots,
	"connected mechanics of all processes are counted":                countsConnected,
	"a silent process is no longer counted":                           forgetsSilentProcesses,
}

// eventReader is the part of a store that live streams need.
type eventReader interface {
	EventsSince(ctx context.Context, after curfew.Cursor, limit int) ([]record.StreamEvent, time.Time, error)
	Snapshots(ctx context.Context, ids []string) ([]curfew.Snapshot, error)
}

func (f *operationFixture) eventReader() eventReader {
	f.Helper()
	store, ok := f.Store.(eventReader)
	if !ok {
		f.Fatal("the store lists no events")
	}
	return store
}

func (f *operationFixture) eventsSince(after curfew.Cursor, limit int) []record.StreamEvent {
	f.Helper()
	eventsSince, now, err := f.eventReader().EventsSince(f.Context(), after, limit)
	f.must(err)
	f.around("now", now, time.Now())
	return eventsSince
}

func readsEventsInPages(f *fixture) {
	f.live("ada", "max")
	f.credited("bob")
	f.paged(false, eventPage(f)) // a page may end between events with one time
	all := f.eventsSince(curfew.Cursor{}, 100)
	f.same("how many", len(all), 2*2+2+2) // two admissions; accepted and live; ended and credited
	if !slices.IsSortedFunc(all, func(a, b record.StreamEvent) int { return a.At.Compare(b.At) }) {
		f.Errorf("not in the order of time: %+v", all)
	}
	f.same("behind the last", f.eventsSince(curfew.Cursor{At: all[len(all)-1].At, ID: all[len(all)-1].ID}, 100), []record.StreamEvent(nil))
}

func eventsNameSessions(f *fixture) {
	st := f.admit("ada")
	waits := f.deferred("ada", time.Hour)
	for _, n := range f.eventsSince(curfew.Cursor{}, 100) {
		want := map[string]string{st.ID: st.ID, st.CheckoutID: st.ID, waits.ID: ""}[n.Subject]
		f.same("the session of "+n.Subject, n.SessionID, want)
		f.same("whether it is a session's", n.OfSession(), n.Subject == st.ID)
		events, err := f.Store.Events(f.Context(), "ada", n.Subject)
		f.must(err)
		f.same("the event", n.Event, events[0])
	}
}

func hasNoEvents(f *fixture) {
	f.same("events", f.eventsSince(curfew.Cursor{}, 100), []record.StreamEvent(nil))
	f.admit("ada")
	f.same("no limit", f.eventsSince(curfew.Cursor{}, 0), []record.StreamEvent(nil))
}

// findsWhatCameLate tests a transaction that begins first and commits last: a reader that remembers
// only the last event would miss it.
func findsWhatCameLate(f *fixture) {
	st := f.admit("ada")
	held := f.cancelled(st)
	commit := f.Hold(f.T, held...)
	before := f.eventsSince(curfew.Cursor{}, 100)
	commit()
	after := f.eventsSince(curfew.Cursor{}, 100)
	f.same("events before and after the commit", [2]int{len(before), len(after)}, [2]int{2, 4})
	f.same("how far back is enough", after[3].At.Add(record.ResumeSlack).After(time.Now()), true)
}

// cancelled returns the statements of a cancellation by hand, for Hold.
func (f *operationFixture) cancelled(st curfew.Snapshot) []string {
	f.Helper()
	if f.Hold == nil {
		f.Skip("this store's database cannot be held")
	}
	held := cancelSQL(st)
	for i := range held {
		held[i] = tablesOf(f.Schema, held[i])
	}
	return held
}

func readsSnapshots(f *fixture) {
	waiting, live := f.admit("ada"), f.live("bob", "max")
	got, err := f.eventReader().Snapshots(f.Context(), []string{live.ID, newID(), waiting.ID})
	f.must(err)
	f.same("how many", len(got), 2)
	for _, st := range got {
		f.sameSnapshot("a session by its id", st, f.read(st.ID))
	}
	none, err := f.eventReader().Snapshots(f.Context(), nil)
	f.must(err)
	f.same("no ids", none, []curfew.Snapshot(nil))
}

func countsConnected(f *fixture) {
	f.same("nobody", f.heartbeats().Connected, 0)
	f.must(f.Store.RecordStreams(f.Context(), "one", 3, time.Minute))
	f.must(f.Store.RecordStreams(f.Context(), "other", 2, time.Minute))
	f.same("two processes", f.heartbeats().Connected, 5)
	f.must(f.Store.RecordStreams(f.Context(), "one", 0, time.Minute))
	f.same("all of one have left", f.heartbeats().Connected, 2)
}

func forgetsSilentProcesses(f *fixture) {
	f.must(f.Store.RecordStreams(f.Context(), "gone", 3, time.Minute))
	f.must(f.Store.RecordStreams(f.Context(), "here", 1, time.Minute))
	f.exec("UPDATE {signals} SET until = " + f.past(time.Minute) + " WHERE name = 'streams:gone'")
	f.same("connected", f.heartbeats().Connected, 1)
	f.must(f.Store.Tidy(f.Context(), time.Hour))
	f.same("signals", f.rows("SELECT name FROM {signals}"), []string{"streams:here"})
}
