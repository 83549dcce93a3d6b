package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/curfewhq/curfew/postgres/pgtest"
)

// receiver takes in spans by OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*otlp.Span
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.take(req); err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(req *http.Request) error {
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil || req.URL.Path != "/v1/traces" {
		return fmt.Errorf("%s: %w", req.URL.Path, err)
	}
	var sent collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(text, &sent); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	return nil
}

// A checkout is one trace, begun by its caller, through the three layers; and it
// names nobody.
func TestACheckoutIsOneTraceOfThreeLayers(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	for kind, url := range map[string]string{"sqlite": "sqlite:curfew.db", "postgres": pgtest.Database(t)} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			to, dir := receive(t), t.TempDir()
			migrate := exec.CommandContext(t.Context(), "curfew", "migrate", "--database-url", url)
			migrate.Dir = dir
			if out, err := migrate.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url, "CURFEW_TRACE_ENDPOINT=" + to.URL})
			const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
			p.checkout(t, dir, "00-"+trace+"-"+caller+"-01")
			if err := p.end(syscall.SIGTERM); err != nil { // sends what is left
				t.Fatal(err)
			}
			to.threeLayers(t, kind, trace, caller)
			to.nobodyNamed(t)
		})
	}
}

// checkout pays as a caller that is traced.
func (p *process) checkout(t *testing.T, dir, traceparent string) {
	t.Helper()
	c := p.client(t, dir, "service", "shop-secret-id")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/api/checkouts",
		strings.NewReader(`{"paymentRef":"ref-secret","customerId":"kim-secret","plan":"chat10","email":"kim@secret.example","name":"Kim Secret"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + c.Token, "Content-Type": "application/json", "Traceparent": traceparent, "User-Agent": "secret-agent",
	} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only its status matters
	if res.StatusCode != http.StatusCreated {
		t.Fatal(res.Status)
	}
	// One that has somebody's id in its path.
	if _, err := c.SessionStatus(t.Context(), "kim-secret"); err != nil {
		t.Fatal(err)
	}
}

func (r *receiver) threeLayers(t *testing.T, kind, trace, caller string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	parents := map[string]string{}
	layers := map[string]*otlp.Span{}
	for _, s := range r.spans {
		if fmt.Sprintf("%x", s.GetTraceId()) != trace {
			continue
		}
		parents[fmt.Sprintf("%x", s.GetSpanId())] = fmt.Sprintf("%x", s.GetParentSpanId())
		layers[s.GetName()] = s
		if strings.HasPrefix(s.GetName(), kind) {
			layers[kind] = s
		}
	}
	parent := caller
	for _, layer := range []string{"POST /api/checkouts", "fulfil a checkout", kind} {
		s := layers[layer]
		if s == nil {
			t.Fatalf("the trace has no %s: %v", layer, r.spans)
		}
		if got := fmt.Sprintf("%x", s.GetParentSpanId()); got != parent {
			t.Errorf("%s is inside of %s, want %s", layer, got, parent)
		}
		parent = fmt.Sprintf("%x", s.GetSpanId())
	}
}

// nobodyNamed: what was sent has none of the secrets that the calls had.
func (r *receiver) nobodyNamed(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if text := s.String(); strings.Contains(strings.ToLower(text), "secret") || strings.Contains(text, "127.0.0.1") {
			t.Errorf("somebody is named: %s", text)
		}
	}
}
