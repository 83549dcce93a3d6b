package curfew

import (
	"math"
	"testing"
)

func TestAmount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		minor    int64
		currency string
		want     string
	}{
		"two decimals":                       {990, "eur", "9.90 EUR"},
		"less than one":                      {5, "usd", "0.05 USD"},
		"nothing":                            {0, "eur", "0.00 EUR"},
		"one thousand":                       {123450, "eur", "1,234.50 EUR"},
		"just below a thousand":              {99999, "gbp", "999.99 GBP"},
		"millions":                           {123456789012, "usd", "1,234,567,890.12 USD"},
		"less than nothing":                  {-990, "EUR", "-9.90 EUR"},
		"much less than nothing":             {-123450, "eur", "-1,234.50 EUR"},
		"the most":                           {math.MaxInt64, "eur", "92,233,720,368,547,758.07 EUR"},
		"the least":                          {math.MinInt64, "eur", "-92,233,720,368,547,758.08 EUR"},
		"no decimals":                        {500, "jpy", "500 JPY"},
		"no decimals, thousands":             {1234500, "krw", "1,234,500 KRW"},
		"no decimals, nothing":               {0, "krw", "0 KRW"},
		"the ariary, as the provider has it": {5000, "mga", "5,000 MGA"},
		"three decimals":                     {1234, "kwd", "1.234 KWD"},
		"three decimals, less than one":      {10, "bhd", "0.010 BHD"},
		"three decimals, thousands":          {1234567890, "jod", "1,234,567.890 JOD"},
		"krónur in hundredths":               {123400, "isk", "1,234 ISK"},
		"less than a króna":                  {1050, "isk", "10.50 ISK"},
		"shillings in hundredths":            {500000, "UGX", "5,000 UGX"},
		"forints, which can be charged":      {10045, "huf", "100.45 HUF"},
		"a currency that nobody knows":       {1234567, "xyz", "12,345.67 XYZ"},
		"no currency":                        {990, "", "990 minor units of an unknown currency"},
		"no currency, thousands":             {-12345, "", "-12,345 minor units of an unknown currency"},
		"no currency, nothing":               {0, "", "0"},
	} {
		if got := Amount(test.minor, test.currency); got != test.want {
			t.Errorf("%s: %d %s is %q, want %q", name, test.minor, test.currency, got, test.want)
		}
	}
}
