package demo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/api"
)

func TestWhatWouldHaveBeenWithoutCurfew(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	at := func(second int) time.Time { return begin.Add(time.Duration(second) * time.Second) }
	session := func(from, to int, reason string) api.Session {
		s := api.Session{Status: "cancelled", CreatedAt: at(from), EndedAt: at(to), EndReason: reason}
		if reason == "finished" {
			s.Status = "completed"
		}
		return s
	}
	paid := func(second int, session string) api.Checkout {
		return api.Checkout{Amount: 1000, CreatedAt: at(second), SessionID: session}
	}

	for sentence, c := range map[string]struct {
		history history
		want    Without
	}{
		"who was helped lost nothing": {
			history{payments: []api.Checkout{paid(0, "a")}, sessions: map[string]api.Session{"a": session(0, 20, "finished")}},
			Without{},
		},
		"who cancelled is not stuck": {
			history{payments: []api.Checkout{paid(0, "a")}, sessions: map[string]api.Session{"a": session(0, 20, "cancelled")}},
			Without{},
		},
		"whose session expired is stuck to the end": {
			history{payments: []api.Checkout{paid(0, "a")}, sessions: map[string]api.Session{"a": session(0, 15, "expired")}},
			Without{Stuck: 1, Median: 45 * time.Minute, Longest: 45 * time.Minute, Amount: 1000},
		},
		"who paid at the moment it was settled is refused": {
			history{
				payments: []api.Checkout{paid(0, "a"), paid(15, "b")},
				sessions: map[string]api.Session{"a": session(0, 15, "expired"), "b": session(15, 40, "finished")},
			},
			Without{Stuck: 1, Refused: 1, Calls: 1, Median: 45 * time.Minute, Longest: 45 * time.Minute, Amount: 2000},
		},
		"who comes back for a credit is refused, and has paid once": {
			history{
				payments: []api.Checkout{paid(0, "a")}, credits: []string{"b"},
				sessions: map[string]api.Session{"a": session(0, 15, "expired"), "b": session(20, 40, "finished")},
			},
			Without{Stuck: 1, Refused: 1, Calls: 1, Median: 45 * time.Minute, Longest: 45 * time.Minute, Amount: 1000},
		},
		"a payment that waited behind it never gets its session": {
			history{
				payments: []api.Checkout{paid(0, "a"), paid(5, "b"), paid(6, "")},
				sessions: map[string]api.Session{"a": session(0, 15, "expired"), "b": session(15, 40, "finished")},
			},
			Without{Stuck: 1, Median: 45 * time.Minute, Longest: 45 * time.Minute, Amount: 3000},
		},
		"the first session that expires is the last one": {
			history{
				payments: []api.Checkout{paid(0, "a"), paid(20, "b"), paid(40, "c")},
				sessions: map[string]api.Session{
					"a": session(0, 10, "finished"), "b": session(20, 35, "expired"), "c": session(40, 55, "expired"),
				},
			},
			Without{Stuck: 1, Refused: 1, Calls: 1, Median: 25 * time.Minute, Longest: 25 * time.Minute, Amount: 2000},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			var clock Clock
			clock.Set(begin, 60)
			if diff := cmp.Diff(c.want, withoutCurfew([]history{c.history}, &clock, at(60))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
