// Package notify tells those outside what happened, at least once and in order.
//
// Events are the outbox. The worker makes deliveries of those that nobody was
// told of, and a channel sends them: package webhook to endpoints, others by
// other ways. The worker knows queues, leases and when to try again; what is
// sent, and to whom, only the channels know.
//
// Any number of workers share one database. A delivery is claimed for a while,
// by the database's clock; whoever comes back after that writes nothing. A
// destination gets the events of one session or checkout by their numbers: a
// later one waits until the earlier is delivered or dead. Each queue (an
// endpoint, a mail server) is a queue of its own, so nobody waits for another's
// receiver.
package notify
