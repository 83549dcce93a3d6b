package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits says how often somebody may call.
type Limits struct {
	Reads    Rate `setting:"limits.reads" default:"3000/1m" help:"How often a customer or a mechanic, or an address without a token, may read. off: any number, here and below."`
	Writes   Rate `setting:"limits.writes" default:"600/1m" help:"How often a customer or a mechanic, or an address without a token, may change something."`
	Streams  Rate `setting:"limits.streams" default:"600/1m" help:"How often a customer or a mechanic may open a live stream."`
	Services Rate `setting:"limits.services" default:"300000/1m" help:"How often a service or an admin may make any call."`
	Messages Rate `setting:"limits.messages" default:"60000/1m" help:"How many verified messages from payment providers each of their routes accepts."`
	Logins   Rate `setting:"limits.logins" default:"60/10m" help:"How often somebody may use a sign-in link, or an address an invalid one. All replicas together."`
	Failures Rate `setting:"limits.failures" default:"300/1m" help:"How many invalid tokens and links may come from an address. All replicas together."`
}

// Rate is how often something may happen: 600/1m allows 600 times at once, and then once every 100
// ms. The zero value means off.
type Rate struct {
	Count  int
	Period time.Duration
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Rate) UnmarshalText(text []byte) error {
	*r = Rate{}
	if string(text) == "off" || string(text) == "0" {
		return nil
	}
	often, period, ok := strings.Cut(string(text), "/")
	if !ok {
		return fmt.Errorf("%q is not how often: write it like 600/1m, or off", text)
	}
	if period == "s" || period == "m" || period == "h" {
		period = "1" + period
	}
	count, err := strconv.Atoi(often)
	if err != nil || count < 1 {
		return fmt.Errorf("must begin with a whole number of at least 1, not %q; off is no limit", often)
	}
	var d Duration
	if err := d.UnmarshalText([]byte(period)); err != nil {
		return err
	}
	if time.Duration(d) < time.Second || time.Duration(d) > 366*24*time.Hour {
		return fmt.Errorf("must be within 1s to a year, not %s", period)
	}
	if time.Duration(d)/time.Duration(count) < time.Microsecond {
		return fmt.Errorf("%s is more than a million a second: write off for no limit", text)
	}
	r.Count, r.Period = count, time.Duration(d)
	return nil
}

// String returns the rate as it is written.
func (r Rate) String() string {
	if r.Count == 0 {
		return "off"
	}
	return strconv.Itoa(r.Count) + "/" + Duration(r.Period).String()
}
