package sse_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/sse"
)

func customer(n int) curfew.Actor {
	return curfew.Actor{Role: curfew.Customer, ID: fmt.Sprint("customer-", n)}
}

// tooMany fails unless an error says that there are too many streams, and when to try again.
func tooMany(t *testing.T, err error) {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != string(curfew.RateLimited) || p.Header.Get("Retry-After") == "" {
		t.Errorf("it is refused with %v", err)
	}
}

// S59: a caller has five streams, and all of them together 10,000. One that ends makes room for one.
func TestS59_TenThousandStreamsInAll(t *testing.T) {
	t.Parallel()
	acquire, release := sse.Limiter()
	for n := range 10_000 {
		if err := acquire(customer(n / 5)); err != nil {
			t.Fatalf("stream %d: %v", n, err)
		}
	}
	tooMany(t, acquire(customer(2000)))
	release(customer(0))
	if err := acquire(customer(2000)); err != nil {
		t.Errorf("after another has ended: %v", err)
	}
	tooMany(t, acquire(customer(0)))
	release(customer(7))
	tooMany(t, acquire(customer(8))) // there is room, but not for a sixth of one caller
}
