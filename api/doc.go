// Package api is Curfew's HTTP API in Go: the types of the request and response
// bodies, and a client with a method for every route. It knows nothing of how the
// server works.
package api
