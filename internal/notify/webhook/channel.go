package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// Name is the name of the channel.
	Name = record.WebhookChannel
	// timeout limits an attempt, from the connection to the response.
	timeout = 15 * time.Second
	// drained is how much of a response is read so that its connection can be reused.
	drained  = 4 << 10
	maxError = 200
)

// Options configures a Channel. The zero value is right for production.
type Options struct {
	// AllowPrivate are the private networks that endpoints may be in, with or without TLS.
	AllowPrivate []netip.Prefix
	// Version is Curfew's version, for the User-Agent header.
	Version string
	// Resolver resolves names; nil: the system's.
	Resolver *net.Resolver
	// Roots are the trusted CAs; nil: the system's.
	Roots *x509.CertPool
}

// Channel sends deliveries to endpoints.
type Channel struct {
	store         Store
	secure, plain *http.Client
	agent         string
}

var _ notify.Channel = (*Channel)(nil)

// NewChannel returns a channel.
func NewChannel(store Store, o Options) *Channel {
	return &Channel{
		store: store, agent: strings.TrimSuffix("Curfew/"+o.Version, "/"),
		secure: client(o, policy{allowed: o.AllowPrivate}),
		plain:  client(o, policy{allowed: o.AllowPrivate, plain: true}),
	}
}

// client follows no redirects, uses no proxy, and dials only what the policy allows.
func client(o Options, p policy) *http.Client {
	dialer := &net.Dialer{Control: p.control, Resolver: o.Resolver, Timeout: timeout}
	transport := &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableCompression: true,
		TLSClientConfig:     &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
	}
	return &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Name implements notify.Channel.
func (c *Channel) Name() string { return Name }

// Audience returns the enabled endpoints, each with its own queue.
func (c *Channel) Audience(ctx context.Context) (notify.Audience, error) {
	all, err := c.store.Endpoints(ctx)
	if err != nil {
		return notify.Audience{}, err
	}
	all = slices.DeleteFunc(all, func(w record.Endpoint) bool { return !w.Enabled })
	if len(all) == 0 {
		return notify.Audience{}, nil
	}
	var a notify.Audience
	for _, w := range all {
		a.Queues = append(a.Queues, w.ID)
	}
	a.Expand = func(h record.OutsideEnrichedEvent) []record.Delivery { return expand(h, all) }
	return a, nil
}

func expand(h record.OutsideEnrichedEvent, endpoints []record.Endpoint) []record.Delivery {
	var all []record.Delivery
	kind, body := h.Kind, ""
	for _, w := range endpoints {
		if len(w.Kinds) > 0 && !slices.Contains(w.Kinds, kind) {
			continue
		}
		if body == "" {
			body = encode(messageOf(h))
		}
		all = append(all, record.Delivery{Queue: w.ID, Destination: w.ID, Kind: kind, Body: body})
	}
	return all
}

// Send makes one attempt.
func (c *Channel) Send(ctx context.Context, d record.Delivery) record.Verdict {
	w, err := c.store.Endpoint(ctx, d.Destination)
	switch {
	case errors.Is(err, curfew.NotFound):
		return record.Verdict{State: record.DeliveryDead, Error: "the endpoint was removed"}
	case err != nil:
		return record.Verdict{State: record.DeliveryPending, Untried: true, Error: "the endpoint could not be read"}
	case !w.Enabled:
		return record.Verdict{State: record.DeliveryPending, Untried: true, Error: "the endpoint is disabled"}
	}
	request, err := c.request(ctx, w, d)
	if err != nil {
		return later(err.Error())
	}
	client := c.secure
	if request.URL.Scheme == "http" {
		client = c.plain
	}
	response, err := client.Do(request)
	if err != nil {
		return later(failure(err))
	}
	_, _ = io.CopyN(io.Discard, response.Body, drained) // the body is ignored
	_ = response.Body.Close()
	return c.judge(ctx, w, response)
}

func later(why string) record.Verdict {
	return record.Verdict{State: record.DeliveryPending, Error: why[:min(len(why), maxError)]}
}

// request returns the HTTP request of a delivery, signed now.
func (c *Channel) request(ctx context.Context, w record.Endpoint, d record.Delivery) (*http.Request, error) {
	at := time.Now()
	signature, err := Sign(w.Secrets, d.ID, at, []byte(d.Body))
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(d.Body))
	if err != nil {
		return nil, errors.New("the endpoint's address cannot be parsed")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", c.agent)
	r.Header.Set(standard.HeaderWebhookID, d.ID)
	r.Header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(standard.HeaderWebhookSignature, signature)
	return r, nil
}

// failure says why there was no response, without the endpoint's URL, which may contain a secret.
func failure(err error) string {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if refused := (*curfew.Error)(nil); errors.As(err, &refused) {
		return refused.Message
	}
	if timedOut := net.Error(nil); errors.As(err, &timedOut) && timedOut.Timeout() {
		return "it did not answer in time"
	}
	return err.Error()
}

// judge turns a response into a verdict.
func (c *Channel) judge(ctx context.Context, w record.Endpoint, r *http.Response) record.Verdict {
	v := record.Verdict{Status: r.StatusCode, State: record.DeliveryPending, Error: "it answered " + strconv.Itoa(r.StatusCode)}
	switch {
	case r.StatusCode >= 200 && r.StatusCode < 300:
		return record.Verdict{State: record.DeliveryDone, Status: r.StatusCode}
	case r.StatusCode == http.StatusGone:
		w.Enabled, w.DisabledReason = false, "it answered 410 Gone"
		if _, err := c.store.ChangeEndpoint(ctx, w); err != nil {
			return v // the next attempt disables it
		}
		v.State = record.DeliveryDead
	case r.StatusCode == http.StatusTooManyRequests || r.StatusCode == http.StatusServiceUnavailable:
		v.After = retryAfter(r.Header.Get("Retry-After"), time.Now())
	}
	return v
}

// retryAfter parses seconds or a time (RFC 9110, section 10.2.3); 0 if it is neither.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
