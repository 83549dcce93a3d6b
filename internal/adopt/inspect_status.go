package adopt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// words finds every word of the status and assigns it to one of Curfew's statuses, or leaves it
// out.
func (g *guess) words(context.Context) error {
	g.Mapping.Status.Words = map[curfew.SessionStatus][]string{}
	g.findWords()
	for i := range g.Statuses {
		s := &g.Statuses[i]
		if s.Null {
			g.ask("status.other", "%s no status at all, but NULL", have(s.Rows))
			continue
		}
		if s.As = g.classify(*s); s.As != "" {
			g.Mapping.Status.Words[s.As] = append(g.Mapping.Status.Words[s.As], s.Word)
		}
	}
	if len(g.Mapping.Words(curfew.Waiting)) == 0 {
		return g.noWaiting()
	}
	return nil
}

// noWaiting lists the words from which somebody who knows them can choose.
func (g *guess) noWaiting() error {
	var all []string
	for _, s := range g.Statuses {
		all = append(all, fmt.Sprintf("%s (%s)", g.names.label(s.Word), rowsOf(s.Rows)))
	}
	if len(all) == 0 {
		return curfew.Errorf(curfew.Invalid, "%s has no words yet, neither in rows nor in a CHECK, an enum or a default: inspect again once there are sessions", g.Mapping.Status.Column)
	}
	return curfew.Errorf(curfew.Invalid, "none of the words in %s looks like waiting, so that there is nothing to keep: %s", g.Mapping.Status.Column, strings.Join(all, ", "))
}

// findWords gathers words from the type or a CHECK, from rows, and from the default.
func (g *guess) findWords() {
	column := g.Mapping.Status.Column
	allowed, by := g.r.allowed(column)
	for _, word := range allowed {
		g.Statuses = append(g.Statuses, StatusFound{Word: word, Name: g.names[word], Source: by})
	}
	for _, t := range g.tallies {
		at := slices.IndexFunc(g.Statuses, func(s StatusFound) bool { return s.Word == t.word && s.Null == t.null })
		if at < 0 {
			g.Statuses = append(g.Statuses, StatusFound{Word: t.word, Null: t.null, Name: g.names[t.word], Source: "rows"})
			at = len(g.Statuses) - 1
		}
		s := &g.Statuses[at]
		s.Rows, s.Oldest, s.Newest = t.rows, t.oldest, t.newest
	}
	for _, id := range slices.Sorted(maps.Keys(g.names)) {
		g.addWord(id, "lookup table")
	}
	if word := g.r.initial(g.Mapping.Status.Column); word != "" {
		g.addWord(word, "default")
	}
	if allowed == nil {
		slices.SortStableFunc(g.Statuses, func(a, b StatusFound) int { return strings.Compare(a.Word, b.Word) })
	}
}

func (g *guess) addWord(word, source string) {
	if !slices.ContainsFunc(g.Statuses, func(s StatusFound) bool { return s.Word == word && !s.Null }) {
		g.Statuses = append(g.Statuses, StatusFound{Word: word, Name: g.names[word], Source: source})
	}
}

// readNames reads the words' names from the lookup table that the status refers to.
func (g *guess) readNames(ctx context.Context) error {
	for _, k := range g.r.References {
		if len(k.Columns) != 1 || k.Columns[0] != g.Mapping.Status.Column {
			continue
		}
		lookup, err := ReadRelation(ctx, g.look, mapping.JoinRelation(k.Schema, k.Table))
		if err != nil {
			return err
		}
		text := lookup.first(named(`name|code|slug|key|label|title|status|state|description`, `.*name`), Column.text)
		if text == "" || !lookup.Readable {
			return nil
		}
		rows, err := g.look.rows(ctx, "SELECT "+name(k.Others[0])+"::text, "+name(text)+"::text FROM "+lookup.String()+" ORDER BY 1 LIMIT 100")
		if whyUnread(err) != "" {
			return nil
		}
		g.names = names{}
		for _, values := range rows {
			id, _ := values[0].(string)
			g.names[id], _ = values[1].(string)
		}
		g.fact("status", "the words' names come from %s.%s", lookup, text)
		return err
	}
	return nil
}

// classify guesses which status a word means: by its rows where they are clear, else by its name.
func (g *guess) classify(s StatusFound) curfew.SessionStatus {
	status := g.names.means(s.Word)
	if t, ok := g.tallies.of(s.Word); ok && t.rows > 0 {
		status = g.byRows(s, t, status)
	}
	switch {
	case status == curfew.Scheduled && len(g.Mapping.Times.Starts) == 0:
		g.ask("status.waiting", "%s counts as waiting, because no column says when a session is to start", g.names.label(s.Word))
		return curfew.Waiting
	case status == "" && s.Word == g.r.initial(g.Mapping.Status.Column):
		g.ask("status.waiting", "%s counts as waiting, because a new row begins with it: %s", g.names.label(s.Word), g.profile(s))
		return curfew.Waiting
	case status == "":
		g.ask("status.other", "nothing says what %s means: %s", g.names.label(s.Word), g.profile(s))
	}
	return status
}

// byRows corrects the status that a word's name suggests by what its rows contain.
func (g *guess) byRows(s StatusFound, t tally, status curfew.SessionStatus) curfew.SessionStatus {
	started, over, endedBy := t.filled[g.started], int64(0), ""
	for _, column := range g.ended {
		if t.filled[column] > over {
			over, endedBy = t.filled[column], column
		}
	}
	inUse, _ := g.tallies.share(g.started)
	switch {
	case status.Ended():
		return status
	case most(over, t.rows):
		ended := curfew.Cancelled
		if g.started != "" && most(started, t.rows) {
			ended = curfew.Completed
		}
		g.ask("status."+string(ended), "%s counts as %s, because %s is set in %s", g.names.label(s.Word), ended, endedBy, ofRows(over, t.rows))
		return ended
	case status != curfew.Live && g.started != "" && most(started, t.rows):
		g.ask("status.live", "%s counts as live, because %s is set in %s", g.names.label(s.Word), g.started, ofRows(started, t.rows))
		return curfew.Live
	case status == curfew.Live && g.started != "" && started == 0 && inUse > 0 && t.rows >= 3:
		g.ask("status.waiting", "%s counts as waiting, because %s is NULL in %s", g.names.label(s.Word), g.started, ofRows(t.rows, t.rows))
		return curfew.Waiting
	}
	g.explainTaken(s, t, status)
	return status
}

// explainTaken notes why a session that somebody has accepted counts as waiting.
func (g *guess) explainTaken(s StatusFound, t tally, status curfew.SessionStatus) {
	if status != curfew.Waiting || !g.names.marks(s.Word) {
		return
	}
	var because []string
	if g.started != "" && t.filled[g.started] == 0 {
		because = append(because, g.started+" is NULL in "+ofRows(t.rows, t.rows))
	}
	if column := g.Mapping.Mechanic.Column; column != "" && t.filled[column] > 0 {
		because = append(because, column+" is set in "+ofRows(t.filled[column], t.rows))
	}
	if len(because) > 0 {
		g.ask("status.waiting", "%s counts as waiting, because %s", g.names.label(s.Word), strings.Join(because, " and "))
	}
}

// profile describes the rows with a word, for somebody who knows what it means.
func (g *guess) profile(s StatusFound) string {
	t, ok := g.tallies.of(s.Word)
	if !ok {
		return "no row has it"
	}
	parts := []string{rowsOf(t.rows)}
	if !t.oldest.IsZero() {
		parts = append(parts, "created from "+t.oldest.Format("2006-01-02")+" to "+t.newest.Format("2006-01-02"))
	}
	return strings.Join(append(parts, g.marked(t)...), ", ")
}

// marked returns at most five columns by which the rows with a word differ from the others.
func (g *guess) marked(t tally) []string {
	var parts []string
	for _, column := range g.r.Order {
		if column == g.Mapping.Status.Column || len(parts) == 5 {
			continue
		}
		filled, rows := g.tallies.share(column)
		above, counts := g.tallies.above(column)
		switch {
		case filled == rows || t.filled[column]*rows == filled*t.rows:
			if here, ok := t.positive[column]; ok && counts && (here == 0 || here == t.rows) && here*rows != above*t.rows {
				parts = append(parts, fmt.Sprintf("%s above 0 in %d", column, here))
			}
		case t.filled[column] == 0 || t.filled[column] == t.rows:
			parts = append(parts, fmt.Sprintf("%s set in %d", column, t.filled[column]))
		}
	}
	return parts
}

// most reports whether part is at least nine tenths of the rows.
func most(part, rows int64) bool { return rows > 0 && part*10 >= rows*9 }

func rowsOf(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func ofRows(part, rows int64) string { return fmt.Sprintf("%d of %s", part, rowsOf(rows)) }

func have(rows int64) string {
	if rows == 1 {
		return "1 row has"
	}
	return fmt.Sprintf("%d rows have", rows)
}
