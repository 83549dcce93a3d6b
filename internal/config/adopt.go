package config

import "github.com/curfewhq/curfew/internal/adopt/mapping"

// Adopt holds the marketplace's own tables whose sessions Curfew keeps: a mapping from name to
// table, in YAML or JSON.
type Adopt struct{ Tables []mapping.Table }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Adopt) UnmarshalText(text []byte) (err error) {
	a.Tables, err = mapping.Parse(text)
	return err
}
