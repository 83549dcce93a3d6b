// Package stream tells connected clients what changes, as it changes.
//
// Each process has one [Hub]. It reads new events from the history, whoever wrote them, and keeps the newest
// in a ring buffer, encoded as messages. A [Subscription] is a position in that buffer: when the hub adds
// something for its topics, it wakes the subscriber, who reads on from there. No subscriber has a buffer of
// its own, so none can make one grow; a subscriber whose position has left the ring was too slow.
//
// The package knows no HTTP, no roles and no wire format. The encoder decides which messages an event makes,
// and for whom.
package stream
