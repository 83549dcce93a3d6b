package adopt

import (
	"context"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// endings chooses what to write when a session is over, by reason.
func (g *guess) endings(context.Context) error {
	g.end(curfew.Expired, g.Mapping.Words(curfew.Cancelled))
	if m := g.Mapping.Mechanic; m.Column != "" && (m.Accepted == nil || slices.ContainsFunc(g.Mapping.Words(curfew.Waiting), func(w string) bool { return contains(m.Accepted, w) })) {
		g.end(curfew.NoShow, g.Mapping.Words(curfew.Cancelled))
	}
	if len(g.Mapping.Words(curfew.Live)) > 0 {
		g.overran()
	}
	if len(g.Mapping.Words(curfew.Scheduled)) > 0 {
		g.missed()
	}
	return nil
}

// missed needs a status for live sessions: otherwise sessions that are taking place look missed.
func (g *guess) missed() {
	if len(g.Mapping.Words(curfew.Live)) == 0 {
		g.ask("end.missed", "no status says that a session is live, so that one which takes place cannot be told from one that was missed: none is ended for that")
		return
	}
	g.end(curfew.Missed, g.Mapping.Words(curfew.Cancelled))
}

// overran needs a planned duration: without one, every session would be limited to 30 minutes.
func (g *guess) overran() {
	if g.Mapping.Duration.Column == "" && g.Mapping.Plan == "" {
		g.ask("end.overran", "no column says how long a session may be live, so that none is ended for being live too long; add a duration or a plan, and an ending here")
		return
	}
	g.end(curfew.Overran, g.Mapping.Words(curfew.Completed))
}

// end adds an ending for a reason with the best of the words; among equals, the most frequent.
func (g *guess) end(reason curfew.EndReason, words []string) {
	words = slices.Clone(words)
	slices.SortStableFunc(words, func(a, b string) int {
		left, _ := g.tallies.of(a)
		right, _ := g.tallies.of(b)
		return int(right.rows - left.rows)
	})
	word := choose(preferred[reason], words, g.used)
	if word == "" {
		word = g.chooseByName(reason, words)
	}
	best := choose(preferred[reason], words, func(string) bool { return true })
	if word != "" && best != "" && best != word && !g.used(best) && snake(best) == preferred[reason][0] {
		g.ask("end."+string(reason), "%s ends it, because no row has %s; write that instead if your programs know it", word, best)
	}
	if word == "" {
		word = best
	}
	switch {
	case word == "" && len(words) > 0:
		word = words[0]
		g.ask("end."+string(reason), "%s is a guess: no word of these looks like %s", g.names.label(word), strings.ReplaceAll(string(reason), "_", "-"))
	case word == "":
		g.lacks(reason)
		return
	}
	g.Mapping.End[reason] = mapping.Ending{Status: word, Set: g.settings(reason, word)}
}

// used reports whether any row has a word. Without rows, every word counts as used.
func (g *guess) used(word string) bool {
	_, ok := g.tallies.of(word)
	return ok || !g.counted()
}

// chooseByName chooses by the names in a lookup table.
func (g *guess) chooseByName(reason curfew.EndReason, words []string) string {
	for _, wanted := range preferred[reason] {
		for _, word := range words {
			if snake(g.names[word]) == wanted {
				return word
			}
		}
	}
	return ""
}

// lacks notes why there is no ending.
func (g *guess) lacks(reason curfew.EndReason) {
	list, part := "cancelled", "end"
	if reason == curfew.Overran {
		list, part = "completed", "end.overran"
	}
	if words, by := g.r.allowed(g.Mapping.Status.Column); words != nil {
		g.ask(part, "%s allows no word that looks like %s: add one to it, or say which of the others means that", by, list)
		return
	}
	g.ask(part, "no word for sessions that are %s is known: list it under status, and write what ends a session", list)
}

// settings returns the further columns that an ending sets.
func (g *guess) settings(reason curfew.EndReason, word string) map[string]string {
	set := map[string]string{}
	for _, column := range g.ended {
		if by := g.r.setBy(column); by != "" {
			g.fact("end", "%s is left to your trigger %s", column, by)
		} else if g.endsWith(column, word) {
			set[column] = mapping.Now
			if reason == curfew.Overran && g.started != "" {
				set[column] = mapping.PlannedEnd
			}
		}
	}
	if updated := g.r.first(updatedNames, Column.Moment); updated != "" && g.r.setBy(updated) == "" {
		set[updated] = mapping.Now
	}
	if reason != curfew.Overran {
		g.say(set, named(`(cancelled|canceled|ended|closed)_by`), "curfew")
		g.say(set, named(`(cancellation|cancel|end|close|closing|status)_reason|reason_(cancelled|canceled)`), string(reason))
	}
	return set
}

// say sets a text column that is not restricted to certain texts.
func (g *guess) say(set map[string]string, names role, text string) {
	column := g.r.first(names, Column.text)
	if column == "" || slices.ContainsFunc(g.r.References, func(k ForeignKey) bool { return contains(k.Columns, column) }) {
		return
	}
	if words, by := g.r.allowed(column); words != nil && !contains(words, text) {
		g.fact("end", "%s is left out, because %s does not allow %s", column, by, text)
		return
	}
	set[column] = text
}

// endsWith reports whether rows with a word have an end time, or would by the column's name.
func (g *guess) endsWith(column, word string) bool {
	if t, ok := g.tallies.of(word); ok && t.rows > 0 {
		return t.filled[column]*2 > t.rows
	}
	first, _, _ := strings.Cut(snake(column), "_")
	switch first {
	case "completed", "done", "resolved", "finished":
		return g.statusOf(word) == curfew.Completed
	case "cancelled", "canceled", "aborted":
		return g.statusOf(word) == curfew.Cancelled
	case "expired", "rejected", "declined":
		return snake(word) == first || snake(g.names[word]) == first
	}
	return true
}

func (g *guess) statusOf(word string) curfew.SessionStatus {
	for status, words := range g.Mapping.Status.Words {
		if contains(words, word) {
			return status
		}
	}
	return ""
}
