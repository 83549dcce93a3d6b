package stream_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/stream"
)

// history is a database of events, with a clock of its own.
type history struct {
	mu     sync.Mutex
	events []record.StreamEvent // in the order of time
	offset time.Duration        // of its clock
	reads  int
	broken error
}

func (h *history) now() time.Time { return time.Now().Add(h.offset) }

func (h *history) EventsSince(_ context.Context, after curfew.Cursor, limit int) ([]record.StreamEvent, time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	first, found := slices.BinarySearchFunc(h.events, record.StreamEvent{Event: curfew.Event{ID: after.ID, At: after.At}}, inTime)
	if found {
		first++
	}
	return slices.Clone(h.events[first:min(first+limit, len(h.events))]), h.now(), h.broken
}

func inTime(a, b record.StreamEvent) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID))
}

// Snapshots is sessions that are as old as their ids' first event.
func (h *history) Snapshots(_ context.Context, ids []string) ([]curfew.Snapshot, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []curfew.Snapshot
	for _, id := range ids {
		i := slices.IndexFunc(h.events, func(n record.StreamEvent) bool { return n.Subject == id && n.Number == 1 })
		all = append(all, curfew.Snapshot{Session: curfew.Session{ID: id, CreatedAt: h.events[max(i, 0)].At}})
	}
	return all, h.broken
}

// happen commits an event now, of a transaction that began so long ago.
func (h *history) happen(session string, number int64, ago time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := record.StreamEvent{SessionID: session, Event: curfew.Event{
		ID: fmt.Sprintf("%s-%06d", session, number), Subject: session, Number: number, At: h.now().Add(-ago),
	}}
	i, _ := slices.BinarySearchFunc(h.events, n, inTime)
	h.events = slices.Insert(h.events, i, n)
}

func (h *history) breaks(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = err
}

func (h *history) read() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reads
}

// plain encodes an event as its session and number and a space, for the topic of the session's first letter.
func plain(n record.StreamEvent, _ curfew.Snapshot) []record.Message {
	return []record.Message{{Topics: []string{n.SessionID[:1]}, Text: fmt.Appendf(nil, "%s%d ", n.SessionID, n.Number)}}
}

// bubble runs a test of a hub whose Run runs, in a synctest bubble.
func bubble(t *testing.T, test func(*testing.T, *history, *stream.Hub, chan<- struct{})) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, wake := &history{}, make(chan struct{}, 1)
		hub := stream.New(h, stream.Options{Encode: plain, Wake: wake})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = hub.Run(ctx) })
		test(t, h, hub, wake)
		cancel()
		running.Wait()
	})
}

func subscribe(t *testing.T, hub *stream.Hub, since time.Time, topics ...string) *stream.Subscription {
	t.Helper()
	f, err := hub.Subscribe(t.Context(), topics, since)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns everything that a subscription has now.
func read(t *testing.T, f *stream.Subscription) string {
	t.Helper()
	synctest.Wait()
	var all strings.Builder
	for {
		var text bytes.Buffer
		_, err := f.Next(&text)
		all.Write(text.Bytes())
		switch {
		case err != nil:
			return all.String() + err.Error()
		case text.Len() == 0:
			return strings.TrimSpace(all.String())
		}
	}
}

func says(t *testing.T, what string, f *stream.Subscription, want string) {
	t.Helper()
	if got := read(t, f); got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestNothingIsReadBeforeSomebodyFollows(t *testing.T) {
	bubble(t, func(t *testing.T, h *history, hub *stream.Hub, _ chan<- struct{}) {
		time.Sleep(time.Hour) //nolint:forbidigo // a bubble's time
		if h.read() != 0 {
			t.Errorf("%d readings without a subscriber", h.read())
		}
		subscribe(t, hub, time.Time{}, "a")
		before := h.read()
		time.Sleep(time.Minute) //nolint:forbidigo // a bubble's time
		if n := h.read() - before; n < 55 || n > 62 {
			t.Errorf("%d readings in a minute in which nothing happened", n)
		}
	})
}

func TestANotificationIsActedOnAtOnceAndIsNotNeeded(t *testing.T) {
	bubble(t, func(t *testing.T, h *history, hub *stream.Hub, wake chan<- struct{}) {
		f, other := subscribe(t, hub, time.Time{}, "a"), subscribe(t, hub, time.Time{}, "b")
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // a bubble's time
		h.happen("a", 1, 0)
		wake <- struct{}{}
		says(t, "with a notification", f, "a1")
		h.happen("a", 2, 0)
		says(t, "without a notification, at once", f, "")
		time.Sleep(1100 * time.Millisecond) //nolint:forbidigo // a bubble's time
		says(t, "without a notification, a second later", f, "a2")
		says(t, "another's", other, "")
	})
}

func TestWhatIsCommittedLateIsNotSkipped(t *testing.T) {
	bubble(t, func(t *testing.T, h *history, hub *stream.Hub, _ chan<- struct{}) {
		f := subscribe(t, hub, time.Time{}, "a", "b")
		for i, ago := range []time.Duration{900 * time.Millisecond, 5 * time.Second, 29 * time.Second} {
			n := int64(i + 1)
			h.happen("b", n, 0)
			time.Sleep(3 * time.Second) //nolint:forbidigo // a bubble's time
			says(t, "in time", f, fmt.Sprintf("b%d", n))
			h.happen("a", n, ago)
			time.Sleep(4 * time.Second) //nolint:forbidigo // a bubble's time
			says(t, fmt.Sprintf("%s late", ago), f, fmt.Sprintf("a%d", n))
		}
	})
}

// A slow transaction's event and the next one of its session arrive together, at a read whose overlap is too
// short for the first: it still comes first.
func TestASessionsEventsKeepTheirOrder(t *testing.T) {
	bubble(t, func(t *testing.T, h *history, hub *stream.Hub, wake chan<- struct{}) {
		f := subscribe(t, hub, time.Time{}, "a")
		h.happen("a", 1, 0)
		time.Sleep(2500 * time.Millisecond) //nolint:forbidigo // a bubble's time
		says(t, "the first", f, "a1")
		for n := int64(2); n < 40; n += 2 {
			h.happen("a", n, 20*time.Second)
			h.happen("a", n+1, 0)
			time.Sleep(50 * time.Millisecond) //nolint:forbidigo // a bubble's time
			wake <- struct{}{}
			says(t, "two at once", f, fmt.Sprintf("a%d a%d", n, n+1))
		}
	})
}

func TestAClockSetBackSkipsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *history, hub *stream.Hub, _ chan<- struct{}) {
		f := subscribe(t, hub, time.Time{}, "a")
		time.Sleep(time.Minute) //nolint:forbidigo // a bubble's time
		h.mu.Lock()
		h.offset = -time.Hour
		h.mu.Unlock()
		h.happen("a", 1, 0)
		time.Sleep(2 * time.Second) //nolint:forbidigo // a bubble's time
		h.happen("a", 2, 0)
		time.Sleep(2 * time.Second) //nolint:forbidigo // a bubble's time
		says(t, "an hour back", f, "a1 a2")
	})
}

func TestWhoComesBackGetsWhatWasMissed(t *testing.T) {
	bubble(t, func(t *testing.T, h *history, hub *stream.Hub, _ chan<- struct{}) {
		h.happen("a", 1, 4*time.Minute)
		subscribe(t, hub, time.Time{}, "a")
		time.Sleep(time.Minute) //nolint:forbidigo // a bubble's time
		left := h.now()
		h.happen("a", 2, 0)
		h.happen("b", 1, 0)
		time.Sleep(time.Minute) //nolint:forbidigo // a bubble's time
		h.happen("a", 3, 0)
		time.Sleep(3 * time.Second) //nolint:forbidigo // a bubble's time
		for what, test := range map[string]struct {
			since  time.Time
			missed bool
			want   string
		}{
			"one who is new":           {time.Time{}, false, ""},
			"one who left before":      {left, false, "a2 a3"},
			"one who left just now":    {h.now(), false, "a3"},
			"one who left long ago":    {h.now().Add(-time.Hour), true, "a2 a3"},
			"one who is ahead of time": {h.now().Add(time.Hour), true, ""},
		} {
			f := subscribe(t, hub, test.since, "a")
			if f.Missed() != test.missed {
				t.Errorf("%s: missed is %t", what, f.Missed())
			}
			says(t, what, f, test.want)
		}
	})
}

func TestAFollowerWhoDoesNotReadIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T, h *history, hub *stream.Hub, _ chan<- struct{}) {
		slow, quick := subscribe(t, hub, time.Time{}, "a"), subscribe(t, hub, time.Time{}, "b")
		for n := range 40_000 {
			h.happen("a", int64(n+1), 0)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // a bubble's time
		h.happen("b", 1, 0)
		time.Sleep(2 * time.Second) //nolint:forbidigo // a bubble's time
		says(t, "who does not read", slow, "the reader was too slow")
		says(t, "who had nothing to read", quick, "b1")
	})
}

func TestAHubThatCannotReadSaysSoOnceAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := &history{broken: curfew.Unavailable}
		hub := stream.New(h, stream.Options{Encode: plain, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = hub.Run(ctx) })
		if _, err := hub.Subscribe(t.Context(), []string{"a"}, time.Time{}); curfew.KindOf(err) != curfew.Unavailable {
			t.Errorf("subscribed to what cannot be read: %v", err)
		}
		h.breaks(nil)
		time.Sleep(2 * time.Second) //nolint:forbidigo // a bubble's time
		f := subscribe(t, hub, time.Time{}, "a")
		h.breaks(curfew.Unavailable)
		h.happen("a", 1, 0)
		time.Sleep(time.Minute) //nolint:forbidigo // a bubble's time
		says(t, "while it is broken", f, "")
		h.breaks(nil)
		time.Sleep(2 * time.Second) //nolint:forbidigo // a bubble's time
		says(t, "afterwards", f, "a1")
		cancel()
		running.Wait()
		says(t, "after the end", f, "the service is stopping")
		if _, err := hub.Subscribe(t.Context(), []string{"a"}, time.Time{}); err == nil {
			t.Error("subscribed to a hub that has stopped")
		}
		if n := strings.Count(log.String(), "live streams wait"); n != 2 {
			t.Errorf("said %d times that it waits:\n%s", n, log.String())
		}
	})
}
