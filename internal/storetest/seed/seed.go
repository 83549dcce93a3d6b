// Package seed lets a test that chooses by chance choose the same again.
//
// A test takes its choices from a seed, which it logs, and names what it
// chooses for: not a time, an address or an id made anew by each run, and not
// the order in which goroutines happen to come.
package seed

import (
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Variable is the environment variable that repeats the choices of a run.
const Variable = "CURFEW_TEST_SEED"

// New returns the seed of Variable or, where that is not set, a new one. It
// logs it.
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

// Dice returns the choices that belong to a name, for whoever takes them one
// after the other.
func Dice(seed uint64, name string) *rand.Rand {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name)) // a hash takes everything
	return rand.New(rand.NewPCG(seed, sum.Sum64()))
}

// Chances are numbers from 0 up to 1, each of which belongs to a name and to
// how often that was asked for. They are not safe for concurrent use.
type Chances struct {
	seed  uint64
	asked map[string]int
}

// NewChances returns those of a seed.
func NewChances(seed uint64) *Chances { return &Chances{seed, map[string]int{}} }

// Of returns the next number of a name.
func (c *Chances) Of(name string) float64 {
	c.asked[name]++
	return Dice(c.seed, name+" "+strconv.Itoa(c.asked[name])).Float64()
}
