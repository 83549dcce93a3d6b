// Package webhook sends events to endpoints as Standard Webhooks 1.0 says
// (https://www.standardwebhooks.com): an id that stays, a time and a signature
// of each attempt, JSON of less than 20 kB, 15 seconds to answer.
//
// It trusts no address: what may be connected to is decided when the connection
// is made, on the address that is really dialled. What a receiver answers is
// read for its status alone. When a delivery is tried, and how often, is the
// worker's to say.
package webhook
