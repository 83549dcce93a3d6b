package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

// FuzzLastEventID looks for a place in a stream from which it cannot be resumed. Whatever a browser remembers, its stream
// begins.
func FuzzLastEventID(f *testing.F) {
	for _, text := range []string{
		"", "0", "2026-11-28T10:00:00Z", "2026-11-28T10:00:00.123456+05:30", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59Z",
		"2026-02-30T10:00:00Z", "-2026-11-28T10:00:00Z", "2026-11-28T10:00:00.99999999999999999999Z", strings.Repeat("9", 2000), "'; --",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip("no client can send it")
		}
		h := newFixture(t)
		got := h.send("GET", "/api/stream", "", "Authorization: Bearer "+h.token(curfew.Admin, "anna"), "Last-Event-ID: "+text)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%q: %d %s", text, got.status, got.body)
		}
	})
}
