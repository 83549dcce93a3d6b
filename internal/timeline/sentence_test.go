package timeline

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func TestEveryStepHasASentence(t *testing.T) {
	t.Parallel()
	for _, step := range curfew.OutcomeSteps() {
		if step.From != step.To && payments[step] == "" {
			t.Errorf("no sentence tells a payment's step from %q to %q", step.From, step.To)
		}
	}
	for _, step := range curfew.Transitions() {
		if !step.To.Ended() && moves[step] == "" {
			t.Errorf("no sentence tells a session's step from %q to %q", step.From, step.To)
		}
	}
	for _, reason := range curfew.EndReasons() {
		if endTexts[reason] == "" {
			t.Errorf("no sentence tells an end by %q", reason)
		}
	}
	for _, kind := range record.EventKinds() {
		if strings.Count(deliveryTexts[kind], "%s") != 1 {
			t.Errorf("no sentence tells whom of %s", kind)
		}
	}
	for _, tables := range []map[curfew.OutcomeStep]string{payments} {
		for step, text := range tables {
			if strings.Count(text, "%s") != 1 || step.From != "" && !curfew.LegalOutcome(step.From, step.To) {
				t.Errorf("%v: %q", step, text)
			}
		}
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{990, "eur", "9.90 EUR"},
		{5, "usd", "0.05 USD"},
		{0, "eur", "0.00 EUR"},
		{-990, "EUR", "-9.90 EUR"},
		{500, "jpy", "500 JPY"},
		{0, "krw", "0 KRW"},
		{1234, "kwd", "1.234 KWD"},
		{1, "bhd", "0.001 BHD"},
		{1000, "isk", "10.00 ISK"},
		{9223372036854775807, "eur", "92233720368547758.07 EUR"},
		{990, "", "990 minor units of an unknown currency"},
	} {
		if got := curfew.Amount(test.minor, test.currency); got != test.want {
			t.Errorf("%d %s is %q, want %q", test.minor, test.currency, got, test.want)
		}
	}
}
