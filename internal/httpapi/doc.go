// Package httpapi serves Curfew over HTTP. It has the table of all routes, the handlers of the API
// by noun, the documentation, and the listener for operators. A handler decodes, calls lifecycle
// and encodes. Package auth decides beforehand who may call; pages and live streams are in packages
// of their own, mounted by the table.
//
// The package knows no database and no deadlines: lifecycle decides what may happen to a session.
package httpapi
