// Package seed makes the random choices of tests repeatable.
//
// A test draws its choices from a seed, which it logs, and names what each choice is for. Such a
// name must not be a time, an address or an id that differs between runs, and must not depend on
// the order in which goroutines arrive.
package seed

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Variable is the environment variable that sets the seed, to repeat the choices of a run.
const Variable = "CURFEW_TEST_SEED"

// New returns the seed of Variable or, if that is not set, a new one. It logs
// the seed.
func New(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv(Variable)
	if text == "" {
		text = strconv.FormatUint(rand.Uint64(), 10)
	}
	chosen, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s must be a whole number, not %q", Variable, text)
	}
	t.Logf("%s=%d repeats these choices", Variable, chosen)
	return chosen
}

// Dice returns the random numbers for a name. One caller must draw them in order.
func Dice(seed uint64, name string) *rand.Rand {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // a hash takes everything
	return rand.New(rand.NewPCG(seed, sum.Sum64()))
}

// Chances are numbers from 0 up to 1. Each is determined by a name and by how often that name has
// been drawn before. They are not safe for concurrent use.
type Chances struct {
	seed  uint64
	asked map[string]int
}

// NewChances returns the chances of a seed.
func NewChances(seed uint64) *Chances { return &Chances{seed, map[string]int{}} }

// Of returns the next number of a name.
func (c *Chances) Of(name string) float64 {
	c.asked[name]++
	return Dice(c.seed, name+" "+strconv.Itoa(c.asked[name])).Float64()
}
