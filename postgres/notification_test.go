package postgres

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// replica is a process's notifications on the fixture's database, and what it receives.
type replica struct {
	*Notifications
	received chan time.Duration
	log      *lines
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *lines) count(what string) int {
	return strings.Count(l.text(), what)
}

// replica runs until the test ends. It listens when it is returned.
func (f *fixture) replica(store *Store) *replica {
	f.Helper()
	log := &lines{}
	r := &replica{store.Notifications(slog.New(slog.NewTextHandler(log, nil))), make(chan time.Duration, 10_000), log}
	ctx, stop := context.WithCancel(f.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, func(in time.Duration) { r.received <- in }) }()
	f.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			f.Error(err)
		}
	})
	r.receives(f, func(in time.Duration) bool { return in == 0 })
	return r
}

// receives waits for a notification.
func (r *replica) receives(f *fixture, want func(time.Duration) bool) {
	f.Helper()
	for giveUp := time.After(time.Minute); ; {
		select {
		case in := <-r.received:
			if want(in) {
				return
			}
		case <-giveUp:
			f.Fatalf("it receives nothing; it logged %s", r.log.text())
		}
	}
}

func TestNotificationsReachOtherReplicasWithTheEarliestDeadline(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one, other := f.replica(f.store), f.replica(open(t, f.url))
	for range 1000 {
		one.Changed(time.Hour)
	}
	one.Changed(time.Minute)
	one.Changed(record.NoDeadline)
	other.receives(f, func(in time.Duration) bool { return in > 0 && in <= time.Minute })
	other.Changed(record.NoDeadline)
	one.receives(f, func(in time.Duration) bool {
		if in != record.NoDeadline && in != 0 {
			t.Errorf("it receives its own notification of %s", in)
		}
		return in == record.NoDeadline
	})
	if n := len(other.received); n > 500 {
		t.Errorf("1000 changes at once were %d notifications", n)
	}
}

func TestNotificationsComeBackAfterTheirConnectionWasLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	one, other := f.replica(f.store), f.replica(open(t, f.url))
	f.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'curfew listener'`)
	other.receives(f, func(in time.Duration) bool { return in == 0 })
	one.Changed(time.Minute)
	other.receives(f, func(in time.Duration) bool { return in > 0 && in <= time.Minute })
	if n := other.log.count("do not arrive"); n != 1 {
		t.Errorf("one loss was logged %d times", n)
	}
}

// N1: a socket that stays open and says nothing. The listener asks itself.
func TestAListenerWhoseConnectionDiedSilentlyConnectsAnew(t *testing.T) {
	t.Parallel()
	f, cluster := breakable(t, 0)
	one, other := f.replica(f.store), f.replica(open(t, f.url))
	f.eventually("both listen", func() bool { one.Changed(time.Hour); return len(other.received) > 0 })
	at := time.Now()
	cluster.Freeze(t)
	other.receives(f, func(in time.Duration) bool { return in == 0 })
	one.receives(f, func(in time.Duration) bool { return in == 0 })
	back := time.Since(at)
	t.Logf("both receive again after %s", back.Round(time.Millisecond))
	if back > idleTimeout+2*echoTimeout {
		t.Errorf("they received again after %s", back)
	}
	other.Changed(time.Minute)
	one.receives(f, func(in time.Duration) bool { return in > 0 && in <= time.Minute })
	if n := other.log.count("do not arrive"); n != 1 {
		t.Errorf("one loss was logged %d times: %s", n, other.log.text())
	}
}

// Lesson 18: a notification is a hint, the list is the truth. Nothing waits for it and nothing fails with it.
func TestLesson18_AHintThatNobodyCarriesHoldsUpNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	unread := f.store.Notifications(slog.New(slog.DiscardHandler)) // never run
	for range 1000 {
		unread.Changed(0)
	}
}
