package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// honestFor is for how many seconds an honest caller calls.
func honestFor() int { return effort.Of(0, 90, 600) }

// honest returns how many calls of some a second are let in.
func honest(t *testing.T, s *settings, role curfew.Role, c limit.Class, aSecond int) (fine int) {
	t.Helper()
	l := s.limits(nil, nil, metrics.New(), slog.New(slog.DiscardHandler))
	for range honestFor() {
		for range aSecond {
			who := curfew.Actor{Role: role, ID: "one"}
			if l.Spend(context.Background(), c, limit.Of(who, netip.Addr{})) == nil {
				fine++
			}
		}
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
	}
	return fine
}

// The defaults are no honest marketplace's limits.
func TestDefaultsLetHonestMarketplacesCall(t *testing.T) {
	t.Parallel()
	s, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	for sentence, test := range map[string]struct {
		role    curfew.Role
		class   limit.Class
		aSecond int
	}{
		"a service that admits 500 a second": {curfew.Service, limit.Services, 500},
		"a service that does ten times more": {curfew.Service, limit.Services, 5000},
		"a page that reads ten a second":     {curfew.Customer, limit.Reads, 10},
		"a mechanic who acts twice a second": {curfew.Mechanic, limit.Writes, 2},
		"500 messages of Stripe a second":    {curfew.System, limit.Messages, 500},
	} {
		synctest.Test(t, func(t *testing.T) {
			if fine := honest(t, s, test.role, test.class, test.aSecond); fine != honestFor()*test.aSecond {
				t.Errorf("%s: %d of %d calls were let in", sentence, fine, honestFor()*test.aSecond)
			}
		})
	}
}

// What is switched off is not limited; what is set is.
func TestLimitsAreSettings(t *testing.T) {
	t.Parallel()
	s, err := parse(t, "--limits-writes", "off", "--limits-reads", "2/h", "--limits-logins=0", "--trusted-proxies", "10.1.0.0/16,192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	l := s.limits(nil, nil, metrics.New(), slog.New(slog.DiscardHandler))
	for class, want := range map[limit.Class]int{limit.Reads: 2, limit.Writes: 5000, limit.Logins: 5000} {
		fine := 0
		for range 5000 {
			if l.Spend(t.Context(), class, limit.Of(curfew.Actor{Role: curfew.Customer, ID: "kim"}, netip.Addr{})) == nil {
				fine++
			}
		}
		if fine != want {
			t.Errorf("%d %s, want %d", fine, class, want)
		}
	}
	if got := s.proxies(); len(got) != 2 || got[0].String() != "10.1.0.0/16" || got[1].String() != "192.0.2.1/32" {
		t.Errorf("trusted are %v", got)
	}
}

// S57: two replicas of one database let somebody fail as often as one does. A good token counts all the while.
func TestS57_ReplicasShareTheLimitOfFailedTokens(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	dir, env := t.TempDir(), []string{"CURFEW_DATABASE_URL=" + stores.PostgresMigrated(t), "CURFEW_LIMITS_FAILURES=5/1h"}
	statuses := map[int]int{}
	for range 2 {
		p := serving(t, dir, env)
		for range 8 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/mechanics/requests", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer forged")
			answer, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			statuses[answer.StatusCode]++
		}
		if _, err := p.client(t, dir, "mechanic", "mia").Queue(t.Context(), api.Page{}); err != nil {
			t.Errorf("a good token: %v", err)
		}
	}
	if diff := cmp.Diff(map[int]int{http.StatusUnauthorized: 5, http.StatusTooManyRequests: 11}, statuses); diff != "" {
		t.Error(diff)
	}
}
