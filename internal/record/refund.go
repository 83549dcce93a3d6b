package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// RefundUnits are the currencies of which a provider refunds no single minor unit, each
// with the smallest amount. Stripe (docs.stripe.com/currencies) wants the last of three
// decimals to be 0, and whole units of two currencies that it counts with two decimals
// though they have none.
var RefundUnits = map[string]int64{
	"bhd": 10, "iqd": 10, "jod": 10, "kwd": 10, "lyd": 10, "omr": 10, "tnd": 10,
	"isk": 100, "ugx": 100,
}

// RoundedUp is an SQL expression for an amount that is rounded up to what can be refunded
// in a currency. Amount is an expression in it more than once.
func RoundedUp(amount, currency string) string {
	byUnit := map[int64][]string{}
	for name, unit := range RefundUnits {
		byUnit[unit] = append(byUnit[unit], "'"+name+"'")
	}
	var b strings.Builder
	b.WriteString("CASE")
	for _, unit := range slices.Sorted(maps.Keys(byUnit)) {
		names := byUnit[unit]
		slices.Sort(names)
		fmt.Fprintf(&b, " WHEN lower(%s) IN (%s) THEN (%s + %d) / %d * %d", currency, strings.Join(names, ", "), amount, unit-1, unit, unit)
	}
	return b.String() + " ELSE " + amount + " END"
}
