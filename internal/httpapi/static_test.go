package httpapi_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/console"
)

// Browsers keep a file for a year, because its address changes with it.
func TestStaticFiles(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	const lasting, none = "public, max-age=31536000, immutable", "no-store"
	style, old := console.Asset("css/curfew.css"), "/static/0123456789abcdef/css/curfew.css"
	for sentence, test := range map[string]struct{ path, accepts, cache, encoding string }{
		"a file is kept, and comes compressed":             {style, "gzip, deflate, br", lasting, "gzip"},
		"whoever reads no gzip gets it plain":              {style, "identity", lasting, ""},
		"gzip can be refused":                              {style, "br, gzip;q=0", lasting, ""},
		"a weight is no refusal":                           {style, "gzip; q=0.5", lasting, "gzip"},
		"a page of another release gets this one's":        {old, "gzip", none, "gzip"},
		"a file without a stamp is not kept":               {"/static/css/curfew.css", "gzip", none, "gzip"},
		"a page is not kept, and comes compressed":         {"/docs", "gzip", none, "gzip"},
		"so does a long answer of JSON":                    {"/openapi.json", "gzip", none, "gzip"},
		"a short answer is not worth it":                   {"/api/nothing", "gzip", none, ""},
		"a page that is not asked for in gzip comes plain": {"/docs", "", none, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+test.path, http.NoBody)
			must(t, err)
			req.Header.Set("Accept-Encoding", test.accepts)
			resp, err := http.DefaultTransport.RoundTrip(req)
			must(t, err)
			defer resp.Body.Close() //nolint:errcheck // it was read
			if cache, encoding := resp.Header.Get("Cache-Control"), resp.Header.Get("Content-Encoding"); cache != test.cache || encoding != test.encoding {
				t.Errorf("Cache-Control %q and Content-Encoding %q, want %q and %q", cache, encoding, test.cache, test.encoding)
			}
			body := io.Reader(resp.Body)
			if test.encoding == "gzip" {
				body, err = gzip.NewReader(resp.Body)
				must(t, err)
			}
			if text, err := io.ReadAll(body); err != nil || !strings.Contains(string(text), "c") {
				t.Errorf("%d bytes: %v", len(text), err)
			}
		})
	}
}
