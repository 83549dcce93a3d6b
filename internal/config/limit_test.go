package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/config"
)

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Rate{
		"600/1m": {Count: 600, Period: time.Minute}, "5/s": {Count: 5, Period: time.Second}, "600/m": {Count: 600, Period: time.Minute},
		"10/24h": {Count: 10, Period: 24 * time.Hour}, "1/90s": {Count: 1, Period: 90 * time.Second}, "off": {}, "0": {},
	} {
		var r config.Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%s is %v (%v), want %v", text, r, err, want)
		}
		var again config.Rate
		if err := again.UnmarshalText([]byte(r.String())); err != nil || again != r {
			t.Errorf("%s is written as %s, which is %v (%v)", text, r, again, err)
		}
	}
}

func TestWhatIsNoRate(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "write it like 600/1m", "600": "write it like 600/1m", "on": "write it like 600/1m", "0/1m": "at least 1", "-5/m": "at least 1",
		"x/m": "at least 1", "600/60": "no unit", "600/": "not a duration", "600/x": "not a duration", "5/0s": "1s to a year", "5/-1m": "1s to a year",
		"5/1ms": "1s to a year", "5/9000h": "1s to a year", "9000000/s": "a million a second", "9999999999999999999/s": "at least 1",
	} {
		r := config.Rate{Count: 7, Period: time.Minute}
		if err := r.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is %v (%v), want %q", text, r, err, says)
		}
	}
}
