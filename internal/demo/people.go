package demo

import (
	"fmt"
	"strings"
	"time"
)

var (
	customerNames = strings.Fields(`Kim Ada Ben Cleo Dan Eve Finn Gus Hana Ivo Jo Kai Lou Max Nia Olga Pia Quinn Rosa Sam Tess Udo Vera
		Will Xena Yara Zoe Ali Bo Cara Dora Emil Fred Greta Hugo Ida Jan Karl Lea Moe`)
	mechanicNames = strings.Fields(`Mia Tom Rita Paul Sven Lara Otto Nora Gabe Uma Piet Kate Ravi Jill Omar Dina`)
)

// customer is one, with what he knows of his own doings.
type customer struct {
	number   int
	id, name string
	visits   int
	due      time.Duration // when the next visit is, on the marketplace's clock
	refs     []string      // of what he paid
	credits  []string      // the sessions that he got for a credit
}

type mechanic struct {
	number int
	id     string
	turns  int
}

// named is the nth of some names; when they run out they get numbers.
func named(names []string, n int) string {
	name := names[n%len(names)]
	if again := n / len(names); again > 0 {
		return fmt.Sprintf("%s %d", name, again+1)
	}
	return name
}

func idOf(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// plan is what the marketplace sells: the built-in plans of Curfew, with prices.
type plan struct {
	price    int64 // in cents
	duration time.Duration
}

// Currency is what everybody pays in.
const Currency = "eur"

var sold = map[string]plan{
	"chat10":     {1000, 30 * time.Minute},
	"video15":    {1500, 45 * time.Minute},
	"diagnostic": {4900, 60 * time.Minute},
}
