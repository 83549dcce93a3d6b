package main

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/curfewhq/curfew/api"
)

// effective is a setting in force and where it was set, as preflight prints it.
type effective struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// rulesAndThresholds are the settings that decide what ends, and when.
var rulesAndThresholds = []string{
	"waiting_ttl", "max_wait", "orphan_ttl", "join_ttl", "join_offer", "stream_gone", "nudge_after", "live_grace", "scheduled_grace", "minimum_live", "very_stale_after",
	"sweeper", "rules", "settle", "appointment_refund", "payment_lost", "part_refunded", "discounts", "authorization_life", "defer_ttl", "blocked_repeatedly",
	"blocked_window", "free_cancels", "plans",
}

// inForce returns the settings with these keys, in this order.
func (s *sources) inForce(keys []string) []effective {
	var all []effective
	for _, k := range keys {
		f := s.find(func(key string) bool { return key == k })
		if f == nil {
			continue
		}
		from, given := s.given(f)
		if from != fromDefault {
			from = given.where
		}
		all = append(all, effective{k, s.text(f), from})
	}
	return all
}

// list returns every setting with its value and source. For a secret, it says only whether it is
// set.
func (s *sources) list() []api.Setting {
	all := make([]api.Setting, len(s.flags))
	for i, f := range s.flags {
		from, given := s.given(f)
		all[i] = api.Setting{
			Key: key(f), Value: s.shown(f), Default: f.Default, Help: f.Help,
			Source: from, Where: strings.TrimSuffix(given.where, ": "+key(f)),
		}
	}
	return all
}

// shown formats a setting's value for people.
func (s *sources) shown(f *kong.Flag) string {
	v := f.Target
	absent := v.Kind() == reflect.Pointer && v.IsNil()
	switch text, ok := v.Interface().(fmt.Stringer); {
	case f.Tag.Has("secret") && v.IsZero():
		return "not set"
	case f.Tag.Has("secret"):
		return "set"
	case absent:
		return unwritten[key(f)]
	case ok:
		return text.String()
	case v.Kind() == reflect.Pointer && s.typed(f):
		return withoutPassword(s.typedText(f))
	}
	return withoutPassword(strings.TrimSpace(s.text(f)))
}

// withoutPassword hides the password in a URL; it returns other text unchanged.
func withoutPassword(text string) string {
	if at, err := url.Parse(text); err == nil && at.User != nil {
		return at.Redacted()
	}
	return text
}

// text returns a value as it was written, or its default. A default with more than one value is
// described in words.
func (s *sources) text(f *kong.Flag) string {
	from, given := s.given(f)
	words, several := unwritten[key(f)]
	switch {
	case from == fromDefault && several:
		return words
	case from == fromDefault, from == fromFlag && !several:
		return fmt.Sprint(s.parsed.FlagValue(f))
	}
	return given.text
}

// unwritten describes the defaults with more than one value.
var unwritten = map[string]string{
	"rules": "all on", "settle": "credit for every reason", "appointment_refund": "24h=100,2h=50", "plans": "the built-in ones", "adopt": "none",
	"drain": "5s, or 0s where listen is a loopback address",
}
