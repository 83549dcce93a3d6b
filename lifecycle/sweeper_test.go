package lifecycle_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// clock is a store with no rows and one deadline, for the rhythm of Run.
type clock struct {
	lifecycle.Store
	deadline time.Time
	stuck    bool          // what is past its deadline stays
	skew     time.Duration // the store's clock is so far ahead of the process's
	swept    []time.Time
	from     []time.Time // of each sweep
	looked   []time.Time
	recorded atomic.Int32
	tidied   atomic.Int32
	fails    atomic.Bool
	admitted time.Duration // how far ahead the deadline of an admission lies
	// What becomes of a write of the process's row, and of a look at what is due;
	// nil: it succeeds.
	write, look atomic.Pointer[func(context.Context) error]
}

func (c *clock) Unjudged(context.Context, int) ([]string, error) { return nil, nil }

func (c *clock) RecordHeartbeat(ctx context.Context, _ string, _ time.Duration) error {
	if write := c.write.Load(); write != nil {
		return (*write)(ctx)
	}
	return nil
}

func (c *clock) Admit(_ context.Context, a record.Admission) (curfew.Snapshot, error) {
	s := curfew.Snapshot{Session: a.Session, Now: time.Now()}
	s.ExpiresAt = s.Now.Add(c.admitted)
	return s, nil
}

func (c *clock) Find(ctx context.Context, s record.Search) ([]curfew.Snapshot, error) {
	if c.fails.Load() {
		return nil, curfew.Errorf(curfew.Unavailable, "no database")
	}
	if look := c.look.Load(); look != nil {
		return nil, (*look)(ctx)
	}
	if s.OrphanTTL != 0 {
		return nil, nil
	}
	c.swept = append(c.swept, time.Now())
	c.from = append(c.from, s.After.At)
	if c.stuck || time.Now().Before(c.deadline) || !c.deadline.Add(c.skew).After(s.After.At) {
		return nil, nil
	}
	c.deadline = time.Time{}
	return nil, nil
}

func (c *clock) Unaccepted(context.Context, time.Duration, int) ([]curfew.Snapshot, error) {
	return nil, nil
}

func (c *clock) Silent(context.Context, time.Duration, int) ([]curfew.Snapshot, error) {
	return nil, nil
}

// Rows agree, in no time.
func (c *clock) TallyDifferences(context.Context) ([]curfew.TallyDifference, error) { return nil, nil }

func (c *clock) Links(context.Context, string, string, int) (record.Linked, error) {
	return record.Linked{}, nil
}

func (c *clock) NextDeadline(_ context.Context, after time.Time, _ []string) (at, now time.Time, err error) {
	if at = c.deadline.Add(c.skew); c.deadline.IsZero() || !at.After(after) {
		at = time.Time{}
	}
	return at, time.Now().Add(c.skew), nil
}

func (c *clock) RecordSweep(context.Context, time.Duration) error { c.recorded.Add(1); return nil }

func (c *clock) ForgetProcess(context.Context, string) error { return nil }

func (c *clock) RecordQueueRead(context.Context) error {
	c.looked = append(c.looked, time.Now())
	return nil
}

func (c *clock) Pending(context.Context, curfew.Cursor, int) ([]curfew.Snapshot, error) {
	return nil, nil
}

func (c *clock) Servable(context.Context, int) ([]string, error) { return nil, nil }

func (c *clock) Unsettled(context.Context, string, int) ([]record.Receipt, error) { return nil, nil }

func (c *clock) Quarantined(context.Context, int) ([]curfew.Quarantined, error) { return nil, nil }

func (c *clock) FreeLeaked(context.Context) (int, error) { return 0, nil }

func (c *clock) Tidy(context.Context, time.Duration) error {
	c.tidied.Add(1)
	return nil
}

// bubble runs the rhythm for so long on a fake clock.
func bubble(t *testing.T, o lifecycle.Options, c *clock, d time.Duration, meanwhile func(*lifecycle.Keeper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c.deadline = time.Now().Add(c.deadline.Sub(time.Time{}))
		e, err := lifecycle.New(c, o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), d)
		defer stop()
		done := make(chan error)
		go func() { done <- e.Sweeper.Run(ctx) }()
		if meanwhile != nil {
			meanwhile(e)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// sweeps is when the store was swept after the first time.
func (c *clock) sweeps() string {
	var at []string
	for _, s := range c.swept[1:] {
		at = append(at, s.Sub(c.swept[0]).Round(100*time.Millisecond).String())
	}
	return fmt.Sprint(at)
}

// What is too old goes as long as a sweeper runs, and not only when it starts.
func TestTheSweeperTidies(t *testing.T) {
	t.Parallel()
	c := &clock{deadline: time.Time{}.Add(1000 * time.Hour)}
	bubble(t, lifecycle.Options{}, c, 3*time.Hour, nil)
	if n := c.tidied.Load(); n < 2 {
		t.Errorf("it tidied %d times in three hours", n)
	}
}

func TestTheSweepersRhythm(t *testing.T) {
	t.Parallel()
	// A duration is one of the bubble's clock.
	for sentence, test := range map[string]struct {
		deadline  time.Duration
		stuck     bool
		skew      time.Duration
		meanwhile func(*lifecycle.Keeper, *clock)
		want      string
	}{
		"it sleeps until the next deadline, and at most 5 seconds from one look at everything to the next": {
			deadline: 7 * time.Second, want: "[5s 7s 10s]",
		},
		"it is the store's clock that counts, however wrong the process's is": {
			deadline: 7 * time.Second, skew: -36 * time.Hour, want: "[5s 7s 10s]",
		},
		"what cannot be ended does not keep it awake": {
			deadline: 7 * time.Second, stuck: true, want: "[5s 7s 7s 10s]",
		},
		"a hint of another keeper wakes it": {
			deadline: 7 * time.Second, want: "[1.5s 5s 7s 10s]",
			meanwhile: func(e *lifecycle.Keeper, _ *clock) {
				<-time.After(time.Second)
				e.Sweeper.Wake(time.Minute)
				e.Sweeper.Wake(record.NoDeadline)
				e.Sweeper.Wake(500 * time.Millisecond)
				e.Sweeper.Wake(time.Second)
			},
		},
		"a hint of what is past lets it look at everything, at once": {
			deadline: 7 * time.Second, want: "[1s 6s 7s]",
			meanwhile: func(e *lifecycle.Keeper, _ *clock) {
				<-time.After(time.Second)
				e.Sweeper.Wake(-time.Hour)
			},
		},
		"its own admission wakes it": {
			deadline: time.Minute, want: "[3s 5s 10s]",
			meanwhile: func(e *lifecycle.Keeper, c *clock) {
				<-time.After(time.Second)
				c.admitted = 2 * time.Second
				_, _ = e.Admission.FulfillCheckout(context.Background(), shop, lifecycle.Purchase{PaymentRef: "r", CustomerID: "c", Plan: "chat10"})
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			c := &clock{deadline: time.Time{}.Add(test.deadline), stuck: test.stuck, skew: test.skew}
			bubble(t, lifecycle.Options{}, c, 10500*time.Millisecond, func(e *lifecycle.Keeper) {
				if test.meanwhile != nil {
					test.meanwhile(e, c)
				}
			})
			if got := c.sweeps(); got != test.want {
				t.Errorf("after the first sweep it swept at %s, want %s", got, test.want)
			}
			if n := int(c.recorded.Load()); n < 3 || n > len(c.swept) {
				t.Errorf("%d sweeps gave %d signs of life", len(c.swept), n)
			}
		})
	}
}

// The index keeps the entries of what has ended until the database cleans up:
// only now and then may a sweep begin with them.
func TestASweepBeginsBehindWhatTheOneBeforeHasSettled(t *testing.T) {
	t.Parallel()
	c := &clock{deadline: time.Time{}.Add(7 * time.Second)}
	bubble(t, lifecycle.Options{}, c, 10500*time.Millisecond, nil)
	var behind []string
	for i, from := range c.from {
		if from.IsZero() {
			behind = append(behind, "all")
			continue
		}
		behind = append(behind, c.swept[i].Sub(from).Round(time.Second).String())
	}
	// The sweep of 5s has settled what was past its deadline when the store was
	// last asked before it, at 0s; a second more is for who committed late.
	if got := fmt.Sprint(behind); got != "[all all 8s all]" {
		t.Errorf("the sweeps looked back %s", got)
	}
}

func TestASweepThatFailsGivesNoSignOfLifeAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.fails.Store(true)
	bubble(t, lifecycle.Options{}, c, 10*time.Second, func(*lifecycle.Keeper) {
		<-time.After(3500 * time.Millisecond) // of the bubble's time
		if n := c.recorded.Load(); n != 0 {
			t.Errorf("%d signs of life of a sweeper that cannot look", n)
		}
		c.fails.Store(false)
	})
	if c.recorded.Load() == 0 {
		t.Error("it did not recover")
	}
}

func TestLoadingTheQueueNudgesOneStepASecondWithTheSweeperOff(t *testing.T) {
	t.Parallel()
	c := &clock{}
	bubble(t, lifecycle.Options{SweeperOff: true}, c, 10*time.Second, func(e *lifecycle.Keeper) {
		for range 30 {
			if _, err := e.Queue.Pending(t.Context(), curfew.Cursor{}, 10); err != nil {
				t.Error(err)
			}
			<-time.After(100 * time.Millisecond) // of the bubble's time
		}
	})
	if n := len(c.looked); n < 3 || n > 4 {
		t.Errorf("30 looks in 3 seconds made %d steps", n)
	}
}
