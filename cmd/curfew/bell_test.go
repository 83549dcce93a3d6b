package main

import "testing"

func TestTheBellIsHeardByAllAndWaitsForNobody(t *testing.T) {
	t.Parallel()
	var b bell
	b.ring() // nobody watches
	one, other := b.watch(), b.watch()
	b.ring()
	b.ring() // one still has the first ring to take
	<-one
	<-other
	select {
	case <-one:
		t.Error("two rings that nobody took are not one")
	default:
	}
	b.ring()
	<-one
}
