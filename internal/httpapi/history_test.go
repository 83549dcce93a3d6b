package httpapi_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// A process that has just begun knows how many sessions there were, and reports what it cannot know as unknown.
func TestTheChartsBeginBeforeTheProcess(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(90 * time.Minute)
	h.fulfilled("ada")
	h.ago(30 * time.Minute)
	_, err := h.keeper.Sessions.Clear(t.Context(), curfew.Actor{Role: curfew.Admin, ID: "anna"}, lifecycle.Clearing{CustomerID: "ada"})
	must(t, err)
	h.ago(10 * time.Minute)
	h.fulfilled("bob")
	h.ago(0)
	h.server.Recall(t.Context())
	h.server.Sample(t.Context())
	got, err := h.admin().History(t.Context(), 0)
	must(t, err)
	now := time.Now().Unix()
	for i, at := range got.At {
		ago, last := time.Duration(now-at)*time.Second, i == len(got.At)-1
		slack := 2 * time.Minute
		switch want := 1; {
		case (ago - 30*time.Minute).Abs() < slack, (ago - 10*time.Minute).Abs() < slack:
		default:
			if ago > 10*time.Minute && ago < 30*time.Minute {
				want = 0
			}
			if *got.Waiting[i] != want || *got.Live[i] != 0 || (got.Stale[i] != nil) != last || (got.LagSeconds[i] != nil) != last {
				t.Errorf("%s ago: %d waiting, %d live, stale %v, lag %v", ago, *got.Waiting[i], *got.Live[i], got.Stale[i], got.LagSeconds[i])
			}
		}
	}
	if first := time.Duration(now-got.At[0]) * time.Second; (first-90*time.Minute).Abs() > 2*time.Minute || len(got.At) < 85 {
		t.Errorf("%d samples, the first of %s ago", len(got.At), first)
	}
}
