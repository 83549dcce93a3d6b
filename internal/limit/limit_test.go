package limit_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/limit"
)

var (
	kim     = limit.Of(curfew.Actor{Role: curfew.Customer, ID: "kim"}, netip.Addr{})
	sam     = limit.Of(curfew.Actor{Role: curfew.Customer, ID: "sam"}, netip.Addr{})
	nowhere = netip.Addr{}
)

func at(address string) limit.Key { return limit.Of(curfew.Actor{}, netip.MustParseAddr(address)) }

// of returns a limiter with one rate for every class.
func of(count int, period time.Duration) *limit.Limiter {
	return limit.New(limit.Options{Rates: every(limit.Rate{Count: count, Period: period})})
}

func every(r limit.Rate) map[limit.Class]limit.Rate {
	all := map[limit.Class]limit.Rate{}
	for _, c := range limit.Classes() {
		all[c] = r
	}
	return all
}

// spent returns how many of n calls were not refused.
func spent(l *limit.Limiter, c limit.Class, k limit.Key, n int) (fine int) {
	for range n {
		if l.Spend(context.Background(), c, k) == nil {
			fine++
		}
	}
	return fine
}

func TestSoManyAtOnceAndThenOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := of(6, time.Minute)
		if n := spent(l, limit.Writes, kim, 20); n != 6 {
			t.Errorf("%d of 20 at once, want 6", n)
		}
		for after, want := range map[time.Duration]int{10*time.Second - 1: 0, 10 * time.Second: 1} {
			l := of(6, time.Minute)
			spent(l, limit.Writes, kim, 6)
			time.Sleep(after) //nolint:forbidigo // the bubble's clock
			if n := spent(l, limit.Writes, kim, 9); n != want {
				t.Errorf("%d after %s, want %d", n, after, want)
			}
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		if n := spent(l, limit.Writes, kim, 20); n != 6 {
			t.Errorf("%d of 20 after a long pause, want 6: a pause is not saved up", n)
		}
	})
}

// A refused call is not counted: whoever goes on calling is let in when the time is over.
func TestARefusalSaysWhenItIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := of(2, time.Minute)
		spent(l, limit.Reads, kim, 2)
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // the bubble's clock
		spent(l, limit.Reads, kim, 100)
		err := l.Spend(t.Context(), limit.Reads, kim)
		var refused *curfew.Error
		if !errors.As(err, &refused) || refused.Kind != curfew.RateLimited {
			t.Fatalf("refused with %v", err)
		}
		if refused.RetryAfter != 30*time.Second {
			t.Errorf("retry after %s, want 30s: whole seconds, never too early", refused.RetryAfter)
		}
		if want := "too many reads by customer:kim: there may be 2 in 1m0s. Try again in 30s"; err.Error() != want {
			t.Errorf("it says %q, want %q", err, want)
		}
		time.Sleep(refused.RetryAfter) //nolint:forbidigo // the bubble's clock
		if err := l.Spend(t.Context(), limit.Reads, kim); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestWhoseCallsCountTogether(t *testing.T) {
	t.Parallel()
	same := func(a, b limit.Key) bool {
		l := of(1, time.Hour)
		spent(l, limit.Reads, a, 1)
		return spent(l, limit.Reads, b, 1) == 0
	}
	for sentence, test := range map[string]struct {
		a, b limit.Key
		want bool
	}{
		"one customer":                        {kim, kim, true},
		"two customers":                       {kim, sam, false},
		"a customer and a mechanic of one id": {kim, limit.Of(curfew.Actor{Role: curfew.Mechanic, ID: "kim"}, nowhere), false},
		"a customer, from anywhere":           {kim, limit.Of(curfew.Actor{Role: curfew.Customer, ID: "kim"}, netip.MustParseAddr("192.0.2.1")), true},
		"one address":                         {at("192.0.2.1"), at("192.0.2.1"), true},
		"two addresses":                       {at("192.0.2.1"), at("192.0.2.2"), false},
		"one address in both writings":        {at("192.0.2.1"), at("::ffff:192.0.2.1"), true},
		"two addresses in both writings":      {at("192.0.2.1"), at("::ffff:192.0.2.2"), false},
		"an IPv6 network":                     {at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff:ffff:ffff:ffff"), true},
		"two IPv6 networks":                   {at("2001:db8:1:2::1"), at("2001:db8:1:3::1"), false},
		"an IPv6 network, with a zone":        {at("fe80::1%eth0"), at("fe80::2%eth1"), true},
		"no address":                          {limit.Of(curfew.Actor{}, nowhere), limit.Of(curfew.Actor{}, nowhere), true},
	} {
		if got := same(test.a, test.b); got != test.want {
			t.Errorf("%s: counted together: %t, want %t", sentence, got, test.want)
		}
	}
}

func TestEachClassIsCountedByItself(t *testing.T) {
	t.Parallel()
	var refused []string
	l := limit.New(limit.Options{Rates: every(limit.Rate{Count: 1, Period: time.Hour}), Limited: func(c limit.Class) { refused = append(refused, c.String()) }})
	for _, c := range limit.Classes() {
		if n := spent(l, c, kim, 2); n != 1 {
			t.Errorf("%d %s, want 1", n, c)
		}
	}
	if got, want := strings.Join(refused, " "), "reads writes streams services messages logins failures"; got != want {
		t.Errorf("counted as refused: %s, want %s", got, want)
	}
}

func TestWhatHasNoLimit(t *testing.T) {
	t.Parallel()
	one := limit.New(limit.Options{Rates: map[limit.Class]limit.Rate{limit.Writes: {Count: 1, Period: time.Hour}}})
	if n := spent(one, limit.Reads, kim, 1000); n != 1000 {
		t.Errorf("%d of 1000 calls of a class without a limit", n)
	}
	if n := spent(of(1, time.Hour), limit.Unlimited, kim, 1000); n != 1000 {
		t.Errorf("%d of 1000 calls of no class", n)
	}
	if n := spent(nil, limit.Logins, kim, 1000); n != 1000 {
		t.Errorf("%d of 1000 calls of no limiter", n)
	}
}

// S57: the memory stays as it is under a million keys.
func TestS57_AMillionKeysNeedNoMoreMemory(t *testing.T) {
	l := of(10, time.Hour)
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	for i := range effort.Of[uint32](0, 400_000, 1_000_000) {
		if err := l.Spend(t.Context(), limit.Reads, at(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String())); err != nil {
			t.Fatalf("the first call of address %d: %v", i, err)
		}
	}
	if grown := int64(used()) - int64(before); grown > 16<<20 {
		t.Errorf("a million keys hold %d bytes", grown)
	}
	runtime.KeepAlive(l)
}

// S57: whoever calls under many addresses frees nobody who is refused.
func TestS57_ManyKeysPushOutNobodyWhoIsRefused(t *testing.T) {
	t.Parallel()
	l := of(10, time.Hour)
	spent(l, limit.Failures, at("192.0.2.1"), 10)
	for i := range uint32(600_000) {
		_ = l.Spend(t.Context(), limit.Failures, at(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()))
	}
	if n := spent(l, limit.Failures, at("192.0.2.1"), 10); n != 0 {
		t.Errorf("after 600,000 other addresses it may fail %d times more", n)
	}
}

func TestCallsAtOnceAreEachCounted(t *testing.T) {
	t.Parallel()
	l := of(1000, time.Hour)
	var all sync.WaitGroup
	var fine atomic.Int64
	for range 8 {
		all.Go(func() { fine.Add(int64(spent(l, limit.Writes, kim, 400))) })
	}
	all.Wait()
	if fine.Load() != 1000 {
		t.Errorf("%d of 3200 calls at once, want 1000", fine.Load())
	}
}

func BenchmarkSpend(b *testing.B) {
	for _, known := range []int{1, 200_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", known), func(b *testing.B) {
			l := of(1_000_000_000, time.Second) // none is refused
			keys := make([]limit.Key, known)
			for i := range keys {
				keys[i] = limit.Of(curfew.Actor{Role: curfew.Customer, ID: fmt.Sprintf("customer-%d", i)}, nowhere)
				_ = l.Spend(b.Context(), limit.Reads, keys[i])
			}
			var next atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := int(next.Add(7919)); pb.Next(); i += 7919 {
					_ = l.Spend(b.Context(), limit.Reads, keys[i%known])
				}
			})
		})
	}
}
