package adopt

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

func contains(words []string, word string) bool { return slices.Contains(words, word) }

var unnamable = regexp.MustCompile(`[^a-z0-9_-]+`)

// mappingName derives the mapping's name from the table's.
func (r *Relation) mappingName() string {
	made := strings.Trim(unnamable.ReplaceAllString(snake(r.Name), "_"), "_-")
	if made == "" || made[0] < 'a' || made[0] > 'z' {
		made = "t_" + made
	}
	return made[:min(len(made), 63)]
}

// identify finds the columns without which there is no mapping: id and status.
func (g *guess) identify(context.Context) error {
	if g.Mapping.ID = g.r.key(); g.Mapping.ID == "" && strings.Contains(g.r.Kind, "view") {
		g.Mapping.ID = g.r.first(named(`id`, `uuid`, `.*_id`), Column.identifies)
	}
	if g.Mapping.ID == "" {
		return curfew.Errorf(curfew.Invalid, "no single column identifies a row: there is neither a primary key nor a unique index of one column that is NOT NULL")
	}
	if g.Mapping.Status.Column = g.r.statusColumn(); g.Mapping.Status.Column == "" {
		return curfew.Errorf(curfew.Invalid, "no column looks like the status of a session")
	}
	g.Mapping.Deleted = g.r.first(deletedNames, func(c Column) bool { return c.Moment() || c.flag() })
	return nil
}

// statusColumn returns the column whose name looks like a status, or else whose words do.
func (r *Relation) statusColumn() string {
	if column := r.first(statusNames, Column.status); column != "" {
		return column
	}
	best, most := "", 1
	for _, column := range r.Order {
		words, _ := r.allowed(column)
		known := 0
		for _, word := range words {
			if vocable(word) != "" {
				known++
			}
		}
		if known > most && paidNames.rank(column) < 0 {
			best, most = column, known
		}
	}
	return best
}

// count reads the rows.
func (g *guess) count(ctx context.Context) error {
	created := g.r.first(createdNames, Column.Moment)
	if !g.r.Readable {
		g.Unread = "this role has no right to SELECT: the owner grants it with GRANT SELECT ON " + g.r.String()
		return nil
	}
	tallies, err := g.look.tallies(ctx, g.r, g.r.String(), g.Mapping.Status.Column, created, g.Mapping.Deleted)
	if code(err) == tooLong && strings.HasSuffix(g.r.Kind, "table") && g.r.Kind != "foreign table" {
		g.ask("status", "counting took longer than %s: all figures come from a sample of about %d rows, and a rare status may be missing", lookTime, sampled)
		tallies, err = g.look.tallies(ctx, g.r, g.r.sample(), g.Mapping.Status.Column, created, g.Mapping.Deleted)
	}
	if err != nil {
		if g.Unread = whyUnread(err); g.Unread == "" {
			return err
		}
		return nil
	}
	g.tallies, g.Rows = tallies, 0
	for _, t := range tallies {
		g.Rows += t.rows
	}
	if g.Mapping.Deleted != "" {
		return g.countDeleted(ctx)
	}
	return nil
}

func (g *guess) countDeleted(ctx context.Context) error {
	c := g.r.Columns[g.Mapping.Deleted]
	found, err := g.look.counts(ctx, g.r.String(), undeleted(c), "")
	if err != nil {
		return err
	}
	for _, n := range found {
		if n.text == "false" {
			g.fact("deleted", "%s marks %s as deleted: they count as gone", c.Name, rowsOf(n.rows))
		}
	}
	return nil
}
