package httpapi_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// How many clients come back how often. The figures of the README come from
// larger ones.
var (
	streamClients    = flag.Int("streams", 0, "clients that read live streams; by default 50, or 10 with -short")
	streamReconnects = flag.Int("reconnects", 0, "how often each of them comes back; by default 20, or 6 with -short")
)

// While writers work, the events of a session that a client gets over all its connections, without repeats, are numbered
// from 1 to the session's version in order.
func TestStreamsHaveNoGap(t *testing.T) {
	t.Parallel()
	*streamClients, *streamReconnects = effort.Of(*streamClients, 10, 50), effort.Of(*streamReconnects, 6, 20)
	for name, open := range stores.Each() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hasNoGap(newEnvironment(t, open(t), func(s *httpapi.Server, _ *http.Server) {
				s.Quicken((1+crowd())*50*time.Millisecond, testTimeout)
			}))
		})
	}
}

// crowd is how many times more clients there are than a small machine can serve without concessions. Two thirds of them get
// everything and read it in this process, so with more of them there are fewer heartbeats, and less is written.
func crowd() time.Duration { return time.Duration(max(1, *streamClients/250)) }

func hasNoGap(env *environment) {
	env.Helper()
	customers := max(5, *streamClients/10)
	var connected, reading, writing sync.WaitGroup
	stop, done := make(chan struct{}), make(chan map[string]curfew.Session)
	clients := make([]*gapless, *streamClients)
	connected.Add(len(clients))
	for i := range clients {
		clients[i] = newGapless(env, i, customers)
		reading.Go(func() { clients[i].run(&connected, done) })
	}
	connected.Wait()
	written := sync.Map{}
	for w := range 4 {
		writing.Go(func() { env.live(w, customers, stop, &written) })
	}
	back := make(chan struct{})
	go func() { defer close(back); reading.Wait() }()
	for _, c := range clients {
		select {
		case <-c.back:
		case <-back: // one failed
		}
	}
	close(stop)
	writing.Wait()
	truth := map[string]curfew.Session{}
	written.Range(func(id, _ any) bool {
		s, err := env.keeper.Sessions.Session(env.Context(), id.(string)) //nolint:errcheck,forcetypeassert // all keys are
		must(env.T, err)
		truth[s.ID] = s.Session
		return true
	})
	for range clients {
		select {
		case done <- truth:
		case <-back:
		}
	}
	reading.Wait()
	env.Logf("%d sessions", len(truth))
}

// live makes one session after the other for every fourth customer.
func (env *environment) live(w, customers int, stop <-chan struct{}, written *sync.Map) {
	mechanic := fmt.Sprint("mechanic-", w)
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After((crowd() - 1) * 200 * time.Millisecond):
		}
		customer := fmt.Sprint("customer-", (4*n+w)%customers)
		f, err := env.keeper.Admission.FulfillCheckout(env.Context(), shopActor, lifecycle.Purchase{
			PaymentRef: fmt.Sprint("pay-", w, "-", n), CustomerID: customer, Plan: "chat10",
		})
		if err != nil {
			env.Errorf("pay: %v", err)
			return
		}
		if f.SessionID == "" {
			continue // deferred: another writer's session is not over
		}
		written.Store(f.SessionID, true)
		steps := []func() (curfew.Snapshot, error){
			func() (curfew.Snapshot, error) { return env.keeper.Queue.Accept(env.Context(), f.RequestID, mechanic) },
			func() (curfew.Snapshot, error) {
				return env.keeper.Sessions.Join(env.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: customer})
			},
			func() (curfew.Snapshot, error) { return env.keeper.Sessions.End(env.Context(), f.SessionID, shopActor) },
		}
		for _, step := range steps {
			if _, err := step(); err != nil {
				env.Errorf("%s: %v", f.SessionID, err)
				return
			}
		}
	}
}

var shopActor = curfew.Actor{Role: curfew.Service, ID: "shop"}

// gapless is a client that comes and goes.
type gapless struct {
	env    *environment
	who    curfew.Actor
	token  string
	lastID string
	seen   map[string]int64 // sessions: up to which number
	random *rand.Rand
	back   chan struct{} // closed once it has come back for the last time
}

func newGapless(env *environment, i, customers int) *gapless {
	who := []curfew.Actor{
		{Role: curfew.Service, ID: fmt.Sprint("service-", i)},
		{Role: curfew.Admin, ID: fmt.Sprint("admin-", i)},
		{Role: curfew.Customer, ID: fmt.Sprint("customer-", i/3%customers)},
	}[i%3]
	return &gapless{
		env: env, who: who, token: env.token(who.Role, who.ID, time.Hour), seen: map[string]int64{},
		random: rand.New(rand.NewPCG(7, uint64(i))), back: make(chan struct{}),
	}
}

// run connects and leaves again and again, and finally stays until it has seen everything.
func (g *gapless) run(connected *sync.WaitGroup, done <-chan map[string]curfew.Session) {
	first := sync.OnceFunc(connected.Done)
	defer first()
	for range *streamReconnects {
		few := 1 + g.random.IntN(10)
		if err := g.connect(func() bool { first(); few--; return few > 0 }); err != nil {
			g.env.Errorf("%s: %v", g.who, err)
			return
		}
	}
	close(g.back)
	var truth map[string]curfew.Session
	err := g.connect(func() bool {
		if truth == nil {
			select {
			case truth = <-done:
			default:
			}
		}
		return truth == nil || !g.knows(truth)
	})
	if err != nil {
		g.env.Errorf("%s: %v", g.who, err)
	}
}

// knows reports whether the client has seen every change.
func (g *gapless) knows(truth map[string]curfew.Session) bool {
	for id, s := range truth {
		if (g.who.Role != curfew.Customer || s.CustomerID == g.who.ID) && g.seen[id] != s.Version {
			return false
		}
	}
	return true
}

// connect reads a stream for as long as more says so after each event.
func (g *gapless) connect(more func() bool) error {
	ctx, leave := context.WithTimeout(g.env.Context(), 3*testTimeout*crowd()) // the last one waits for everybody's last but one
	defer leave()
	resp, err := g.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines, name := bufio.NewScanner(resp.Body), ""
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "id":
			g.lastID = value
		case field == "event":
			name = value
		case field == "data":
			if err := g.receive(name, value); err != nil {
				return err
			}
		case lines.Text() == "" && !more():
			return nil
		}
	}
	return fmt.Errorf("the stream ended after %s: %w", g.lastID, cmp.Or(ctx.Err(), lines.Err()))
}

// dialing keeps thousands from connecting at once.
var dialing = make(chan struct{}, 64)

// dial asks until it gets a stream: those who have just left still count for a moment.
func (g *gapless) dial(ctx context.Context) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.env.url+"/api/stream", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+g.token)
	if g.lastID != "" {
		req.Header.Set("Last-Event-ID", g.lastID)
	}
	for {
		dialing <- struct{}{}
		resp, err := streamClient.Do(req)
		<-dialing
		if err != nil || resp.StatusCode == http.StatusOK {
			return resp, err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
			return nil, fmt.Errorf("answered %d", resp.StatusCode)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (g *gapless) receive(name, data string) error {
	if name != "session" {
		if name == "reset" {
			return fmt.Errorf("reset after %s", g.lastID)
		}
		return nil
	}
	var c api.SessionChange
	if err := json.Unmarshal([]byte(data), &c); err != nil {
		return err
	}
	if g.who.Role == curfew.Customer && c.Session.CustomerID != g.who.ID {
		return fmt.Errorf("received another customer's event: %s", data)
	}
	if last := g.seen[c.SessionID]; c.Number > last+1 {
		return fmt.Errorf("session %s: %d came after %d", c.SessionID, c.Number, last)
	} else if c.Number == last+1 {
		g.seen[c.SessionID] = c.Number
	}
	return nil
}
