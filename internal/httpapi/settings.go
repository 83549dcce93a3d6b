package httpapi

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
)

// listSettings is what the process was started with.
func (s *Server) listSettings(context.Context, auth.Request, *struct{}) (*answered[api.Settings], error) {
	return okay(api.Settings{Settings: append([]api.Setting{}, s.settings...)}, nil)
}

func (s *Server) settingsView(context.Context, *http.Request, curfew.Actor) (any, error) {
	policy := s.engine.Rules.Policy()
	return console.Settings{
		Groups: settingGroups(s.settings), Plans: planViews(policy), Rules: ruleViews(policy), Money: moneyFacts(policy),
	}, nil
}

// settingGroups puts settings that begin alike («auth.», «stripe.») together.
func settingGroups(all []api.Setting) []console.SettingGroup {
	var groups []console.SettingGroup
	for _, given := range all {
		name := "General"
		if prefix, _, ok := strings.Cut(given.Key, "."); ok {
			name = capital(prefix)
		}
		i := slices.IndexFunc(groups, func(g console.SettingGroup) bool { return g.Name == name })
		if i < 0 {
			groups, i = append(groups, console.SettingGroup{Name: name}), len(groups)
		}
		groups[i].Settings = append(groups[i].Settings, settingView(given))
	}
	return groups
}

func settingView(s api.Setting) console.Setting {
	return console.Setting{
		Key: s.Key, Value: cmp.Or(s.Value, "–"), Source: s.Source, Where: s.Where, Default: s.Default, Help: s.Help,
		Changed: s.Source != "default",
	}
}

func planViews(p curfew.Policy) []console.Plan {
	var all []console.Plan
	for _, name := range slices.Sorted(maps.Keys(p.Plans)) {
		plan := p.Plans[name]
		price := "–"
		if plan.Price != nil {
			price = money(*plan.Price, plan.Currency)
		}
		v := console.Plan{Name: name, Kind: string(plan.Kind), Duration: console.Span(plan.Duration), Price: price}
		v.Waiting = console.Span(p.WaitingDeadline(name, time.Time{}).After)
		if plan.Extends {
			v.Kind, v.Waiting = "more time", "–"
		}
		all = append(all, v)
	}
	return all
}

func ruleViews(p curfew.Policy) []console.Rule {
	rule := func(name curfew.RuleName, title, when, does string) console.Rule {
		return console.Rule{Name: title, When: when, Does: does, On: p.Enabled(name)}
	}
	return []console.Rule{
		rule(curfew.OldWaiting, "Old waiting sessions", "after "+console.Span(p.WaitingTTL)+", at most "+console.Span(p.MaxWait),
			"Nobody accepted: the session is cancelled, its request expires."),
		rule(curfew.Orphans, "Orphans", "after "+console.Span(p.OrphanTTL), "Offered to no mechanic: the session is cancelled."),
		rule(curfew.NoShows, "No-shows", console.Span(p.JoinTTL)+" after acceptance", "Accepted and never joined: cancelled, the mechanic is free."),
		rule(curfew.Overruns, "Overran", console.Span(p.LiveGrace)+" beyond what was bought", "Live for too long: completed, with what was bought."),
		rule(curfew.Due, "Appointments that begin", "at their start", "The appointment takes the customer's slot and is offered."),
		rule(curfew.Misses, "Missed appointments", console.Span(p.ScheduledGrace)+" after the start", "The slot was taken twice: cancelled."),
	}
}

// moneyFacts is what becomes of a payment, by why its session ended.
func moneyFacts(p curfew.Policy) []console.Fact {
	var all []console.Fact
	for _, of := range []struct {
		reason curfew.EndReason
		name   string
	}{
		{curfew.Expired, "Nobody accepted"},
		{curfew.Orphaned, "Offered to nobody"},
		{curfew.NoShow, "Never joined"},
		{curfew.Missed, "Appointment missed"},
		{curfew.ByRequest, "Cancelled by somebody"},
		{curfew.Cleared, "Cleared by hand"},
		{curfew.TooShort, "Live under a minute"},
	} {
		all = append(all, console.Fact{Name: of.name, Value: settlements[p.Owed(curfew.Session{}, curfew.Cancelled, of.reason)]})
	}
	return append(all, console.Fact{Name: "A blocked payment is retried for", Value: console.Span(p.DeferTTL)})
}
