package stripetest

import (
	"net/http"
	"strings"
)

// Fault is one way in which a call fails.
type Fault string

// The faults. On a call that only reads, a fault has the same effect, but stores nothing.
const (
	Busy        Fault = "busy"         // 429: nothing is done
	Down        Fault = "down"         // 503: nothing is done
	Failed      Fault = "failed"       // 500, kept under the key; nothing is done
	FailedAfter Fault = "failed_after" // 500, kept under the key; yet it is done
	Cut         Fault = "cut"          // it is done, and the connection ends without an answer
	Hang        Fault = "hang"         // it is done, and no answer comes until the caller gives up
)

// Faults are probabilities; their sum is at most 1.
type Faults struct {
	Busy, Down, Failed, FailedAfter, Cut, Hang float64
}

// InjectedFaults counts how often each fault was injected, so that a test can prove that it tested something.
func (f *Fake) InjectedFaults() map[Fault]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	injected := map[Fault]int{}
	for fault, n := range f.injected {
		injected[fault] = n
	}
	return injected
}

// inject decides the fault of the nth repetition of a call by the seed alone, whatever calls come
// between.
func (f *Fake) inject(r *http.Request) Fault {
	fault := f.faults.at(f.chances.Of(callName(r)))
	if fault != "" {
		f.injected[fault]++
	}
	return fault
}

func (p Faults) at(chance float64) Fault {
	for _, fault := range []struct {
		Fault
		share float64
	}{{Busy, p.Busy}, {Down, p.Down}, {Failed, p.Failed}, {FailedAfter, p.FailedAfter}, {Cut, p.Cut}, {Hang, p.Hang}} {
		if chance -= fault.share; chance < 0 {
			return fault.Fault
		}
	}
	return ""
}

// callName identifies a call by its parameters, except the start time of a requested list, which
// differs from run to run.
func callName(r *http.Request) string {
	query := r.URL.Query()
	for name := range query {
		if strings.HasPrefix(name, "created[") {
			query.Del(name)
		}
	}
	return r.Method + " " + r.URL.Path + "?" + query.Encode() + " " + r.Header.Get("Idempotency-Key")
}
