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

// customer is a customer, and what the marketplace knows about them.
type customer struct {
	number    int
	id, name  string
	purchases int
	due       time.Duration // when the next purchase is, in marketplace time
	refs      []string      // of payments
	credits   []string      // sessions paid for with a credit
}

type mechanic struct {
	number int
	id     string
	turns  int
}

// named returns the nth name. Names are reused with a number.
func named(names []string, n int) string {
	name := names[n%len(names)]
	if again := n / len(names); again > 0 {
		return fmt.Sprintf("%s %d", name, again+1)
	}
	return name
}

func idOf(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// plan is a built-in plan of Curfew, with a price.
type plan struct {
	price    int64 // in cents
	duration time.Duration
}

// Currency is the currency of every payment.
const Currency = "eur"

var sold = map[string]plan{
	"chat10":     {1000, 30 * time.Minute},
	"video15":    {1500, 45 * time.Minute},
	"diagnostic": {4900, 60 * time.Minute},
}
