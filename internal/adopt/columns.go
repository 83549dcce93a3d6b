package adopt

// Column is a column of a marketplace's table.
type Column struct {
	Name string
	// Type is the type as written in a cast, with schema and length: character varying(36),
	// timestamp(3) without time zone, public."Status".
	Type string
	// Base is Type without length or precision; for a domain, its base type: character varying,
	// timestamp without time zone, public."Status".
	Base    string
	NotNull bool
	// Default is the default expression; empty if there is none.
	Default string
	// Generated means that the column is computed and cannot be set.
	Generated bool
	// Words are the labels of an enum, in its order; nil for every other type.
	Words []string
}

// Columns holds the columns of a table by name.
type Columns map[string]Column

// HasZone reports whether the column holds timestamps with a time zone.
func (c Column) HasZone() bool { return c.Base == "timestamp with time zone" }

// Moment reports whether the column holds timestamps, with or without a time zone.
func (c Column) Moment() bool { return c.HasZone() || c.Base == "timestamp without time zone" }
