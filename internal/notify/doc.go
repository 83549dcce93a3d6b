// Package notify delivers events to the outside world, at least once and in order.
//
// Events are the outbox. The worker turns unpublished events into deliveries, and a channel sends them:
// package webhook to endpoints, package mail to customers. The worker knows queues, leases and retries;
// what is sent, and to whom, only the channels know.
//
// Any number of workers share one database. A worker claims a delivery for the length of a lease, by the
// database's clock; a result that arrives after the lease is discarded. A destination receives the events of
// one session or checkout in the order of their numbers: a later one waits until the earlier is delivered or
// dead. Each receiver (an endpoint, the mail server) has its own queue, so that a slow one delays no other.
package notify
