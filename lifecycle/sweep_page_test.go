package lifecycle_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// backlog is a store in which three pages are due, of which each takes some time to end.
type backlog struct {
	clock
	takes time.Duration
	left  int // pages
	begun []time.Time
	ended []time.Time
}

func (b *backlog) Find(_ context.Context, s record.Search) ([]curfew.Snapshot, error) {
	if s.OrphanTTL != 0 || b.left == 0 || s.After.ID == "" && !s.After.At.IsZero() {
		return nil, nil // nothing became due meanwhile
	}
	b.left--
	page, now := make([]curfew.Snapshot, s.Limit), time.Now()
	for i := range page {
		page[i] = curfew.Snapshot{Now: now, Session: curfew.Session{
			ID: fmt.Sprint(b.left, "-", i), CustomerID: fmt.Sprint("c", i), Status: curfew.Waiting, Version: 1,
			CreatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(-time.Minute),
		}}
	}
	return page, nil
}

func (b *backlog) End(_ context.Context, batch record.Batch) ([]record.Ended, error) {
	b.begun = append(b.begun, time.Now())
	<-time.After(b.takes)
	b.ended = append(b.ended, time.Now())
	all := make([]record.Ended, len(batch.Ends))
	for i, e := range batch.Ends {
		all[i].Session.ID = e.SessionID
	}
	return all, nil
}

func (*backlog) BeginRun(_ context.Context, r curfew.Run) (curfew.Run, error) {
	r.StartedAt = time.Now()
	return r, nil
}

func (*backlog) RenewRun(context.Context, string, time.Duration) error { return nil }

func (*backlog) FinishRun(_ context.Context, r curfew.Run) (curfew.Run, error) { return r, nil }

// Customers' calls get as much of the database as the sweeper took, but they do not wait for it for ever.
func TestTheSweeperRestsBetweenItsPages(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ takes, rests time.Duration }{
		"as long as a page took": {200 * time.Millisecond, 200 * time.Millisecond},
		"at most a second":       {4 * time.Second, time.Second},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			b := &backlog{takes: test.takes, left: 3}
			synctest.Test(t, func(t *testing.T) {
				e := must(lifecycle.New(b, lifecycle.Options{}))(t)
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				must(0, e.Sweeper.Run(ctx))(t)
			})
			if len(b.begun) != 3 {
				t.Fatalf("%d pages were ended", len(b.begun))
			}
			for i, ended := range b.ended[:2] {
				if rest := b.begun[i+1].Sub(ended); rest != test.rests {
					t.Errorf("behind page %d it rested %s, not %s", i, rest, test.rests)
				}
			}
		})
	}
}
