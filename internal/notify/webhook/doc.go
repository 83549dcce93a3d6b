// Package webhook sends events to endpoints according to Standard Webhooks 1.0
// (https://www.standardwebhooks.com): a constant id, a time and a signature per attempt,
// JSON of less than 20 kB, 15 seconds to respond.
//
// It trusts no address: whether to connect is decided when dialing, by the address that is really
// dialed. It uses only the status of a response. The worker decides when to send and retry.
package webhook
