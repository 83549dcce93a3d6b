package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to look behind the service's back

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// The secrets of Stripe and of the generic door.
const (
	webhookSecret = "whsec_of_the_test"
	eventSecret   = "whsec_b2YgdGhlIHRlc3QgYW5kIGxvbmcgZW5vdWdo"
)

// oracle is a Stripe whose ledger knows what is true, and a service that has to
// agree with it.
type oracle struct {
	*testing.T
	fake   *stripetest.Fake
	dice   *rand.Rand // every choice, in one order
	dir    string
	env    []string
	url    string  // of the database
	db     *sql.DB // behind the service's back
	schema string
	wire   *http.Transport
	p      *process
	never  int // events that are never sent
	took   stopwatch

	seed     uint64
	sales    []*sale // everything that was ever paid, or reserved, or promised
	rounds   int     // of what happens to them
	asks     bool    // the service has an API key
	identity *auth.Identity
	// duplicates are checkouts that turned out to be for the payment of another one.
	duplicates []curfew.Checkout
}

func newOracle(t *testing.T, url string) *oracle {
	t.Helper()
	chosen := seed.New(t)
	t.Logf("%d payments", payments())
	o := &oracle{
		T: t, dice: seed.Dice(chosen, "choices"), dir: t.TempDir(), url: url, schema: "curfew.",
		fake: stripetest.New(t, stripetest.Options{Seed: chosen}), seed: chosen, wire: &http.Transport{MaxIdleConnsPerHost: 128},
	}
	driver, source := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		path = filepath.Join(o.dir, path)
		driver, source, o.schema, o.url = "sqlite", "file:"+path+"?_busy_timeout=10000", "", "sqlite:"+path
	}
	o.env = []string{
		"CURFEW_DATABASE_URL=" + o.url, "CURFEW_STRIPE_WEBHOOK_SECRET=" + webhookSecret, "CURFEW_STRIPE_API_BASE=" + o.fake.URL,
		"CURFEW_PAYMENTS_SECRET=" + eventSecret, "CURFEW_STRIPE_ACCOUNTS=" + connected, "CURFEW_PLANS=" + plansOnSale, "CURFEW_PART_REFUNDED=refund",
		"CURFEW_SETTLE=cleared=refund", "CURFEW_LOG_LEVEL=error", "CURFEW_MINIMUM_LIVE=0s",
		"CURFEW_WAITING_TTL=24h", "CURFEW_MAX_WAIT=24h", "CURFEW_JOIN_TTL=24h", // a long run is not to be about deadlines
	}
	var err error
	if o.db, err = sql.Open(driver, source); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = o.db.Close() // whatever it had to say, it has said
		o.wire.CloseIdleConnections()
	})
	return o
}

func (o *oracle) start() {
	o.Helper()
	o.p = serving(o.T, o.dir, o.env, "--auth-key-file=curfew.key")
}

// kill is -9.
func (o *oracle) kill() { o.p.kill() }

func (o *oracle) restart() {
	o.Helper()
	o.kill()
	o.start()
}

// deliver sends what waits, but for a share that is late. The service is killed
// when it has answered so often; 0: it is not.
func (o *oracle) deliver(late float64, killAfter int) stripetest.Delivered {
	o.Helper()
	killer := &killer{RoundTripper: o.wire, process: o.p, took: &o.took}
	killer.left.Store(int64(killAfter))
	got := o.fake.Deliver(o.Context(), stripetest.Delivery{
		URL: o.p.url + "/api/stripe/webhook", Secret: webhookSecret, Burst: 10, Bursts: .1, Workers: 8,
		Shuffle: true, Late: late, Never: .1, Client: &http.Client{Transport: killer, Timeout: readyIn},
	})
	o.never += got.Never
	return got
}

// deliverAll sends everything that will ever be sent, again where the service
// was too busy.
func (o *oracle) deliverAll() {
	o.Helper()
	for range 20 {
		if got := o.deliver(0, 0); got.Refused == 0 {
			return
		}
	}
	o.Fatal("it goes on refusing messages")
}

// killer kills a process with -9 at one of its answers.
type killer struct {
	http.RoundTripper
	process *process
	left    atomic.Int64
	took    *stopwatch
}

func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := time.Now()
	answer, err := k.RoundTripper.RoundTrip(r)
	if err == nil {
		k.took.note(time.Since(begun))
	}
	if err == nil && k.left.Add(-1) == 0 {
		err = errors.Join(k.process.cmd.Process.Kill(), answer.Body.Close())
		return nil, errors.Join(errors.New("nobody got this answer"), err)
	}
	return answer, err
}

// stopwatch is how long answers took.
type stopwatch struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *stopwatch) note(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d)
}

func (s *stopwatch) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.all)
	n := len(s.all)
	return fmt.Sprintf("%d answers: half within %s, 99 of 100 within %s, all within %s", n, s.all[n/2], s.all[n*99/100], s.all[n-1])
}

// killInRefunds kills the service when it has given some of the money back, or
// waits for an answer of Stripe that does not come.
func (o *oracle) killInRefunds(due int) {
	o.Helper()
	given, hung, part := len(o.fake.Refunds()), o.fake.InjectedFaults()[stripetest.Hang], 1+min(due/4, 1000)
	more := part + o.dice.IntN(part)
	patience := time.Now().Add(5*time.Second + time.Duration(due)*20*time.Millisecond) // some wait for a bank, or for an hour
	o.await("some of the refunds", func() bool {
		return len(o.fake.Refunds()) >= given+more || o.fake.InjectedFaults()[stripetest.Hang] > hung || time.Now().After(patience)
	})
	o.kill()
}

// await looks until it is true: however busy the machine is, and for as long as that many
// payments take. To look costs more, the more there are.
func (o *oracle) await(what string, look func() bool) {
	o.Helper()
	for deadline := time.Now().Add(5 * time.Minute * time.Duration(1+payments()/2000)); !look(); {
		if time.Now().After(deadline) {
			o.Fatalf("never: %s", what)
		}
		<-time.After(100*time.Millisecond + time.Duration(payments())*20*time.Microsecond)
	}
}

// countCheckouts is how many payments have one of these outcomes.
func (o *oracle) countCheckouts(outcomes string) (n int) {
	o.Helper()
	query := "SELECT count(*) FROM " + o.schema + "checkouts WHERE outcome IN (" + outcomes + ")"
	if err := o.db.QueryRowContext(o.Context(), query).Scan(&n); err != nil {
		o.Fatal(err)
	}
	return n
}

// sql is a statement with its tables' names completed.
func (o *oracle) sql(statement string) string {
	return strings.NewReplacer("{", o.schema, "}", "").Replace(statement)
}

// hourLater makes every refund and capture due that waits for its next attempt, and every
// deferred payment.
func (o *oracle) hourLater() {
	o.Helper()
	o.exec("UPDATE " + o.schema + "checkouts SET next_at = NULL WHERE (outcome IN ('refund_due', 'refunding') " +
		"OR capture IN ('due', 'capturing', 'releasing')) AND next_at IS NOT NULL")
	o.exec("UPDATE " + o.schema + "checkouts SET retry_until = created_at WHERE outcome = 'deferred' AND retry_until > created_at")
}

// dayLater lets every first attempt be longer ago than Stripe's memory.
func (o *oracle) dayLater() {
	o.Helper()
	day := "25 * 3600 * 1000000" // SQLite counts microseconds
	if o.schema != "" {
		day = "interval '25 hours'"
	}
	o.hourLater()
	o.exec("UPDATE " + o.schema + "checkouts SET first_try_at = first_try_at - " + day + " WHERE first_try_at IS NOT NULL")
}

func (o *oracle) exec(statement string) {
	o.Helper()
	if _, err := o.db.ExecContext(o.Context(), statement); err != nil {
		o.Fatalf("%s: %v", statement, err)
	}
}

// awaitSettled waits until everything has an outcome that can stay. A new start looks at
// once, and again when it has compared the books.
func (o *oracle) awaitSettled() {
	o.Helper()
	o.kill()
	o.hourLater()
	o.start()
	all := o.truths()
	defer func() {
		if left := o.unsettled(all); len(left) > 0 {
			o.Logf("%d are not settled, as %s: %s", len(left), left[0], o.explain(left[0]))
		}
	}()
	o.await("every payment is settled", func() bool {
		o.endCaptures()
		return len(o.unsettled(all)) == 0
	})
}

// explain is the history of a payment.
func (o *oracle) explain(ref string) string {
	cmd := exec.CommandContext(context.WithoutCancel(o.Context()), "curfew", "checkouts", "show", ref)
	cmd.Dir, cmd.Env = o.dir, append(withoutSettings(os.Environ()), o.env...)
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%s %v", out, err)
}

// unsettled are the payments that will still move. Where a dispute is open, or a refund has
// failed, they stay as they are.
func (o *oracle) unsettled(all map[string]truth) []string {
	o.Helper()
	refs := o.query(`SELECT ref FROM {checkouts}
		WHERE outcome IN ('deferred', 'held', 'refund_due', 'refunding') OR capture IN ('due', 'capturing', 'releasing')`)
	return slices.DeleteFunc(refs, func(ref string) bool {
		t := all[number(ref)]
		return t.open() || t.refused
	})
}

// withDatabase opens the database beside the service.
func (o *oracle) withDatabase(do func(database) error) {
	o.Helper()
	var line commandLine
	line.DatabaseURL = config.DatabaseURL(o.url)
	db, err := line.connect(o.Context(), false)
	if err != nil {
		o.Fatal(err)
	}
	if err := errors.Join(do(db), db.Close()); err != nil {
		o.Fatal(err)
	}
}
