package adopt

// Column is a column of a marketplace's table.
type Column struct {
	Name string
	// Type is the type as a cast writes it, with its schema and length: character varying(36),
	// timestamp(3) without time zone, public."Status".
	Type string
	// Base is Type without length or precision, and of a domain the type below it:
	// character varying, timestamp without time zone, public."Status".
	Base    string
	NotNull bool
	// Default is the expression of the default; empty: none.
	Default string
	// Generated means that the column is computed and cannot be set.
	Generated bool
	// Words are the labels of an enum in their order; nil for every other type.
	Words []string
}

// Columns are the columns of a table by name.
type Columns map[string]Column

// HasZone reports whether the column holds moments that need no zone to be understood.
func (c Column) HasZone() bool { return c.Base == "timestamp with time zone" }

// Moment reports whether the column holds moments, with or without a time zone.
func (c Column) Moment() bool { return c.HasZone() || c.Base == "timestamp without time zone" }
