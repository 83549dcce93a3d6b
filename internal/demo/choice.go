package demo

import (
	"math/rand/v2"
	"time"
)

// Visit is what one customer does, from one purchase to the next, in the
// marketplace's time.
type Visit struct {
	Pause time.Duration // before it
	Plan  string
	// The provider tells of the payment so late, and again so long after that.
	Late    time.Duration
	Repeats []time.Duration

	Twice    time.Duration // pays once more after so long; 0: does not
	Patience time.Duration // cancels if nobody accepted by then; 0: waits
	Leaves   bool          // does not come when a mechanic has accepted
	Back     time.Duration // comes back with the credit so long after it expired; 0: does not
}

// Deed is what a mechanic does with a session that he accepted.
type Deed string

// The deeds.
const (
	Helps    Deed = "helps"
	Forgets  Deed = "forgets"  // never comes
	Releases Deed = "releases" // puts it back into the queue
	Vanishes Deed = "vanishes" // is offline for long
	Overruns Deed = "overruns" // never ends it
)

// Turn is one look of a mechanic at the queue, and what comes of it.
type Turn struct {
	Pause   time.Duration // before it
	Pick    int           // which of the requests, from the oldest on
	Deed    Deed
	Offline time.Duration // of who vanishes
	Talk    float64       // how much of the time that was bought he needs
}

// The people that choose; each has a row of dice of their own.
const (
	aCustomer = iota + 1
	aMechanic
)

// VisitOf is what a customer chooses for the nth visit: the same for the same
// seed, whatever happened meanwhile.
func VisitOf(seed uint64, customer, n int) Visit {
	d := throw(seed, aCustomer, customer, n)
	v := Visit{Pause: d.between(5, 40), Plan: d.plan(), Late: d.sometimes(0.2, 1, 8), Repeats: d.repeats()}
	v.Twice = d.sometimes(0.12, 1, 6)
	v.Patience = d.sometimes(0.12, 4, 14)
	v.Leaves = d.chance(0.08)
	v.Back = d.sometimes(0.6, 1, 6)
	if n == 0 {
		v.Pause = d.between(0, 20)
	}
	return v
}

// TurnOf is what a mechanic chooses for the nth look at the queue.
func TurnOf(seed uint64, mechanic, n int) Turn {
	d := throw(seed, aMechanic, mechanic, n)
	t := Turn{Pause: d.between(1, 5), Pick: d.IntN(3), Deed: d.deed(), Talk: 0.15 + 0.6*d.Float64()}
	t.Offline = d.between(15, 40)
	return t
}

// dice are thrown in a fixed order.
type dice struct{ *rand.Rand }

func throw(seed uint64, who, number, n int) dice {
	row := uint64(who)<<56 | uint64(number)<<32 | uint64(n) //nolint:gosec // small and not negative
	return dice{rand.New(rand.NewPCG(seed, row))}           //nolint:gosec // what is wanted is the same again
}

func (d dice) chance(p float64) bool { return d.Float64() < p }

// between is a time between so many minutes.
func (d dice) between(least, most float64) time.Duration {
	return time.Duration((least + (most-least)*d.Float64()) * float64(time.Minute))
}

// sometimes is a time between so many minutes, or 0.
func (d dice) sometimes(p, least, most float64) time.Duration {
	t := d.between(least, most)
	if d.chance(p) {
		return t
	}
	return 0
}

func (d dice) plan() string {
	switch p := d.Float64(); {
	case p < 0.6:
		return "chat10"
	case p < 0.85:
		return "video15"
	}
	return "diagnostic"
}

// repeats are at once, or minutes or half an hour later.
func (d dice) repeats() []time.Duration {
	var all []time.Duration
	for d.chance(0.3) && len(all) < 4 {
		all = append(all, d.sometimes(0.5, 1, 30))
	}
	return all
}

func (d dice) deed() Deed {
	switch p := d.Float64(); {
	case p < 0.78:
		return Helps
	case p < 0.84:
		return Forgets
	case p < 0.90:
		return Releases
	case p < 0.96:
		return Vanishes
	}
	return Overruns
}
