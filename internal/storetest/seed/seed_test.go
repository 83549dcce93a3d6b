package seed_test

import (
	"slices"
	"testing"

	"github.com/curfewhq/curfew/internal/storetest/seed"
)

func TestNew_TheVariableRepeatsARun(t *testing.T) {
	t.Setenv(seed.Variable, "42")
	if got := seed.New(t); got != 42 {
		t.Errorf("got %d", got)
	}
	t.Setenv(seed.Variable, "")
	if one, other := seed.New(t), seed.New(t); one == other {
		t.Errorf("two runs chose %d", one)
	}
}

func TestChances_BelongToANameWhateverElseIsAsked(t *testing.T) {
	t.Parallel()
	alone, crowded, other := seed.NewChances(1), seed.NewChances(1), seed.NewChances(2)
	var a, b, c []float64
	for range 20 {
		a = append(a, alone.Of("x"))
		crowded.Of("y")
		b = append(b, crowded.Of("x"))
		c = append(c, other.Of("x"))
	}
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("alone %v, crowded %v, of another seed %v", a, b, c)
	}
	if slices.Sort(a); a[0] == a[19] {
		t.Errorf("they do not differ: %v", a)
	}
}
