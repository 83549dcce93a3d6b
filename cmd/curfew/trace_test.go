package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/curfewhq/curfew/internal/pgtest"
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
	for kind, url := range map[string]string{"sqlite": "sqlite:curfew.db", "postgresql": pgtest.Database(t)} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			to, dir := receive(t), t.TempDir()
			migrate := exec.CommandContext(t.Context(), "curfew", "migrate", "--database-url", url)
			migrate.Dir = dir
			if out, err := migrate.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			p := serving(t, dir, []string{"CURFEW_DATABASE_URL=" + url, "CURFEW_TRACE_ENDPOINT=" + to.URL, "CURFEW_TRUSTED_PROXIES=127.0.0.1"})
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
		"Authorization": "Bearer " + c.Token, "Content-Type": "application/json", "Traceparent": traceparent, "User-Agent": "secret-agent", "X-Request-Id": "request-1",
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
		if attributes(s)["db.system.name"] == kind {
			layers[kind] = s
		}
	}
	conventions(t, kind, layers)
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

// conventions are OpenTelemetry's, for HTTP and databases.
func conventions(t *testing.T, kind string, layers map[string]*otlp.Span) {
	t.Helper()
	statement := map[string]string{"sqlite": "BEGIN", "postgresql": "BATCH INSERT curfew.payment_refs"}[kind]
	for layer, want := range map[string]map[string]string{
		"POST /api/checkouts": {
			"http.request.method": "POST", "http.route": "/api/checkouts", "http.response.status_code": "201",
			"curfew.outcome": "fulfilled", "curfew.request_id": "request-1",
		},
		"fulfil a checkout": {"curfew.outcome": "fulfilled"},
		kind:                {"db.query.summary": statement, "db.operation.name": strings.TrimSuffix(statement, " curfew.payment_refs")},
	} {
		got := attributes(layers[layer])
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: %s is %q, want %q", layer, key, got[key], value)
			}
		}
	}
	if k := layers[kind].GetKind(); k != otlp.Span_SPAN_KIND_CLIENT {
		t.Errorf("a question to the database is a span of kind %s", k)
	}
}

func attributes(s *otlp.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.GetAttributes() {
		all[a.GetKey()] = a.GetValue().GetStringValue()
		if _, number := a.GetValue().GetValue().(*common.AnyValue_IntValue); number {
			all[a.GetKey()] = strconv.FormatInt(a.GetValue().GetIntValue(), 10)
		}
	}
	return all
}

// A line of the log says which request and which trace it is of, also where
// spans are sent to nobody.
func TestTheLogNamesRequestAndTrace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serving(t, dir, []string{"CURFEW_TRUSTED_PROXIES=127.0.0.1"})
	const trace = "0af7651916cd43dd8448eb211c80319c"
	p.checkout(t, dir, "00-"+trace+"-b7ad6b7169203331-01")
	until(t.Context(), t, "the line is there", func() bool { return strings.Contains(p.stderr(), `route="POST /api/checkouts"`) })
	for line := range strings.Lines(p.stderr()) {
		if strings.Contains(line, `route="POST /api/checkouts"`) &&
			(strings.Count(line, "request_id=request-1") != 1 || !strings.Contains(line, "trace_id="+trace) || !strings.Contains(line, "span_id=")) {
			t.Errorf("it says %s", line)
		}
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
