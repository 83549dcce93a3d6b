package curfew

import (
	"strconv"
	"strings"
)

// minorDigits is the number of decimal places of the currencies that do not have two.
// Amounts follow Stripe (docs.stripe.com/currencies), which differs from ISO 4217 for
// the Malagasy ariary: it has none.
var minorDigits = map[string]int{
	"bif": 0, "clp": 0, "djf": 0, "gnf": 0, "jpy": 0, "kmf": 0, "krw": 0, "mga": 0, "pyg": 0, "rwf": 0, "vnd": 0,
	"vuv": 0, "xaf": 0, "xof": 0, "xpf": 0,
	"bhd": 3, "iqd": 3, "jod": 3, "kwd": 3, "lyd": 3, "omr": 3, "tnd": 3,
}

// wholeOnly are currencies without decimals whose amounts Stripe counts in hundredths
// nevertheless: 500 are 5 Icelandic krónur.
var wholeOnly = map[string]bool{"isk": true, "ugx": true}

// Amount formats money for people: 123450 in eur is "1,234.50 EUR". Without a currency
// the size of the minor unit is unknown, and the text says so; nothing is "0".
func Amount(minor int64, currency string) string {
	currency = strings.ToLower(currency)
	number, sign := strings.CutPrefix(strconv.FormatInt(minor, 10), "-")
	var text string
	if sign {
		text = "-"
	}
	switch {
	case currency == "" && minor == 0:
		return "0"
	case currency == "":
		return text + thousands(number) + " minor units of an unknown currency"
	}
	digits, ok := minorDigits[currency]
	if !ok {
		digits = 2
	}
	if missing := digits + 1 - len(number); missing > 0 {
		number = strings.Repeat("0", missing) + number
	}
	whole, rest := number[:len(number)-digits], number[len(number)-digits:]
	text += thousands(whole)
	if rest != "" && (!wholeOnly[currency] || rest != "00") {
		text += "." + rest
	}
	return text + " " + strings.ToUpper(currency)
}

// thousands puts commas between the thousands of a number.
func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
