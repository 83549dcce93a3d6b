package httpapi

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"net"
	"net/http"
	"strings"
	"sync"
)

// The lengths from which a text is compressed, in bytes: a shorter one saves less than it costs. Pages are read from far away
// more often than JSON is.
const (
	packPages = 1 << 10
	packJSON  = 4 << 10
)

// recorder passes a response on, and records its status and its route. It compresses long texts for callers that read
// gzip.
type recorder struct {
	http.ResponseWriter
	status   int
	route    string // the route's pattern; empty: no route matched
	streamed bool   // the connection was handed to a live stream
	packs    bool   // the sender of the request reads gzip
	packFrom int    // the length from which this text is compressed
	held     bool   // the header waits for the first of the text, whose length decides
	packer   *gzip.Writer
}

// packers are idle: a new one is large.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// statusCode returns the status that the caller received: net/http sends 200 for a handler that
// sets none.
func (r *recorder) statusCode() int { return cmp.Or(r.status, http.StatusOK) }

// WriteHeader records the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
		r.packFrom = r.packable()
		r.held = r.packs && r.packFrom > 0
	}
	if !r.held {
		r.ResponseWriter.WriteHeader(status)
	}
}

// packable returns the length from which the response is compressed; 0: whatever its length, it is not.
func (r *recorder) packable() int {
	kind, _, _ := strings.Cut(r.Header().Get("Content-Type"), ";")
	switch {
	case r.Header().Get("Content-Encoding") != "":
		return 0
	case kind == "text/html":
		return packPages
	case kind == jsonType:
		return packJSON
	}
	return 0
}

func (r *recorder) Write(text []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	if r.held {
		r.begin(len(text))
	}
	if r.packer != nil {
		return r.packer.Write(text)
	}
	return r.ResponseWriter.Write(text)
}

// begin sends the header that was held, before a text of which this many bytes are known.
func (r *recorder) begin(known int) {
	r.held = false
	h := r.Header()
	if known >= r.packFrom {
		h.Del("Content-Length")
		h.Add("Vary", "Accept-Encoding")
		h.Set("Content-Encoding", "gzip")
		r.packer, _ = packers.Get().(*gzip.Writer) // it holds nothing else
		r.packer.Reset(r.ResponseWriter)
	}
	r.ResponseWriter.WriteHeader(r.status)
}

// finish sends what the recorder still holds. Nothing may be written after it.
func (r *recorder) finish() {
	if r.held {
		r.begin(0)
	}
	if r.packer != nil {
		_ = r.packer.Close() // an error means that the reader has gone
		packers.Put(r.packer)
		r.packer = nil
	}
}

// Hijack hands the connection to a live stream, which answers 200.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, text, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status, r.streamed = http.StatusOK, true
	}
	return conn, text, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// discarded is a response that goes nowhere.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header            { return d.header }
func (d *discarded) WriteHeader(status int)         { d.status = status }
func (d *discarded) Write(text []byte) (int, error) { return len(text), nil }
