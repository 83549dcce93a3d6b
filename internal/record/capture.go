package record

import "strings"

// WrongCapture is the condition, in the SQL of every store, that the capture of a checkout
// does not fit its outcome: its money is spent or owed without having been taken, stays
// reserved for nothing, or is about to be taken for nothing.
func WrongCapture(capture, outcome string) string {
	return strings.NewReplacer("capture", capture, "outcome", outcome).Replace(
		`(capture = 'authorised' AND outcome NOT IN ('promised', 'fulfilled', 'deferred', 'held', 'ignored')
    OR capture = 'due' AND outcome IN ('credited', 'void', 'ignored')
    OR capture IN ('releasing', 'released') AND outcome IN ('promised', 'fulfilled', 'deferred', 'credited'))`)
}
