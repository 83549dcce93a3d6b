// Package webhook sends events to endpoints according to Standard Webhooks 1.0
// (https://www.standardwebhooks.com): a constant id, a time and a signature per attempt,
// JSON of less than 20 kB, 15 seconds to respond.
//
// It trusts no address: whether a connection is allowed is decided when it is made, by
// the address that is really dialed. Of a response it uses only the status. When to send
// and retry is up to the worker.
package webhook
