// Package wire converts Curfew's words and the results of lifecycle to the shapes of package api: for the HTTP API, its
// live streams, its pages and the command line's --json. Cursors and the commands that answers suggest are part of that.
//
// Operators see the inside: names, and what operators wrote. Everybody else sees the outside, and the functions that
// make it take only curfew's Outside types, so that nothing of the inside can slip through.
//
// The package knows nothing of requests, routes or statuses.
package wire
