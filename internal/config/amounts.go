package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Amounts are amounts of money by currency, in minor units: EUR=50000,JPY=50000, or a mapping in
// YAML or JSON.
type Amounts struct{ ByCurrency map[string]int64 }

var currencyCode = regexp.MustCompile(`^[a-z]{3}$`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Amounts) UnmarshalText(text []byte) error {
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	a.ByCurrency = make(map[string]int64, len(pairs))
	for _, p := range pairs {
		currency := strings.ToLower(p.key)
		if !currencyCode.MatchString(currency) {
			return fmt.Errorf("%q is not a currency: write its three letters, as in EUR=50000", p.key)
		}
		if _, ok := a.ByCurrency[currency]; ok {
			return fmt.Errorf("%s is given twice", p.key)
		}
		amount, err := strconv.ParseInt(p.value, 10, 64)
		if err != nil || amount < 0 {
			return fmt.Errorf("%s must be a whole number of the currency's smallest unit, not %q", p.key, p.value)
		}
		a.ByCurrency[currency] = amount
	}
	return nil
}
