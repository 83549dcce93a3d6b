package demo

import (
	"math/rand/v2"
	"time"
)

// Purchase is what a customer does with one purchase. Its times are on the marketplace's clock.
type Purchase struct {
	Pause time.Duration // before it
	Plan  string
	// Late is how long the provider takes to report the payment; Repeats says when it reports it
	// again after that.
	Late    time.Duration
	Repeats []time.Duration

	Twice       time.Duration // when the customer pays again; 0: never
	CancelAfter time.Duration // when the customer cancels if nobody has accepted; 0: never
	Leaves      bool          // does not join after a mechanic accepts
	Back        time.Duration // when the customer uses the credit after expiry; 0: never
}

// Behavior is what a mechanic does with an accepted session.
type Behavior string

// The behaviors.
const (
	Helps    Behavior = "helps"
	Forgets  Behavior = "forgets"  // never joins
	Releases Behavior = "releases" // puts it back into the queue
	Vanishes Behavior = "vanishes" // goes offline for a long time
	Overruns Behavior = "overruns" // never ends it
)

// Turn is one look of a mechanic at the queue, and what follows from it.
type Turn struct {
	Pause    time.Duration // before it
	Pick     int           // which request, counted from the oldest
	Behavior Behavior
	Offline  time.Duration // for Vanishes
	Talk     float64       // the share of the bought time that the mechanic uses
}

// The kinds of people. Each person has their own sequence of random numbers.
const (
	aCustomer = iota + 1
	aMechanic
)

// PurchaseOf returns a customer's nth purchase. It depends on nothing but its arguments.
func PurchaseOf(seed uint64, customer, n int) Purchase {
	d := throw(seed, aCustomer, customer, n)
	v := Purchase{Pause: d.between(5, 40), Plan: d.plan(), Late: d.sometimes(0.2, 1, 8), Repeats: d.repeats()}
	v.Twice = d.sometimes(0.12, 1, 6)
	v.CancelAfter = d.sometimes(0.12, 4, 14)
	v.Leaves = d.chance(0.08)
	v.Back = d.sometimes(0.6, 1, 6)
	if n == 0 {
		v.Pause = d.between(0, 20)
	}
	return v
}

// TurnOf returns a mechanic's nth turn. It depends on nothing but its arguments.
func TurnOf(seed uint64, mechanic, n int) Turn {
	d := throw(seed, aMechanic, mechanic, n)
	t := Turn{Pause: d.between(1, 5), Pick: d.IntN(3), Behavior: d.behavior(), Talk: 0.15 + 0.6*d.Float64()}
	t.Offline = d.between(15, 40)
	return t
}

// dice draws random numbers; the order of the draws is fixed.
type dice struct{ *rand.Rand }

// throw returns the dice of one choice of one person.
func throw(seed uint64, who, number, n int) dice {
	row := uint64(who)<<56 | uint64(number)<<32 | uint64(n) //nolint:gosec // small and not negative
	return dice{rand.New(rand.NewPCG(seed, row))}           //nolint:gosec // repeatable on purpose
}

func (d dice) chance(p float64) bool { return d.Float64() < p }

// between draws a time between two numbers of minutes.
func (d dice) between(least, most float64) time.Duration {
	return time.Duration((least + (most-least)*d.Float64()) * float64(time.Minute))
}

// sometimes draws a time between two numbers of minutes with probability p, and 0 otherwise.
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

// repeats draws when a payment is reported again: at once, or up to half an hour later.
func (d dice) repeats() []time.Duration {
	var all []time.Duration
	for d.chance(0.3) && len(all) < 4 {
		all = append(all, d.sometimes(0.5, 1, 30))
	}
	return all
}

func (d dice) behavior() Behavior {
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
