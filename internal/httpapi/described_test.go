package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/openapi/openapitest"
)

// description is the API's, as curfew openapi prints it.
var description = sync.OnceValues(func() ([]byte, error) {
	return httpapi.Description{Version: "v-test", BaseURL: "http://127.0.0.1:3001", Stripe: hook{}}.JSON()
})

var contract = sync.OnceValues(func() (*openapitest.Contract, error) {
	text, err := description()
	if err != nil {
		return nil, err
	}
	return openapitest.New(text)
})

// described is a client that compares every answer with the description. It shows redirects instead of following them.
func described(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{Transport: comparing{t}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type comparing struct{ t *testing.T }

func (c comparing) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		if sent, err = io.ReadAll(body); err != nil {
			return nil, err
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || resp.Header.Get("Content-Type") == "text/event-stream" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return resp, err
	}
	of, err := contract()
	if err != nil {
		return resp, err
	}
	if err := of.Answer(req, sent, resp.StatusCode, resp.Header.Get("Content-Type"), body); err != nil {
		c.t.Errorf("%s %s answers %d %s, which is not described: %v", req.Method, req.URL.Path, resp.StatusCode, body, err)
	}
	return resp, nil
}

// conforms compares an event of a stream with the description.
func (l *streamReader) conforms(f sseEvent) {
	if f.name == "heartbeat" {
		return
	}
	whole := map[string]any{"event": f.name, "data": json.RawMessage(f.data)}
	if f.id != "" {
		whole["id"] = f.id
	}
	text, err := json.Marshal(whole)
	if err == nil {
		var of *openapitest.Contract
		if of, err = contract(); err == nil {
			err = of.Schema("StreamEvent", text)
		}
	}
	if err != nil {
		l.Errorf("%+v is not described: %v", f, err)
	}
}

// What clients rely on stays: the description of the last release, beside that of now.
func TestTheDescriptionBreaksNobody(t *testing.T) {
	t.Parallel()
	text, err := description()
	must(t, err)
	var now bytes.Buffer
	must(t, json.Indent(&now, text, "", " "))
	now.WriteByte('\n')
	file := filepath.Join("testdata", "openapi.json")
	before, err := os.ReadFile(file)
	must(t, err)
	broken, err := openapitest.Breaking(before, text)
	must(t, err)
	if len(broken) > 0 && !*breaking {
		t.Fatalf("clients of the last release would break:\n  %s\nIf that is meant, say it in CHANGELOG.md and run go test ./internal/httpapi -run Description -update -breaking",
			strings.Join(broken, "\n  "))
	}
	if *update {
		must(t, os.WriteFile(file, now.Bytes(), 0o600))
		return
	}
	if !bytes.Equal(before, now.Bytes()) {
		t.Errorf("the description has grown: go test ./internal/httpapi -run Description -update writes %s, which clients are generated from", file)
	}
}

// The examples are what the routes take.
func TestTheExamplesAreTrue(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	text, err := description()
	must(t, err)
	must(t, json.Unmarshal(text, &doc))
	live := h.accepted("lea", "max").SessionID
	for _, role := range []curfew.Role{curfew.Customer, curfew.Mechanic} {
		_, err := h.as(role, map[curfew.Role]string{curfew.Customer: "lea", curfew.Mechanic: "max"}[role]).Join(t.Context(), live)
		must(t, err)
	}
	subjects := map[string]string{"extendSession": live, "clearCustomer": "kim"}
	n := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			body := op.RequestBody.Content["application/json"].Example
			subject, known := subjects[op.OperationID]
			if body == nil || strings.Contains(path, "{id}") && !known {
				continue
			}
			role, id := curfew.Admin, "anna"
			if slices.Contains([]string{"fulfillCheckout", "createSession", "extendSession"}, op.OperationID) {
				role, id = curfew.Service, "shop"
			}
			if strings.HasPrefix(path, "/api/payments") {
				continue // it needs a signature
			}
			got := h.sendAs(role, id, strings.ToUpper(method), strings.Replace(path, "{id}", subject, 1), string(body))
			if got.status >= 300 && (op.OperationID != "createSession" || got.status != http.StatusConflict) {
				t.Errorf("%s is answered %d %s", op.OperationID, got.status, got.body)
			}
			n++
		}
	}
	if n < 7 {
		t.Errorf("only %d examples were sent", n)
	}
}
