package lifecycle

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// A flood is logged once a second and written once in ten, and every message of it is
// counted once.
func TestAFloodOfRefusedMessagesCostsLittle(t *testing.T) {
	t.Parallel()
	var r refused
	begun := time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)
	said, written, times := int64(0), int64(0), 0
	for i := range 3000 { // for half a minute
		now := begun.Add(time.Duration(i) * 10 * time.Millisecond)
		if n := r.add(refusedAs{"stripe", "too old"}, now); n > 0 {
			said, times = said+n, times+1
		}
		for _, m := range r.due(now) {
			written += m.Count
		}
	}
	if times != 30 || said != 2901 {
		t.Errorf("it was logged %d times, for %d messages", times, said)
	}
	if written != 2001 { // at 0, 10 and 20 seconds
		t.Errorf("%d messages were written", written)
	}
	rest := r.rest(begun.Add(30 * time.Second))
	if len(rest) != 1 || rest[0].Count != 999 || len(r.rest(begun.Add(time.Hour))) != 0 {
		t.Errorf("left were %+v", rest)
	}
}

// Each reason is logged, and what could not be written is written with the next ones.
func TestEachReasonIsCountedOnItsOwn(t *testing.T) {
	t.Parallel()
	var r refused
	now := time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)
	for _, as := range []refusedAs{{"stripe", "too old"}, {"stripe", "no signature"}, {"events", "too old"}} {
		if n := r.add(as, now); n != 1 {
			t.Errorf("of %v, %d are logged", as, n)
		}
	}
	all := r.due(now)
	slices.SortFunc(all, func(a, b record.RefusedMessages) int {
		return strings.Compare(a.Provider+a.Reason, b.Provider+b.Reason)
	})
	if len(all) != 3 || all[0].Provider != "events" || all[1].Reason != "no signature" {
		t.Fatalf("written are %+v", all)
	}
	r.back(all[1:2])
	if again := r.due(now.Add(refusedKeptEvery - 1)); len(again) != 0 {
		t.Errorf("too soon it is tried again: %+v", again)
	}
	again := r.due(now.Add(refusedKeptEvery))
	if len(again) != 1 || again[0].Reason != "no signature" || again[0].Count != 1 {
		t.Errorf("then it is tried again: %+v", again)
	}
}
