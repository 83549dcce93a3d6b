package record

import "strings"

// WrongCapture is the condition, in the SQL of every store, that the capture of a checkout
// does not fit its outcome: its money is spent or owed without having been taken, stays
// reserved for nothing, or is about to be taken for nothing. Where a line has several
// checkouts, the money of the line was taken for another one. Row is the name of the
// checkout's row, and table that of the checkouts.
func WrongCapture(row, table string) string {
	return strings.NewReplacer("row.", row+".", "TABLE", table).Replace(
		`(row.capture = 'authorised' AND row.outcome NOT IN ('promised', 'fulfilled', 'deferred', 'held', 'ignored')
    OR row.capture = 'due' AND row.outcome IN ('credited', 'void', 'ignored')
    OR row.capture IN ('releasing', 'released') AND row.outcome IN ('promised', 'fulfilled', 'deferred', 'credited') AND NOT EXISTS (
        SELECT 1 FROM TABLE o WHERE o.id <> row.id AND o.line = row.line
            AND (o.id = coalesce(row.line_of, row.id) OR o.line_of = coalesce(row.line_of, row.id))))`)
}
