package record

import "strings"

// WrongCapture is the condition, in the SQL of every store, that the capture of a checkout
// contradicts its outcome: money is spent or owed that was not taken, or is reserved or
// about to be taken for no reason. If a line has several checkouts, its money may have
// been taken for another one. Row is the name of the checkout's row, and table that of the
// checkouts.
func WrongCapture(row, table string) string {
	return strings.NewReplacer("row.", row+".", "TABLE", table).Replace(
		`(row.capture = 'authorised' AND row.outcome NOT IN ('promised', 'fulfilled', 'deferred', 'held', 'ignored')
    OR row.capture = 'due' AND row.outcome IN ('credited', 'void', 'ignored')
    OR row.capture IN ('releasing', 'released') AND row.outcome IN ('promised', 'fulfilled', 'deferred', 'credited') AND NOT EXISTS (
        SELECT 1 FROM TABLE o WHERE o.id <> row.id AND o.line = row.line
            AND (o.id = coalesce(row.line_of, row.id) OR o.line_of = coalesce(row.line_of, row.id))))`)
}
