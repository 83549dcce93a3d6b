package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/curfewhq/curfew/internal/storetest/seed"
)

const paddleSecret = "pdl_ntfset_of_the_test"

// paddleMessage is one message of Paddle, whose fixture it fills in.
type paddleMessage struct {
	kind   string // the event's type
	action string // of an adjustment
	object string // the adjustment's id, or the attempt's
	status string
	amount string
}

// paddleCourse is a transaction's messages in the order in which it happened, and what is true in the end.
type paddleCourse struct {
	messages []paddleMessage
	outcomes string // those that its checkout may have; "": there is none
	worth    int64
}

var (
	paddlePaid      = paddleMessage{kind: "transaction.paid", status: "paid", object: "a1"}
	paddleCompleted = paddleMessage{kind: "transaction.completed", status: "completed", object: "a1"}
)

// adjustment is a message of one, which is made with its first.
func adjustment(first bool, action, object, status, amount string) paddleMessage {
	kind := "adjustment.updated"
	if first {
		kind = "adjustment.created"
	}
	return paddleMessage{kind, action, object, status, amount}
}

var paddleCourses = map[string]paddleCourse{
	"paid":   {[]paddleMessage{paddlePaid, paddleCompleted}, "fulfilled", 2900},
	"second": {[]paddleMessage{{kind: "transaction.payment_failed", status: "ready", object: "a0"}, paddlePaid, paddleCompleted}, "fulfilled", 2900},
	"parts": {[]paddleMessage{
		paddlePaid, paddleCompleted, adjustment(true, "refund", "r1", "pending_approval", "1000"), adjustment(false, "refund", "r1", "approved", "1000"),
		adjustment(true, "refund", "r2", "approved", "1900"),
	}, "refunded", 0},
	"rejected": {[]paddleMessage{
		paddlePaid, adjustment(true, "refund", "r1", "pending_approval", "2900"), adjustment(false, "refund", "r1", "rejected", "2900"),
	}, "fulfilled", 2900},
	"lost": {[]paddleMessage{paddlePaid, paddleCompleted, adjustment(true, "chargeback", "c1", "approved", "2900")}, "void", 0},
	"won": {[]paddleMessage{
		paddlePaid, adjustment(true, "chargeback", "c1", "approved", "2900"), adjustment(false, "chargeback", "c1", "reversed", "2900"),
		adjustment(true, "chargeback_reverse", "c2", "approved", "2900"),
	}, "fulfilled credited", 2900},
	"warned":   {[]paddleMessage{paddlePaid, adjustment(true, "chargeback_warning", "w1", "approved", "2900")}, "fulfilled", 2900},
	"credited": {[]paddleMessage{paddlePaid, adjustment(true, "credit", "b1", "approved", "500")}, "fulfilled", 2900},
	"given up": {[]paddleMessage{{kind: "transaction.payment_failed", status: "ready", object: "a0"}, {kind: "transaction.canceled", status: "canceled"}}, "", 0},
}

// body is the message as Paddle posts it.
func (m paddleMessage) body(t *testing.T, name string, number int) string {
	t.Helper()
	file := "transaction.json"
	if m.action != "" {
		file = "adjustment.json"
	}
	text, err := os.ReadFile(filepath.Join("testdata", "paddle", file))
	if err != nil {
		t.Fatal(err)
	}
	payment, why := "captured", "null"
	if m.kind == "transaction.payment_failed" {
		payment, why = "error", `"declined"`
	}
	return strings.NewReplacer(
		"EVENT", fmt.Sprint(name, number), "TYPE", m.kind, "AT", time.Date(2026, 11, 1, 10, number, 0, 0, time.UTC).Format("2006-01-02T15:04:05.000000Z"),
		"NAME", name, "STATUS", m.status, "ACTION", m.action, "OBJECT", name+m.object, "AMOUNT", m.amount, "PAYMENT", payment, "ERROR", why,
	).Replace(strings.ReplaceAll(string(text), "ATTEMPT", name+m.object))
}

// paddle posts messages to the example's service.
type paddle struct {
	*testing.T
	url string
}

// post posts a message that was signed at a time with a secret, and returns the status of the answer.
func (p paddle) post(secret string, at time.Time, body string) int {
	p.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "%d:%s", at.Unix(), body) // a hash takes everything
	request, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.url, bytes.NewReader([]byte(body)))
	if err != nil {
		p.Error(err)
		return 0
	}
	request.Header.Set("Paddle-Signature", fmt.Sprintf("ts=%d;h1=%s;h1=%s", at.Unix(), strings.Repeat("0", 64), hex.EncodeToString(mac.Sum(nil))))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.Error(err)
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// deliver posts a message until it is answered 200, as Paddle does for three days.
func (p paddle) deliver(body string) {
	p.Helper()
	for range 10 {
		if p.post(paddleSecret, time.Now(), body) == http.StatusOK {
			return
		}
	}
	p.Errorf("never taken in: %s", body)
}

// The example is complete: what Paddle sends to it, in any order and more than once, over a network that loses requests
// and answers, ends in the right outcomes at a real Curfew.
func TestTheExampleForPaddleTellsCurfewTheTruth(t *testing.T) {
	program := bundled(t, "../../docs/examples/paddle/server.ts")
	onStores(t, func(t *testing.T, database string) {
		dir, p, now, _ := withDoor(t, database)
		from := paddle{t, translating(t, program, lossyProxy(t, p.url), now.secret)}
		random := seed.Dice(seed.New(t), "Paddle's messages")
		deliverAll(from, random)
		shop := p.client(t, dir, "service", "shop")
		for name, s := range paddleCourses {
			outcome, worth := "", int64(0)
			for _, c := range paymentsOf(t, shop, name) {
				outcome += c.Outcome
				worth += *c.Payment.Worth
			}
			if !slices.Contains(strings.Split(s.outcomes, " "), outcome) || worth != s.worth {
				t.Errorf("%s is %q and worth %d, want %q and %d", name, outcome, worth, s.outcomes, s.worth)
			}
		}
	})
}

func deliverAll(from paddle, random *rand.Rand) {
	from.Helper()
	var all []string
	for name, s := range paddleCourses {
		for i, m := range s.messages {
			body := m.body(from.T, name, i)
			all = append(all, body, body)
		}
	}
	slices.Sort(all)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := w; i < len(all); i += 4 {
				from.deliver(all[i])
			}
		})
	}
	workers.Wait()
}

func TestTheExampleForPaddleHearsPaddleAlone(t *testing.T) {
	t.Parallel()
	var received atomic.Int64
	curfew := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		received.Add(1)
		_, _ = fmt.Fprint(w, `{"outcome":"kept","why":"of the test"}`)
	}))
	t.Cleanup(curfew.Close)
	from := paddle{t, translating(t, bundled(t, "../../docs/examples/paddle/server.ts"), curfew.URL, "whsec_bm93")}
	body := paddlePaid.body(t, "alone", 1)
	for sentence, c := range map[string]struct {
		status   int
		received int64
		post     func() int
	}{
		"another secret": {401, 0, func() int { return from.post("pdl_ntfset_of_another", time.Now(), body) }},
		"too old":        {401, 0, func() int { return from.post(paddleSecret, time.Now().Add(-6*time.Minute), body) }},
		"too new":        {401, 0, func() int { return from.post(paddleSecret, time.Now().Add(6*time.Minute), body) }},
		"not about money": {200, 0, func() int {
			return from.post(paddleSecret, time.Now(), `{"event_id":"e","event_type":"customer.updated","data":{}}`)
		}},
		"no JSON":                {500, 0, func() int { return from.post(paddleSecret, time.Now(), "x") }},
		"no amount":              {500, 0, func() int { return from.post(paddleSecret, time.Now(), strings.ReplaceAll(body, `"2900"`, `"29.00"`)) }},
		"what Curfew only keeps": {200, 1, func() int { return from.post(paddleSecret, time.Now(), body) }},
	} {
		before := received.Load()
		if status := c.post(); status != c.status || received.Load()-before != c.received {
			t.Errorf("%s is answered %d, and Curfew hears of it %d times", sentence, status, received.Load()-before)
		}
	}
}

// bundled makes one file of JavaScript of a program in TypeScript.
func bundled(t *testing.T, source string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program.cjs")
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{source}, Outfile: out, Bundle: true, Write: true, Platform: api.PlatformNode, Format: api.FormatCommonJS, Target: api.ES2022,
		External: []string{"pg-native", "cloudflare:sockets"}, // what the client for PostgreSQL can do without
	})
	for _, e := range built.Errors {
		t.Errorf("%s: %s (scripts/install-test-deps installs what examples need)", source, e.Text)
	}
	if t.Failed() {
		t.FailNow()
	}
	return out
}

// translating runs the example's service until the test ends, and returns its address.
func translating(t *testing.T, program, curfew, secret string) string {
	t.Helper()
	return listening(t, program, "CURFEW_URL="+curfew, "CURFEW_PAYMENTS_SECRET="+secret, "PADDLE_SECRET="+paddleSecret)
}

// listening runs an example's service until the test ends, and returns its address.
func listening(t *testing.T, program string, env ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, node(t), program)
	cmd.Env = append(append(withoutSettings(os.Environ()), env...), "PORT=0")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		cancel()
		t.Fatalf("the example does not start: %s (%v)", line, err)
	}
	return address
}

func node(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("there is no node here, which runs examples: install Node.js 18 or later (Debian's nodejs), or run scripts/install-test-deps")
	}
	return program
}

// lossyProxy passes requests on to Curfew, but loses some, and the answers to others.
func lossyProxy(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	curfew := httputil.NewSingleHostReverseProxy(target)
	var count atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := count.Add(1); {
		case n%5 == 0:
			w.WriteHeader(http.StatusBadGateway)
		case n%7 == 0:
			curfew.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusBadGateway)
		default:
			curfew.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}
