package console

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
)

func (s *Site) settingsView(context.Context, *http.Request, curfew.Actor) (any, error) {
	policy := s.keeper.Rules.Policy()
	return Settings{
		Groups: settingGroups(s.settings), Plans: planViews(policy), Rules: ruleViews(policy), Money: moneyFacts(policy),
	}, nil
}

// settingGroups groups settings with the same prefix, such as auth. or stripe.
func settingGroups(all []api.Setting) []SettingGroup {
	var groups []SettingGroup
	for _, given := range all {
		name := "General"
		if prefix, _, ok := strings.Cut(given.Key, "."); ok {
			name = capital(prefix)
		}
		i := slices.IndexFunc(groups, func(g SettingGroup) bool { return g.Name == name })
		if i < 0 {
			groups, i = append(groups, SettingGroup{Name: name}), len(groups)
		}
		groups[i].Settings = append(groups[i].Settings, settingView(given))
	}
	return groups
}

func settingView(s api.Setting) Setting {
	return Setting{
		Key: s.Key, Value: cmp.Or(s.Value, "–"), Source: s.Source, Where: s.Where, Default: s.Default, Help: s.Help,
		Changed: s.Source != "default",
	}
}

func planViews(p curfew.Policy) []Plan {
	var all []Plan
	for _, name := range slices.Sorted(maps.Keys(p.Plans)) {
		plan := p.Plans[name]
		price := "–"
		if plan.Price != nil {
			price = priceOf(plan)
		}
		v := Plan{Name: name, Kind: string(plan.Kind), Duration: Span(plan.Duration), Price: price}
		v.Waiting = Span(p.WaitingDeadline(name, time.Time{}).After)
		if plan.Extends {
			v.Kind, v.Waiting = "more time", "–"
		}
		all = append(all, v)
	}
	return all
}

// priceOf is what a plan costs. It has a price.
func priceOf(plan curfew.Plan) string {
	if plan.Free() {
		return "free"
	}
	return curfew.Amount(*plan.Price, plan.Currency)
}

func ruleViews(p curfew.Policy) []Rule {
	rule := func(name curfew.RuleName, title, when, does string) Rule {
		return Rule{Name: title, When: when, Does: does, On: p.Enabled(name)}
	}
	return []Rule{
		rule(curfew.OldWaiting, "Old waiting sessions", "after "+Span(p.WaitingTTL)+", at most "+Span(p.MaxWait),
			"Nobody accepted: the session is cancelled, its request expires."),
		rule(curfew.Orphans, "Orphans", "after "+Span(p.OrphanTTL), "Offered to no mechanic: the session is cancelled."),
		rule(curfew.Forgotten, "Forgotten by their mechanic", offered(p),
			"Accepted, and the mechanic did not come: back into the queue with its place kept, and the mechanic is free again."),
		rule(curfew.Absences, "Unattended", "the same, after "+Span(p.MaxWait)+" of waiting", "It may not wait any longer: the session is cancelled."),
		rule(curfew.NoShows, "No-shows", Span(p.JoinTTL)+" after acceptance", "Accepted and never joined: cancelled, and the mechanic is free again."),
		rule(curfew.Overruns, "Overran", Span(p.LiveGrace)+" beyond what was bought", "Live for too long: completed, with the time that was bought."),
		rule(curfew.Due, "Appointments that begin", "at their start", "The appointment takes the customer's slot and is offered."),
		rule(curfew.Misses, "Missed appointments", Span(p.ScheduledGrace)+" after the start", "The slot was taken both times: cancelled."),
	}
}

// offered is how long a mechanic who has accepted may take to come.
func offered(p curfew.Policy) string {
	if p.JoinOffer == 0 {
		return "for plans with a joinOffer"
	}
	return Span(p.JoinOffer) + " after acceptance"
}

// moneyFacts says what becomes of a payment, by the reason why its session ended.
func moneyFacts(p curfew.Policy) []Fact {
	var all []Fact
	for _, of := range []struct {
		reason curfew.EndReason
		name   string
	}{
		{curfew.Expired, "Nobody accepted"},
		{curfew.Orphaned, "Offered to nobody"},
		{curfew.Unattended, "The mechanic did not come"},
		{curfew.NoShow, "Never joined"},
		{curfew.Missed, "Appointment missed"},
		{curfew.ByRequest, "Cancelled by somebody"},
		{curfew.Cleared, "Cleared by hand"},
		{curfew.TooShort, "Live under a minute"},
	} {
		all = append(all, Fact{Name: of.name, Value: settlements[p.Owed(curfew.Session{}, curfew.Cancelled, of.reason)]})
	}
	return append(all, Fact{Name: "A blocked payment is retried for", Value: Span(p.DeferTTL)})
}
