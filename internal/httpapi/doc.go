// Package httpapi serves Curfew over HTTP: it has the route table, the handlers of the API by noun, the documentation, and
// the listener for operators. A handler decodes, asks lifecycle and encodes. Who may ask is decided by package auth
// before that; pages and live streams are rooms of their own, which it mounts.
//
// It knows no database and no clock of deadlines: what may happen to a session is lifecycle's.
package httpapi
