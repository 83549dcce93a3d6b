package stripetest

import (
	"net/http"
	"strings"
)

// Fault is one way in which a call goes wrong.
type Fault string

// The faults. What a fault does with a call that only reads is the same, less
// the storing.
const (
	Busy        Fault = "busy"         // 429: nothing is done
	Down        Fault = "down"         // 503: nothing is done
	Failed      Fault = "failed"       // 500, kept under the key; nothing is done
	FailedAfter Fault = "failed_after" // 500, kept under the key; yet it is done
	Cut         Fault = "cut"          // it is done, and the connection ends without an answer
	Hang        Fault = "hang"         // it is done, and no answer comes until the caller gives up
)

// Faults are probabilities, from 0 to 1 together.
type Faults struct {
	Busy, Down, Failed, FailedAfter, Cut, Hang float64
}

// Struck is how often each fault was, so that a test can tell that it tested.
func (f *Fake) Struck() map[Fault]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	struck := map[Fault]int{}
	for fault, n := range f.struck {
		struck[fault] = n
	}
	return struck
}

// strike decides about the n-th time of one and the same call, by the seed: not
// by what other calls come between, nor by when it is made.
func (f *Fake) strike(r *http.Request) Fault {
	fault := f.faults.at(f.chances.Of(callName(r)))
	if fault != "" {
		f.struck[fault]++
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

// callName tells calls apart by what they ask for. The time since which a list
// is asked for differs from run to run, so it is no part of the name.
func callName(r *http.Request) string {
	query := r.URL.Query()
	for name := range query {
		if strings.HasPrefix(name, "created[") {
			query.Del(name)
		}
	}
	return r.Method + " " + r.URL.Path + "?" + query.Encode() + " " + r.Header.Get("Idempotency-Key")
}
