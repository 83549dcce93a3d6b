package limit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// replicas returns two limiters over one database.
func replicas(store limit.Store, count int) [2]*limit.Limiter {
	var two [2]*limit.Limiter
	for i := range two {
		two[i] = limit.New(limit.Options{Rates: every(limit.Rate{Count: count, Period: time.Hour}), Store: store})
	}
	return two
}

func onEachStore(t *testing.T, test func(*testing.T, limit.Store)) {
	t.Helper()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t).Store.(limit.Store)) //nolint:errcheck,forcetypeassert // both are
		})
	}
}

// S57: two replicas let in as many logins as one.
func TestS57_ReplicasShareTheLimitOfLogins(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, store limit.Store) {
		for _, c := range []limit.Class{limit.Logins, limit.Failures} {
			fine := [2]int{}
			two := replicas(store, 10)
			var all sync.WaitGroup
			for i, l := range two {
				all.Go(func() { fine[i] = spent(l, c, kim, 15) })
			}
			all.Wait()
			if fine[0]+fine[1] != 10 {
				t.Errorf("%s: two replicas let in %d and %d, want 10 together", c, fine[0], fine[1])
			}
			if n := spent(two[0], c, sam, 15); n != 10 {
				t.Errorf("%s: another is let in %d times, want 10", c, n)
			}
		}
	})
}

// asked is a store that answers as it is told.
type asked struct {
	mu    sync.Mutex
	names []string
	err   error
	wait  time.Duration
	hangs bool
}

func (s *asked) Spend(ctx context.Context, name string, _, _ time.Duration) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = append(s.names, name)
	if s.hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return s.wait, s.err
}

// What only one replica counts does not cost the database a call.
func TestOnlyTheStrictClassesAskTheDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range limit.Classes() {
		store := &asked{}
		spent(replicas(store, 9)[0], c, kim, 3)
		if want := c == limit.Logins || c == limit.Failures; (len(store.names) == 3) != want || !want && len(store.names) > 0 {
			t.Errorf("%s asked the database %d times", c, len(store.names))
		}
	}
}

// S57: unknown is not unlimited.
func TestS57_WithoutTheDatabaseEachReplicaLimitsAlone(t *testing.T) {
	t.Parallel()
	for sentence, store := range map[string]*asked{
		"the database refuses": {err: errors.New("no connection")}, "the database hangs": {hangs: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			l := limit.New(limit.Options{
				Rates: every(limit.Rate{Count: 10, Period: time.Hour}), Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			begun := time.Now()
			if n := spent(l, limit.Logins, kim, 50); n != 10 {
				t.Errorf("%s: %d logins, want 10", sentence, n)
			}
			if took := time.Since(begun); took > time.Second || len(store.names) != 1 {
				t.Errorf("%s: 50 calls took %s, and asked %d times", sentence, took, len(store.names))
			}
			if n := strings.Count(log.String(), "each replica limits them alone"); n != 1 {
				t.Errorf("%s: it was logged %d times: %s", sentence, n, log.String())
			}
			time.Sleep(6 * time.Second) //nolint:forbidigo // the bubble's clock
			store.hangs, store.err = false, nil
			spent(l, limit.Logins, sam, 1)
			if len(store.names) != 2 {
				t.Errorf("%s: afterwards it was asked %d times, want 2", sentence, len(store.names))
			}
		})
	}
}

// A caller who leaves at once does not switch the counting off for everybody.
func TestACallerWhoLeavesIsCounted(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, store limit.Store) {
		two := replicas(store, 2)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 {
			if err := two[0].Spend(gone, limit.Failures, kim); err != nil {
				t.Fatal(err)
			}
		}
		if n := spent(two[1], limit.Failures, kim, 2); n != 0 {
			t.Errorf("the other replica lets in %d more", n)
		}
	})
}

// Somebody who fails under many addresses keeps the database neither busy nor full.
func TestTheDatabaseIsAskedOnlySoOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &asked{}
		l := replicas(store, 9)[0]
		for i := range 250 {
			_ = l.Spend(t.Context(), limit.Failures, at(fmt.Sprintf("192.0.2.%d", i)))
		}
		if len(store.names) > 100 {
			t.Errorf("asked %d times at once", len(store.names))
		}
	})
}

// What another replica counted is remembered: the database is not asked again until it is over.
func TestARefusalOfTheDatabaseIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &asked{wait: time.Minute}
		l := replicas(store, 10)[0]
		if n := spent(l, limit.Logins, kim, 5); n != 0 || len(store.names) != 1 {
			t.Errorf("%d were let in, and the database was asked %d times", n, len(store.names))
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		store.wait = 0
		if n := spent(l, limit.Logins, kim, 1); n != 1 {
			t.Error("it is not over when it should be")
		}
	})
}

// The database does not learn who called.
func TestTheStoreSeesASignature(t *testing.T) {
	t.Parallel()
	store := &asked{}
	l := limit.New(limit.Options{
		Rates: every(limit.Rate{Count: 1, Period: time.Hour}), Store: store, Sign: func(text string) string { return "signature of " + text[:6] },
	})
	spent(l, limit.Logins, kim, 1)
	if want := "limit:logins:signature of logins"; len(store.names) != 1 || store.names[0] != want {
		t.Errorf("it sees %q, want %q", store.names, want)
	}
}
