// Package httpapi is Curfew over HTTP: routes, problems, identity and roles,
// the pages, and the figures for Prometheus. It decodes, asks lifecycle, and
// encodes; who may ask what is decided in one gate before that.
//
// It knows no database and no clock of deadlines: what may happen to a session
// is lifecycle's.
package httpapi
