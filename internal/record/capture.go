package record

import "strings"

// WrongCapture is the condition, in the SQL of every store, that the capture of a checkout
// does not fit its outcome: its money is spent or owed without having been taken, stays
// reserved for nothing, or is about to be taken for nothing. What the session of a duplicate
// cost was taken for another checkout. Row is the name of the checkout's row.
func WrongCapture(row string) string {
	return strings.ReplaceAll(`(row.capture = 'authorised' AND row.outcome NOT IN ('promised', 'fulfilled', 'deferred', 'held', 'ignored')
    OR row.capture = 'due' AND row.outcome IN ('credited', 'void', 'ignored')
    OR row.capture IN ('releasing', 'released') AND row.outcome IN ('promised', 'fulfilled', 'deferred', 'credited')
        AND NOT (row.line_of IS NOT NULL AND row.line <= 1))`, "row.", row+".")
}
