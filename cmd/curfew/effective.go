package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// effective is a setting as it is in force, and where it comes from.
type effective struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// rulesAndThresholds are the settings that decide what ends, and when.
var rulesAndThresholds = []string{
	"waiting_ttl", "max_wait", "orphan_ttl", "join_ttl", "live_grace", "scheduled_grace", "minimum_live", "very_stale_after",
	"sweeper", "rules", "settle", "appointment_refund", "defer_ttl", "blocked_repeatedly", "blocked_window", "plans",
}

// inForce is the settings of these keys, in this order.
func (s *sources) inForce(keys []string) []effective {
	var all []effective
	for _, k := range keys {
		f := s.find(func(key string) bool { return key == k })
		if f == nil {
			continue
		}
		all = append(all, effective{k, s.text(f), s.origin(f)})
	}
	return all
}

// origin is where a flag's value was given: flags win over the environment, the
// environment over the file.
func (s *sources) origin(f *kong.Flag) string {
	if s.typed(f) {
		return "--" + f.Name
	}
	for _, from := range []map[string]source{s.env, s.file} {
		if found, ok := from[key(f)]; ok {
			return found.where
		}
	}
	return "default"
}

func (s *sources) typed(f *kong.Flag) bool {
	return slices.ContainsFunc(s.parsed.Path, func(p *kong.Path) bool { return p.Flag == f && !p.Resolved })
}

// text is a value as it was written. One that has no written default is told in
// words.
func (s *sources) text(f *kong.Flag) string {
	if !s.typed(f) {
		for _, from := range []map[string]source{s.env, s.file} {
			if found, ok := from[key(f)]; ok {
				return found.text
			}
		}
	}
	if words, ok := unwritten[key(f)]; ok {
		if s.typed(f) {
			return s.typedText(f)
		}
		return words
	}
	return fmt.Sprint(s.parsed.FlagValue(f))
}

// typedText is the last that was typed for a flag.
func (s *sources) typedText(f *kong.Flag) (text string) {
	for i, arg := range s.parsed.Args {
		switch value, ok := strings.CutPrefix(arg, "--"+f.Name+"="); {
		case ok:
			text = value
		case arg == "--"+f.Name && i+1 < len(s.parsed.Args):
			text = s.parsed.Args[i+1]
		}
	}
	return text
}

// unwritten are the defaults of settings that hold more than one value.
var unwritten = map[string]string{
	"rules": "all on", "settle": "credit for every reason", "appointment_refund": "24h=100,2h=50", "plans": "the built-in ones",
	"drain": "5s, or 0s where listen is a loopback address",
}
