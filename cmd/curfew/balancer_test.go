package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew/api"
)

// lookEvery is how often the balancer asks whether a replica is ready.
const lookEvery = 500 * time.Millisecond

// balancer sends each call to the next replica that was ready when last asked. It
// tries no call twice.
type balancer struct {
	url string

	mu       sync.Mutex
	replicas []*process
	ready    map[*process]bool
	calls    map[string]int // under way, by the replica's host
	next     int
}

func newBalancer(t *testing.T, replicas ...*process) *balancer {
	t.Helper()
	b := &balancer{replicas: replicas, ready: map[*process]bool{}, calls: map[string]int{}}
	for _, p := range replicas {
		b.ready[p] = true
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(b.pick()) },
		Transport: &counted{b, &http.Transport{MaxIdleConnsPerHost: 64}}, // connections that stay open, as a proxy's do
	})
	b.url = server.URL
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var looking sync.WaitGroup
	looking.Go(func() { b.look(ctx) })
	t.Cleanup(func() { stop(); looking.Wait(); server.Close() })
	return b
}

// counted knows which calls are under way.
type counted struct {
	*balancer
	http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.count(r.URL.Host, 1)
	defer c.count(r.URL.Host, -1)
	return c.RoundTripper.RoundTrip(r)
}

func (b *balancer) count(host string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[host] += n
}

// underWay returns how many calls a replica has not answered yet.
func (b *balancer) underWay(p *process) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[strings.TrimPrefix(p.url, "http://")]
}

func (b *balancer) pick() *url.URL {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.replicas {
		b.next++
		if p := b.replicas[b.next%len(b.replicas)]; b.ready[p] {
			if to, err := url.Parse(p.url); err == nil {
				return to
			}
		}
	}
	return &url.URL{Scheme: "http", Host: "nobody.is.ready.invalid"}
}

// look asks all replicas periodically whether they are ready.
func (b *balancer) look(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		b.mu.Lock()
		all := slices.Clone(b.replicas)
		b.mu.Unlock()
		for _, p := range all {
			ready := statusOf(ctx, p.ops+"/readyz") == http.StatusOK
			b.mu.Lock()
			b.ready[p] = ready
			b.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// statusOf returns the status of an answer; 0 if there was none.
func statusOf(ctx context.Context, url string) int {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close() // only the status matters
	return res.StatusCode
}

// put replaces a replica with another, and waits until that gets calls.
func (b *balancer) put(t *testing.T, i int, p *process) {
	t.Helper()
	b.mu.Lock()
	b.replicas[i] = p
	b.mu.Unlock()
	until(t.Context(), t, "the new replica gets calls", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.ready[p]
	})
}

// traffic is callers who pay and look, one call after the other, and try none
// twice.
type traffic struct {
	calls, failed atomic.Int64
	first         atomic.Pointer[error]
	stop          func()
}

// newTraffic starts that many callers, who continue until they are stopped or the
// test ends.
func newTraffic(t *testing.T, n int, name string, client *api.Client) *traffic {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	tr := &traffic{}
	var all sync.WaitGroup
	tr.stop = func() { cancel(); all.Wait() }
	t.Cleanup(tr.stop)
	client.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}, Timeout: readyIn}
	for i := range n {
		all.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				tr.visit(client, fmt.Sprintf("%s-%d-%d", name, i, k))
				breathe(ctx)
			}
		})
	}
	return tr
}

// breathe leaves the machine to others in the short form, where a load only has to be there.
func breathe(ctx context.Context) {
	if !testing.Short() {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}

// visit is a customer who pays, looks, and cancels.
func (tr *traffic) visit(client *api.Client, customer string) {
	ctx := context.Background() // a call that began is not cut off by the test
	f, err := client.FulfillCheckout(ctx, api.Purchase{PaymentRef: "ref-" + customer, CustomerID: customer, Plan: "chat10"})
	if err == nil && f.Outcome != "fulfilled" {
		err = fmt.Errorf("%s is %s", customer, f.Outcome)
	}
	tr.count(err)
	if err != nil {
		return
	}
	_, err = client.SessionStatus(ctx, customer)
	tr.count(err)
	_, err = client.Cancel(ctx, f.SessionID)
	tr.count(err)
}

func (tr *traffic) count(err error) {
	tr.calls.Add(1)
	if err != nil {
		tr.failed.Add(1)
		tr.first.CompareAndSwap(nil, &err)
	}
}

// firstError returns the first failure, or nil.
func (tr *traffic) firstError() error {
	if err := tr.first.Load(); err != nil {
		return errors.Join(*err)
	}
	return nil
}

// whole stops the callers, and fails if any of their calls has failed.
func (tr *traffic) whole(t *testing.T) {
	t.Helper()
	tr.stop()
	t.Logf("%d of %d calls failed", tr.failed.Load(), tr.calls.Load())
	if tr.failed.Load() > 0 || tr.calls.Load() == 0 {
		t.Errorf("%d of %d calls failed, the first with: %v", tr.failed.Load(), tr.calls.Load(), tr.firstError())
	}
}
