package webhook_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/openapi/openapitest"
	"github.com/curfewhq/curfew/internal/record"
)

// described compares every message that a receiver gets with the API's description.
func described(t *testing.T, answer http.Handler) http.Handler {
	t.Helper()
	contract := contractOf(t)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = contract.Schema("WebhookMessage", body)
		}
		if err != nil {
			t.Errorf("%s is not described: %v", body, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer.ServeHTTP(w, r)
	})
}

func contractOf(t *testing.T) *openapitest.Contract {
	t.Helper()
	text, err := httpapi.Description{}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	contract, err := openapitest.New(text)
	if err != nil {
		t.Fatal(err)
	}
	return contract
}

func TestEveryMessageIsDescribed(t *testing.T) {
	t.Parallel()
	contract := contractOf(t)
	for of, body := range webhook.Messages() {
		if err := contract.Schema("WebhookMessage", []byte(body)); err != nil {
			t.Errorf("%s: %s is not described: %v", of, body, err)
		}
	}
	if contract.Schema("WebhookMessage", []byte(`{"type":"session.vanished","timestamp":"2026-03-04T05:06:07Z","data":{}}`)) == nil {
		t.Error("a type that there is not is described")
	}
	for _, kind := range record.EventKinds() {
		if err := contract.Schema("EventKind", []byte(`"`+kind+`"`)); err != nil {
			t.Error(err)
		}
	}
}
