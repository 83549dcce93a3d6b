package main

import (
	"bytes"
	"context"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/sqlite"
)

// docs/explain.md shows a timeline as the program really prints it, except for ids and times.
func TestTheDocumentedStoryIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "$ curfew explain kim\n")
	sample, _, _ := strings.Cut(rest, "```")
	got, _, _ := strings.Cut(timelineOfKim(t), "\nWhat can be done now")
	if diff := cmp.Diff(inForm(sample), inForm(got)); diff != "" {
		t.Errorf("docs/explain.md differs (-docs +printed):\n%s", diff)
	}
}

var (
	anID    = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	aMoment = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
)

// inForm returns a text without times, and with ids numbered in order of appearance.
func inForm(text string) string {
	known := map[string]string{}
	text = anID.ReplaceAllStringFunc(text, func(id string) string {
		if known[id] == "" {
			known[id] = "ID" + string(rune('0'+len(known)))
		}
		return known[id]
	})
	return aMoment.ReplaceAllString(text, "TIME")
}

// mailed sends the mails that are due.
func mailed(t *testing.T, store *sqlite.Store) {
	t.Helper()
	mailServer := mailtest.NewServer(t, mailtest.Options{})
	channel, err := mail.NewChannel(store, mail.Options{
		Server: mail.Server{Host: mailServer.Host, Port: mailServer.Port, TLS: "none"}, From: &netmail.Address{Address: "help@example.org"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- notify.New(store, notify.Options{Channels: []notify.Channel{channel}}).Run(ctx) }()
	until(ctx, t, "the mail is sent", func() bool {
		sent, err := store.ListDeliveries(ctx, record.DeliverySearch{State: record.DeliveryDone, Limit: 1})
		return err == nil && len(sent) == 1
	})
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// timelineOfKim makes it happen, and explains.
func timelineOfKim(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "curfew.db")
	var ago atomic.Int64
	ago.Store(int64(45 * time.Minute))
	clock := func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }
	store, err := sqlite.Open(t.Context(), file, sqlite.Options{Create: true, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Migrate(t.Context())
	keeper, err2 := lifecycle.New(store, lifecycle.Options{})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	pay := func(ref string) lifecycle.Fulfillment {
		amount := int64(990)
		f, err := keeper.Admission.FulfillCheckout(t.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
			PaymentRef: ref, CustomerID: "kim", Plan: "chat10", Amount: &amount, Currency: "eur", Email: "kim@example.org",
		})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	pay("pay-1")
	ago.Store(0)
	_, err = keeper.Cleanups.RunCleanup(t.Context(), lifecycle.Cleanup{
		Reason: "monday", Trigger: curfew.ByCommand, Actor: curfew.Actor{Role: curfew.Admin, ID: "anna"},
	})
	mailed(t, store)
	if err == nil {
		_, err = keeper.Queue.Accept(t.Context(), pay("pay-2").RequestID, "max")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	var out, notes bytes.Buffer
	code := run(context.Background(), []string{"explain", "kim", "--database-url", "sqlite:" + file}, terminal{&out, &notes, false})
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, notes.String())
	}
	return out.String()
}
