package adopt

import "github.com/curfewhq/curfew/internal/adopt/mapping"

// poller reads one table, again and again.
type poller struct {
	table mapping.Table
}
