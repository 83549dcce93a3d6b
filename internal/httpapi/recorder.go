package httpapi

import (
	"bufio"
	"cmp"
	"net"
	"net/http"
)

// recorder passes a response on, and records its status and its route.
type recorder struct {
	http.ResponseWriter
	status   int
	route    string // the route's pattern; empty: no route matched
	streamed bool   // the connection was handed to a live stream
}

// statusCode returns the status that the caller received: net/http sends 200 for a handler that
// sets none.
func (r *recorder) statusCode() int { return cmp.Or(r.status, http.StatusOK) }

// WriteHeader records the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(text []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(text)
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
