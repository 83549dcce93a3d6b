package lifecycle

import "github.com/curfewhq/curfew"

// Amount is money for people: see curfew.Amount.
func Amount(minor int64, currency string) string { return curfew.Amount(minor, currency) }
