package sse

import "github.com/curfewhq/curfew"

// Limiter returns what counts a caller's new stream, and what counts its end.
func Limiter() (acquire func(curfew.Actor) error, release func(curfew.Actor)) {
	l := newLimiter()
	return l.acquire, l.release
}
