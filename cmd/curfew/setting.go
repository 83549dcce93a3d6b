package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// The types of settings. Each reads itself from text, alike from a flag, the
// environment and the file, and says what is wrong in words that lead on.

// duration is a time with a unit.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if _, bare := strconv.ParseFloat(string(text), 64); err != nil && bare == nil {
		return fmt.Errorf("%s has no unit: did you mean %sm?", text, text)
	}
	if err != nil {
		return fmt.Errorf("%q is no duration: write it like 15m, 90s or 1h30m", text)
	}
	*d = duration(v)
	return nil
}

// String leaves out the zeros that time.Duration prints: 15m, not 15m0s.
func (d duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// pause is a time with a unit that is not negative.
type pause time.Duration

func (p *pause) UnmarshalText(text []byte) error {
	if err := (*duration)(p).UnmarshalText(text); err != nil {
		return err
	}
	if *p < 0 {
		return fmt.Errorf("must not be negative, like %s", text)
	}
	return nil
}

func (p pause) String() string { return duration(p).String() }

// onOff is a switch: on or off.
type onOff string

func (s *onOff) UnmarshalText(text []byte) error {
	if !slices.Contains([]string{"on", "off"}, string(text)) {
		return fmt.Errorf("must be on or off, not %q", text)
	}
	*s = onOff(text)
	return nil
}

func (s onOff) on() bool { return s == "on" }

// mode is which of a provider's payments count: live ones (on), test ones (off),
// or both.
type mode string

func (m *mode) UnmarshalText(text []byte) error {
	if !slices.Contains([]string{"on", "off", "both"}, string(text)) {
		return fmt.Errorf("must be on, off or both, not %q", text)
	}
	*m = mode(text)
	return nil
}

// count is a whole number of at least 1.
type count int

func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("must be a whole number of at least 1, not %q", text)
	}
	*c = count(n)
	return nil
}

// address is where a listener listens.
type address string

func (a *address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return fmt.Errorf("%q is no address to listen on: write it like 127.0.0.1:3001", text)
	}
	*a = address(text)
	return nil
}

// loopback reports whether only this machine can reach the address.
func (a address) loopback() bool {
	host, _, _ := net.SplitHostPort(string(a))
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// url is how a program on this machine reaches what listens there.
func (a address) url() string {
	host, port, _ := net.SplitHostPort(string(a))
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// webURL is the address of the service as others see it, without a last slash.
type webURL string

func (u *webURL) UnmarshalText(text []byte) error {
	at, err := url.Parse(string(text))
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return fmt.Errorf("%q is no address: write it like https://curfew.example.org", text)
	}
	*u = webURL(strings.TrimRight(string(text), "/"))
	return nil
}

// logFormat is text for people or json for programs.
type logFormat string

func (f *logFormat) UnmarshalText(text []byte) error {
	if !slices.Contains([]string{"text", "json"}, string(text)) {
		return fmt.Errorf("must be text or json, not %q", text)
	}
	*f = logFormat(text)
	return nil
}

// logLevel is how much is logged.
type logLevel slog.Level

func (l *logLevel) UnmarshalText(text []byte) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[string(text)]
	if !ok {
		return fmt.Errorf("must be debug, info, warn or error, not %q", text)
	}
	*l = logLevel(level)
	return nil
}

// ruleSwitches is the rules of the cleanup that are switched off.
type ruleSwitches struct{ off []curfew.RuleName }

func (r *ruleSwitches) UnmarshalText(text []byte) error {
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	seen := map[curfew.RuleName]onOff{}
	r.off = nil
	for _, p := range pairs {
		names, err := curfew.ParseRules([]string{p.key})
		if err != nil {
			return err
		}
		var on onOff
		if err := on.UnmarshalText([]byte(p.value)); err != nil {
			return fmt.Errorf("%s %w", p.key, err)
		}
		if before, ok := seen[names[0]]; ok && before != on {
			return fmt.Errorf("%s is switched both on and off (%s is another name for %s)", names[0], curfew.ExpiredRequests, curfew.OldWaiting)
		}
		seen[names[0]] = on
		if !on.on() && !slices.Contains(r.off, names[0]) {
			r.off = append(r.off, names[0])
		}
	}
	return nil
}

// settlements is what becomes of a cancelled session's payment, by reason. What
// may stand where, the policy knows.
type settlements struct {
	by map[curfew.EndReason]curfew.Settlement
}

func (s *settlements) UnmarshalText(text []byte) error {
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	s.by = make(map[curfew.EndReason]curfew.Settlement, len(pairs))
	for _, p := range pairs {
		if !slices.Contains(curfew.EndReasons(), curfew.EndReason(p.key)) {
			return fmt.Errorf("there is no reason %q: the reasons are %s", p.key, list(curfew.EndReasons()))
		}
		s.by[curfew.EndReason(p.key)] = curfew.Settlement(p.value)
	}
	policy := curfew.DefaultPolicy()
	policy.Settle = s.by
	return policy.Validate()
}

// refundShares is what is refunded of a cancelled appointment, by the time
// before its start.
type refundShares struct{ list []curfew.RefundShare }

func (r *refundShares) UnmarshalText(text []byte) error {
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	r.list = nil
	for _, p := range pairs {
		var before duration
		if err := before.UnmarshalText([]byte(p.key)); err != nil {
			return err
		}
		percent, err := strconv.Atoi(p.value)
		if err != nil {
			return fmt.Errorf("%s must be a whole number of percent, not %q", p.key, p.value)
		}
		r.list = append(r.list, curfew.RefundShare{Before: time.Duration(before), Percent: percent})
	}
	policy := curfew.DefaultPolicy()
	policy.AppointmentRefund = r.list
	return policy.Validate()
}

func list[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}

// networks is address ranges, separated by commas; an address alone is one.
type networks struct{ all []netip.Prefix }

func (n *networks) UnmarshalText(text []byte) error {
	n.all = nil
	for part := range strings.SplitSeq(string(text), ",") {
		part = strings.TrimSpace(part)
		prefix, err := netip.ParsePrefix(part)
		if ip, alone := netip.ParseAddr(part); alone == nil {
			prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is no network: write it like 10.1.2.0/24", part)
		}
		n.all = append(n.all, prefix.Masked())
	}
	return nil
}

// secrets is one or several, separated by commas. They are never printed.
type secrets struct{ all []string }

func (s *secrets) UnmarshalText(text []byte) error {
	s.all = nil
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part == "" {
			return errors.New("has an empty secret: write them with a comma between them")
		}
		s.all = append(s.all, part)
	}
	return nil
}
