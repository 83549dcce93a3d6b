package main

import "testing"

func TestANotificationReachesAllListenersAndWaitsForNone(t *testing.T) {
	t.Parallel()
	var b broadcaster
	b.notify() // nobody listens
	one, other := b.listen(), b.listen()
	b.notify()
	b.notify() // the first has not been received yet
	<-one
	<-other
	select {
	case <-one:
		t.Error("two pending notifications were not merged")
	default:
	}
	b.notify()
	<-one
}
