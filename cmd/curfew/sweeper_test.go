package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

func TestWithoutSweeperNobodyIsStuckOnSQLite(t *testing.T) {
	t.Parallel()
	withoutSweeper(t, "sqlite:curfew.db")
}

func TestWithoutSweeperNobodyIsStuckOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	url := stores.PostgresMigrated(t)
	migrated(t, url)
	withoutSweeper(t, url)
}

// withoutSweeper is the promise with every background job dead: a real service,
// real time. An overdue session stands in nobody's way, looking changes
// nothing, and the next payment settles it.
func withoutSweeper(t *testing.T, url string) {
	t.Helper()
	dir := t.TempDir()
	p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url}, "--auth-key-file=curfew.key", "--sweeper=off", "--waiting-ttl=1s")
	client := p.client(t, dir, "service", "shop")
	ctx := t.Context()
	pay := func(ref string) api.Fulfillment {
		t.Helper()
		done, err := client.FulfillCheckout(ctx, api.Purchase{PaymentRef: ref, CustomerID: "c-1", Plan: "chat10"})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}

	first := pay("ref-1")
	until(ctx, t, "the customer is not blocked any more", func() bool {
		status, err := client.SessionStatus(ctx, "c-1")
		return err == nil && !status.Blocked
	})
	if old, err := client.Session(ctx, first.SessionID); err != nil || old.Status != "waiting" {
		t.Errorf("looking changed the session to %s (%v)", old.Status, err)
	}

	second := pay("ref-2")
	if second.Outcome != "fulfilled" || second.SessionID == first.SessionID {
		t.Errorf("the second payment brought %+v", second)
	}
	if old, err := client.Session(ctx, first.SessionID); err != nil || old.Status != "cancelled" || old.EndReason != "expired" {
		t.Errorf("the overdue session is %s, %s (%v)", old.Status, old.EndReason, err)
	}
	checkHistory(t, client, first.SessionID, []string{" → waiting", "waiting → cancelled"})
	checkHistory(t, client, second.SessionID, []string{" → waiting"})
	checkOutcomes(t, client, map[string]string{"ref-1": "credited", "ref-2": "fulfilled"})

	health, err := p.client(t, dir, "admin", "me").Health(ctx)
	if err != nil || health.Requests.ByStatus["expired"] != 1 || health.Requests.ByStatus["pending"] != 1 || health.Sweeper.Enabled {
		t.Errorf("requests %v, sweeper %+v (%v)", health.Requests.ByStatus, health.Sweeper, err)
	}
}

func checkHistory(t *testing.T, client *api.Client, id string, want []string) {
	t.Helper()
	history, err := client.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, e := range history.Events {
		got = append(got, e.From+" → "+e.To)
		if e.Number != int64(i+1) || e.Actor == "" || e.Reason == "" || e.At.IsZero() {
			t.Errorf("event %d is %+v", i+1, e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func checkOutcomes(t *testing.T, client *api.Client, want map[string]string) {
	t.Helper()
	paid, err := client.Checkouts(t.Context(), "c-1")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range paid.Checkouts {
		got[c.PaymentRef] = c.Outcome
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
