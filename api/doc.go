// Package api is Curfew's HTTP API as Go values: the bodies that go over the
// wire, and a client with a method for every route. It knows nothing of how
// the server comes to its answers.
package api
