package mail_test

import (
	"context"
	"log/slog"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// store is what the tests here ask of a store beside lifecycle's.
type store interface {
	notify.Store
	notify.Admin
	mail.Store
}

// environment is a store, a keeper over it and what the test needs beside.
type environment struct {
	*testing.T
	storetest.Harness
	keeper     *lifecycle.Keeper
	store      store
	mailServer *mailtest.Server
	links      mail.Unsubscriptions
	log        *logBuffer
	wake       chan struct{}
}

// onEachStore runs a test on PostgreSQL and on SQLite.
func onEachStore(t *testing.T, o mailtest.Options, test func(*environment)) {
	t.Helper()
	t.Parallel()
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			policy := curfew.DefaultPolicy()
			keeper, err := lifecycle.New(h.Store, lifecycle.Options{SweeperOff: true, Policy: &policy})
			must(t, err)
			w := &environment{T: t, Harness: h, keeper: keeper, store: h.Store.(store), mailServer: mailtest.NewServer(t, o), log: &logBuffer{}, wake: make(chan struct{}, 1)} //nolint:errcheck,forcetypeassert // both are
			w.links = mail.Unsubscriptions{Store: w.store, Signer: signer("key")}
			test(w)
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ignore[T any](_ T, err error) error { return err }

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// signer is a poor one.
type signer string

func (s signer) Sign(purpose, text string) []byte { return []byte(string(s) + purpose + text) }

// logBuffer collects the log.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// from is who mails come from here.
var from = &netmail.Address{Name: "Müller & Söhne", Address: "help@shop.example"}

func smtpServer(o *mailtest.Server) mail.Server {
	return mail.Server{Host: o.Host, Port: o.Port, TLS: mail.NoTLS, Roots: o.Roots}
}

func (w *environment) channel() *mail.Channel {
	w.Helper()
	c, err := mail.NewChannel(w.store, mail.Options{
		Server: smtpServer(w.mailServer), From: from, BaseURL: "https://curfew.example.org", Signer: signer("key"),
	})
	must(w, err)
	return c
}

const email = "ada@example.org"

// pay gives ada a session.
func (w *environment) pay(ref string) lifecycle.Fulfillment {
	w.Helper()
	amount := int64(1999)
	f, err := w.keeper.Admission.FulfillCheckout(w.Context(), shop, lifecycle.Purchase{
		PaymentRef: ref, CustomerID: "ada", Plan: "chat10", Amount: &amount, Currency: "eur", Email: email, Name: "Ada Lovelace",
	})
	must(w, err)
	return f
}

var (
	shop = curfew.Actor{Role: curfew.Service, ID: "shop"}
	ada  = curfew.Actor{Role: curfew.Customer, ID: "ada"}
)

// works runs a worker until the test ends, or the returned function is called.
func (w *environment) works() (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	worker := notify.New(w.store, notify.Options{
		Channels: []notify.Channel{w.channel()}, Wake: w.wake, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	go func() { done <- worker.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		must(w, <-done)
	})
	w.Cleanup(stop)
	return stop
}

// settled waits until every delivery that the events make is settled.
func (w *environment) settled() {
	w.Helper()
	w.until("everything is settled", func() bool {
		rows := w.Query(w, "SELECT (SELECT count(*) FROM "+w.Schema+"events WHERE NOT told) + (SELECT count(*) FROM "+w.Schema+"deliveries WHERE state = 'pending')")
		return rows[0][0] == "0"
	})
}

func (w *environment) until(what string, look func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.Fatalf("never: %s; the log:\n%s", what, w.log)
		}
	}
}

func subjects(mails []mailtest.Mail) []string {
	var all []string
	for _, m := range mails {
		all = append(all, m.Subject)
	}
	return all
}
