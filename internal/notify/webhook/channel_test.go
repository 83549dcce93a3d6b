package webhook_test

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

// post is a receiver with an endpoint that leads to it.
type post struct {
	*testing.T
	*httptest.Server
	store     webhook.Store
	endpoints webhook.Endpoints
	endpoint  record.Endpoint
	channel   *webhook.Channel
}

// receiving starts a receiver on this machine, with TLS.
func receiving(t *testing.T, answer http.HandlerFunc, o webhook.Options) *post {
	t.Helper()
	p := &post{T: t, Server: httptest.NewTLSServer(described(t, answer)), store: stores.SQLite(t).Store.(webhook.Store)} //nolint:errcheck,forcetypeassert // it is
	t.Cleanup(p.Close)
	o.Roots = x509.NewCertPool()
	o.Roots.AddCert(p.Certificate())
	p.endpoints = webhook.Endpoints{Store: p.store, AllowPrivate: loopback}
	p.channel = webhook.NewChannel(p.store, o)
	p.endpoint = p.add(p.URL)
	return p
}

func (p *post) add(url string) record.Endpoint {
	p.Helper()
	w, err := p.endpoints.Add(p.Context(), record.Endpoint{URL: url})
	if err != nil {
		p.Fatal(err)
	}
	return w
}

// send makes one attempt to deliver a test to an endpoint.
func (p *post) send(w record.Endpoint) (record.Delivery, record.Verdict) {
	p.Helper()
	d, err := p.endpoints.Test(p.Context(), w.ID)
	if err != nil {
		p.Fatal(err)
	}
	return d, p.channel.Send(p.Context(), d)
}

func TestAnAttemptIsASignedRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	p := receiving(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	}, webhook.Options{AllowPrivate: loopback, Version: "1.2.3"})
	first := p.endpoint
	rotated, err := p.endpoints.Rotate(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	d, v := p.send(first)
	if v.State != record.DeliveryDone || v.Status != 204 {
		t.Fatalf("the verdict is %+v", v)
	}
	if string(body) != d.Body || got.Method != http.MethodPost || got.Header.Get("Content-Type") != "application/json" || got.UserAgent() != "Curfew/1.2.3" {
		t.Errorf("sent %s %v %s", got.Method, got.Header, body)
	}
	if got.Header.Get("webhook-id") != d.ID || strings.Contains(d.ID, ".") {
		t.Errorf("the id is %q, want %q", got.Header.Get("webhook-id"), d.ID)
	}
	for name, secret := range map[string]string{"the old secret": first.Secrets[0], "the new secret": rotated.Secrets[0]} {
		key, err := standard.NewWebhook(secret)
		if err == nil {
			err = key.Verify(body, got.Header)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for sentence, c := range map[string]struct {
		status     int
		retryAfter string
		want       record.DeliveryState
		least      time.Duration
	}{
		"200 is success":                        {200, "", record.DeliveryDone, 0},
		"299 is success":                        {299, "", record.DeliveryDone, 0},
		"a redirect is a failure":               {302, "", record.DeliveryPending, 0},
		"404 may be repaired":                   {404, "", record.DeliveryPending, 0},
		"500 is a failure":                      {500, "", record.DeliveryPending, 0},
		"500 asks for nothing":                  {500, "60", record.DeliveryPending, 0},
		"429 says when to come back":            {429, "120", record.DeliveryPending, 2 * time.Minute},
		"503 says until when":                   {503, soon, record.DeliveryPending, 59 * time.Minute},
		"a Retry-After that is neither is none": {503, "tomorrow", record.DeliveryPending, 0},
		"one in the past is none":               {503, "Mon, 02 Jan 2006 15:04:05 GMT", record.DeliveryPending, 0},
		"410 is final":                          {410, "", record.DeliveryDead, 0},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			p := receiving(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", c.retryAfter)
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte("CANARY"))
			}, webhook.Options{AllowPrivate: loopback})
			_, v := p.send(p.endpoint)
			if v.State != c.want || v.Status != c.status || v.After < c.least || c.least == 0 && v.After != 0 {
				t.Errorf("the verdict is %+v", v)
			}
			if calls.Load() != 1 || strings.Contains(v.Error, "CANARY") {
				t.Errorf("%d calls; it says %q", calls.Load(), v.Error)
			}
			w, err := p.endpoints.Show(t.Context(), p.endpoint.ID)
			if err != nil || w.Enabled != (c.status != 410) || w.Enabled == (w.DisabledReason != "") {
				t.Errorf("the endpoint is %+v (%v)", w, err)
			}
		})
	}
}

func TestADisabledEndpointIsNotSentTo(t *testing.T) {
	t.Parallel()
	p := receiving(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent to") }, webhook.Options{AllowPrivate: loopback})
	d, err := p.endpoints.Test(t.Context(), p.endpoint.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.endpoints.Change(t.Context(), p.endpoint.ID, func(w *record.Endpoint) { w.Enabled = false }); err != nil {
		t.Fatal(err)
	}
	if v := p.channel.Send(t.Context(), d); v.State != record.DeliveryPending || !v.Untried {
		t.Errorf("the verdict is %+v", v)
	}
	if _, err := p.endpoints.Test(t.Context(), p.endpoint.ID); !errors.Is(err, curfew.Conflict) {
		t.Errorf("a test of it: %v", err)
	}
	if a, err := p.channel.Audience(t.Context()); err != nil || a.Expand != nil || len(a.Queues) != 0 {
		t.Errorf("it listens: %+v (%v)", a, err)
	}
	if err := p.endpoints.Remove(t.Context(), p.endpoint.ID); err != nil {
		t.Fatal(err)
	}
	if v := p.channel.Send(t.Context(), d); v.State != record.DeliveryDead {
		t.Errorf("once it is removed, the verdict is %+v", v)
	}
}

// What an address is called does not matter, only what is dialled.
func TestPrivateAddressesAreRefusedWhenTheyAreDialled(t *testing.T) {
	t.Parallel()
	here := resolving(func() netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	p := receiving(t, func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }, webhook.Options{Resolver: here})
	at, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "localhost.", "127.0.0.1.nip.io", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "127.1", "2130706433", "0x7f000001"} {
		w, err := p.store.AddEndpoint(t.Context(), record.Endpoint{
			ID: webhook.NewSecret(), URL: "https://" + host + ":" + at.Port(), Secrets: []string{webhook.NewSecret()}, Enabled: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		v := p.channel.Send(t.Context(), record.Delivery{ID: "d", Destination: w.ID, Body: "{}"})
		// Names that are no names are not even looked up.
		if v.State != record.DeliveryPending || !strings.Contains(v.Error, "is a private address") && !strings.HasSuffix(v.Error, ": no such host") {
			t.Errorf("%s: %+v", host, v)
		}
	}
}

// A name that leads somewhere harmless first and to this machine then.
func TestRebindingIsRefused(t *testing.T) {
	t.Parallel()
	var answers atomic.Int32
	resolver := resolving(func() netip.Addr {
		if answers.Add(1) == 1 {
			return netip.MustParseAddr("127.0.0.1") // allowed here: it stands for a public one
		}
		return netip.MustParseAddr("127.0.0.2")
	})
	var reached atomic.Int32
	p := receiving(t, func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		w.Header().Set("Connection", "close") // so that the next attempt dials anew
	}, webhook.Options{AllowPrivate: loopback, Resolver: resolver})
	at, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := p.add("https://example.com:" + at.Port()) // the test server's certificate has this name
	if _, v := p.send(w); v.State != record.DeliveryDone {
		t.Fatalf("the first answer: %+v", v)
	}
	if _, v := p.send(w); v.State != record.DeliveryPending || !strings.Contains(v.Error, "127.0.0.2 is a private address") {
		t.Errorf("the second answer: %+v", v)
	}
	if reached.Load() != 1 {
		t.Errorf("reached %d times", reached.Load())
	}
}

// resolving is a resolver whose one server answers every question for an IPv4
// address with it, and says that there is no other.
func resolving(answer func() netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			for {
				var size [2]byte // a stream's messages begin with their length
				if _, err := io.ReadFull(server, size[:]); err != nil {
					return
				}
				question := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(server, question); err != nil {
					return
				}
				reply := dnsReply(question, answer)
				binary.BigEndian.PutUint16(size[:], uint16(len(reply)))
				if _, err := server.Write(append(size[:], reply...)); err != nil {
					return
				}
			}
		}()
		return client, nil
	}}
}

// dnsReply is an answer of RFC 1035 to a question: its header, the question
// itself, and one record where an A was asked for.
func dnsReply(question []byte, answer func() netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root, type and class
	reply := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[12:end]...)
	if binary.BigEndian.Uint16(question[end-4:]) == 1 {
		ip := answer().As4()
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, ip[:]...)
	}
	return reply
}

func TestWithoutTLSOnlyWhatIsAllowedIsReached(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(plain.Close)
	p := receiving(t, nil, webhook.Options{AllowPrivate: loopback})
	if _, v := p.send(p.add(plain.URL)); v.State != record.DeliveryDone {
		t.Errorf("allowed: %+v", v)
	}
	p.channel = webhook.NewChannel(p.store, webhook.Options{})
	if _, v := p.send(p.add(plain.URL)); v.State != record.DeliveryPending || !strings.Contains(v.Error, "without TLS") {
		t.Errorf("not allowed: %+v", v)
	}
}

func TestAFailureTellsNothingOfTheAddress(t *testing.T) {
	t.Parallel()
	p := receiving(t, nil, webhook.Options{AllowPrivate: loopback})
	w := p.add(p.URL + "/CANARY?token=CANARY")
	p.Close()
	if _, v := p.send(w); v.State != record.DeliveryPending || strings.Contains(v.Error, "CANARY") || v.Error == "" {
		t.Errorf("the verdict is %+v", v)
	}
}

func TestWhoDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	defer close(over)
	p := receiving(t, func(http.ResponseWriter, *http.Request) { <-over }, webhook.Options{AllowPrivate: loopback})
	d, err := p.endpoints.Test(t.Context(), p.endpoint.ID)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if v := p.channel.Send(ctx, d); v.State != record.DeliveryPending || v.Error != "it did not answer in time" {
		t.Errorf("the verdict is %+v", v)
	}
}
