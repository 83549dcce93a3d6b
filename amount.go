package curfew

import (
	"fmt"
	"strings"
)

// minorDigits is the number of decimal places of the currencies that do not have two.
// Amounts follow Stripe (docs.stripe.com/currencies), which differs from ISO 4217 for
// a few currencies: the Malagasy ariary has none, the Icelandic króna has two.
var minorDigits = map[string]int{
	"bif": 0, "clp": 0, "djf": 0, "gnf": 0, "jpy": 0, "kmf": 0, "krw": 0, "mga": 0, "pyg": 0, "rwf": 0, "vnd": 0,
	"vuv": 0, "xaf": 0, "xof": 0, "xpf": 0,
	"bhd": 3, "iqd": 3, "jod": 3, "kwd": 3, "lyd": 3, "omr": 3, "tnd": 3,
}

// Amount formats money for people: 990 in eur is "9.90 EUR". Without a currency the
// number of minor units is unknown, and the text says so.
func Amount(minor int64, currency string) string {
	if currency == "" {
		return fmt.Sprintf("%d minor units of an unknown currency", minor)
	}
	digits, ok := minorDigits[strings.ToLower(currency)]
	if !ok {
		digits = 2
	}
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	text := fmt.Sprintf("%0*d", digits+1, minor)
	whole, rest := text[:len(text)-digits], text[len(text)-digits:]
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest + " " + strings.ToUpper(currency)
}
