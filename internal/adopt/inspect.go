package adopt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// Inspection is what was found in a table, and the mapping that it suggests.
type Inspection struct {
	Relation string `json:"table"`
	Kind     string `json:"kind"` // table, view …
	Owner    string `json:"owner"`
	// Rows counts the rows that are not deleted; -1 if no row was read.
	Rows int64 `json:"rows"`
	// Unread is the reason why no row was read; empty if rows were read or there are none.
	Unread   string        `json:"unread,omitempty"`
	At       time.Time     `json:"at"` // by the database's clock
	Statuses []StatusFound `json:"statuses"`
	// Decide lists what a person must decide, each at a part of the mapping.
	Decide []Notice `json:"decide"`
	// Notices are facts that matter but do not affect the mapping.
	Notices []Notice `json:"notices"`
	// Index is a statement that creates the index without which finding overdue sessions reads the
	// whole table; empty if there is one.
	Index string `json:"index,omitempty"`
	// YAML is the mapping, with comments where a decision is needed.
	YAML    string        `json:"yaml"`
	Mapping mapping.Table `json:"-"`
	// Adopt is the mapping as a value of the setting adopt.
	Adopt any `json:"adopt"`
}

// StatusFound is one of the table's status words, wherever it was found.
type StatusFound struct {
	Word string `json:"word"`
	Null bool   `json:"null,omitempty"` // rows without any status
	Name string `json:"name,omitempty"` // what a lookup table calls it
	Rows int64  `json:"rows"`
	// Oldest and Newest are the creation times of the first and last row with this word.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	// As is the matching status of Curfew; empty if unknown, in which case its rows are reported.
	As     curfew.SessionStatus `json:"as,omitempty"`
	Source string               `json:"source"` // where it was found: rows, type …, CHECK …, default
}

// Notice is a sentence about a part of the mapping.
type Notice struct {
	Part string `json:"part"`
	Text string `json:"text"`
}

// Inspect reads a table, named as in SQL, and guesses its mapping. It reads in a read-only
// transaction and creates nothing. It returns Invalid if no mapping can be guessed, NotFound if
// there is no such table, and Unavailable if the table is locked.
func Inspect(ctx context.Context, url, relation string) (*Inspection, error) {
	var found *Inspection
	err := looking(ctx, url, func(l *look) error {
		r, err := ReadRelation(ctx, l, relation)
		if err != nil {
			return err
		}
		found, err = inspect(ctx, l, r)
		return err
	})
	if text := whyUnread(err); text != "" {
		return nil, curfew.Errorf(curfew.Unavailable, "%s cannot be inspected now: %s", relation, text)
	}
	return found, err
}

func inspect(ctx context.Context, l *look, r *Relation) (*Inspection, error) {
	g := &guess{look: l, r: r, notes: mapping.Notes{}, Inspection: &Inspection{
		Relation: r.String(), Kind: r.Kind, Owner: r.Owner, Rows: -1, At: l.now,
		Statuses: []StatusFound{}, Decide: []Notice{}, Notices: []Notice{},
	}}
	g.Mapping = mapping.Table{Name: r.mappingName(), Relation: r.String(), End: map[curfew.EndReason]mapping.Ending{}}
	for _, step := range []func(context.Context) error{
		g.identify, g.count, g.readNames, g.people, g.times, g.words, g.accepted, g.duration, g.plan, g.payment, g.request, g.endings, g.zone, g.surroundings,
	} {
		err := step(ctx)
		if text := whyUnread(err); text != "" {
			g.ask("status", "not everything was looked at, because %s", text)
		} else if err != nil {
			return nil, fmt.Errorf("inspect %s: %w", r, err)
		}
	}
	return g.Inspection, g.write()
}

func (g *guess) write() error {
	text, err := g.Mapping.Marshal(g.notes)
	if err != nil {
		return err
	}
	g.YAML = string(text)
	var setting struct{ Adopt any }
	err = yaml.Unmarshal(text, &setting)
	g.Adopt = setting.Adopt
	return err
}

// guess is an inspection under way.
type guess struct {
	*Inspection
	look    *look
	r       *Relation
	notes   mapping.Notes
	tallies tallies
	names   names
	// started, ended and the like are candidate columns that may still turn out to be something
	// else.
	started string
	ended   []string
}

// ask records a decision that a person must make, once.
func (g *guess) ask(part, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(g.notes[part], text) {
		g.notes[part] = append(g.notes[part], text)
		g.Decide = append(g.Decide, Notice{part, text})
	}
}

// fact records a fact that matters but decides nothing, once.
func (g *guess) fact(part, format string, args ...any) {
	if fact := (Notice{part, fmt.Sprintf(format, args...)}); !slices.Contains(g.Notices, fact) {
		g.Notices = append(g.Notices, fact)
	}
}

// counted reports whether any rows were read.
func (g *guess) counted() bool { return g.Rows > 0 }
