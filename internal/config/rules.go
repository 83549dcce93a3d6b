package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// RuleSwitches lists the cleanup rules that are switched off.
type RuleSwitches struct{ Off []curfew.RuleName }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *RuleSwitches) UnmarshalText(text []byte) error {
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	seen := map[curfew.RuleName]OnOff{}
	r.Off = nil
	for _, p := range pairs {
		names, err := curfew.ParseRules([]string{p.key})
		if err != nil {
			return err
		}
		var on OnOff
		if err := on.UnmarshalText([]byte(p.value)); err != nil {
			return fmt.Errorf("%s %w", p.key, err)
		}
		if before, ok := seen[names[0]]; ok && before != on {
			return fmt.Errorf("%s is switched both on and off (%s is another name for %s)", names[0], curfew.ExpiredRequests, curfew.OldWaiting)
		}
		seen[names[0]] = on
		if !on.On() && !slices.Contains(r.Off, names[0]) {
			r.Off = append(r.Off, names[0])
		}
	}
	return nil
}

// Settlements says what becomes of a cancelled session's payment, by reason. The policy decides
// which are allowed.
type Settlements struct {
	ByReason map[curfew.EndReason]curfew.Settlement
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Settlements) UnmarshalText(text []byte) error {
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	s.ByReason = make(map[curfew.EndReason]curfew.Settlement, len(pairs))
	for _, p := range pairs {
		if !slices.Contains(curfew.EndReasons(), curfew.EndReason(p.key)) {
			return fmt.Errorf("there is no reason %q: the reasons are %s", p.key, List(curfew.EndReasons()))
		}
		s.ByReason[curfew.EndReason(p.key)] = curfew.Settlement(p.value)
	}
	policy := curfew.DefaultPolicy()
	policy.Settle = s.ByReason
	return policy.Validate()
}

// RefundShares says how much of a cancelled appointment is refunded, by the time left before its
// start.
type RefundShares struct{ Shares []curfew.RefundShare }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *RefundShares) UnmarshalText(text []byte) error {
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	r.Shares = nil
	for _, p := range pairs {
		var before Duration
		if err := before.UnmarshalText([]byte(p.key)); err != nil {
			return err
		}
		percent, err := strconv.Atoi(p.value)
		if err != nil {
			return fmt.Errorf("%s must be a whole number of percent, not %q", p.key, p.value)
		}
		r.Shares = append(r.Shares, curfew.RefundShare{Before: time.Duration(before), Percent: percent})
	}
	policy := curfew.DefaultPolicy()
	policy.AppointmentRefund = r.Shares
	return policy.Validate()
}

// List joins names with commas, for messages.
func List[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}
