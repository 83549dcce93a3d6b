package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrEmpty is the error for an empty setting. It may come from a variable that was never set.
var ErrEmpty = errors.New("must not be empty: give it a value or leave it out")

// ErrOneValue is the error for a list, or another node that is not a value, where one value is
// required.
var ErrOneValue = errors.New("must be one value, or a mapping of names to values")

// Duration is a duration with a unit: 90s, 15m, 1h30m.
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if _, bare := strconv.ParseFloat(string(text), 64); err != nil && bare == nil {
		return fmt.Errorf("%s has no unit: did you mean %sm?", text, text)
	}
	if err != nil {
		return fmt.Errorf("%q is not a duration: write it like 15m, 90s or 1h30m", text)
	}
	*d = Duration(v)
	return nil
}

// String leaves out the zeros that time.Duration prints: 15m, not 15m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// TokenLife is how long tokens of the local key may live.
type TokenLife time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *TokenLife) UnmarshalText(text []byte) error {
	if err := (*Duration)(l).UnmarshalText(text); err != nil {
		return err
	}
	if d := time.Duration(*l); d < time.Minute || d > 366*24*time.Hour {
		return fmt.Errorf("must be from 1m to 8784h (a year), not %s", text)
	}
	return nil
}

// String formats the life like a Duration.
func (l TokenLife) String() string { return Duration(l).String() }

// Pause is a duration that is not negative.
type Pause time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Pause) UnmarshalText(text []byte) error {
	if err := (*Duration)(p).UnmarshalText(text); err != nil {
		return err
	}
	if *p < 0 {
		return fmt.Errorf("must not be negative, like %s", text)
	}
	return nil
}

// String formats the pause like a Duration.
func (p Pause) String() string { return Duration(p).String() }

// AuditKeep is how long the audit log is kept; 0 means forever.
type AuditKeep time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *AuditKeep) UnmarshalText(text []byte) error {
	if err := (*Pause)(k).UnmarshalText(text); err != nil {
		return err
	}
	if *k != 0 && *k < AuditKeep(30*24*time.Hour) {
		return fmt.Errorf("must be at least 720h (30 days), or 0s for ever, not %s", text)
	}
	return nil
}

// String formats the time like a Duration.
func (k AuditKeep) String() string { return Duration(k).String() }

// Age is how long something is kept: at least a day, or 0 for forever.
type Age time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Age) UnmarshalText(text []byte) error {
	if err := (*Duration)(a).UnmarshalText(text); err != nil {
		return err
	}
	if *a != 0 && *a < Age(24*time.Hour) {
		return fmt.Errorf("must be 0s or at least 24h, not %s", text)
	}
	return nil
}

// String formats the age like a Duration.
func (a Age) String() string { return Duration(a).String() }

// OnOff is a switch: on or off.
type OnOff string

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *OnOff) UnmarshalText(text []byte) error {
	if !slices.Contains([]string{"on", "off"}, string(text)) {
		return fmt.Errorf("must be on or off, not %q", text)
	}
	*s = OnOff(text)
	return nil
}

// On reports whether the switch is on.
func (s OnOff) On() bool { return s == "on" }

// Mode says which of a provider's payments count: live ones (on), test ones (off), or both.
type Mode string

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mode) UnmarshalText(text []byte) error {
	if !slices.Contains([]string{"on", "off", "both"}, string(text)) {
		return fmt.Errorf("must be on, off or both, not %q", text)
	}
	*m = Mode(text)
	return nil
}

// Count is a whole number of at least 1.
type Count int

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("must be a whole number of at least 1, not %q", text)
	}
	*c = Count(n)
	return nil
}

// LogFormat is text, for people, or json, for programs.
type LogFormat string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *LogFormat) UnmarshalText(text []byte) error {
	if !slices.Contains([]string{"text", "json"}, string(text)) {
		return fmt.Errorf("must be text or json, not %q", text)
	}
	*f = LogFormat(text)
	return nil
}

// LogLevel is the lowest level that is logged.
type LogLevel slog.Level

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *LogLevel) UnmarshalText(text []byte) error {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[string(text)]
	if !ok {
		return fmt.Errorf("must be debug, info, warn or error, not %q", text)
	}
	*l = LogLevel(level)
	return nil
}

// Networks are address ranges, separated by commas. A single address is a range of one.
type Networks struct{ Prefixes []netip.Prefix }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Networks) UnmarshalText(text []byte) error {
	parts, err := items(string(text))
	if err != nil {
		return err
	}
	n.Prefixes = nil
	for _, part := range parts {
		prefix, err := netip.ParsePrefix(part)
		if ip, alone := netip.ParseAddr(part); alone == nil {
			prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("%q is not a network: write it like 10.1.2.0/24", part)
		}
		n.Prefixes = append(n.Prefixes, prefix.Masked())
	}
	return nil
}

// Secrets are one or several secrets, separated by commas or newlines. They are never printed.
type Secrets struct{ Values []string }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secrets) UnmarshalText(text []byte) error {
	given := string(text)
	if !isList(given) {
		given = strings.ReplaceAll(given, "\n", ",")
	}
	all, err := items(given)
	if err != nil {
		return err
	}
	if slices.Contains(all, "") {
		return errors.New("has an empty secret: write them with a comma between them")
	}
	s.Values = all
	return nil
}

// String returns the level in lower case.
func (l LogLevel) String() string { return strings.ToLower(slog.Level(l).String()) }
