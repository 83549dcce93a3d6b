package adopt

import (
	"regexp"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

// vocabulary is what marketplaces call the statuses of sessions. Among several words for an ending,
// Curfew chooses in this order.
var vocabulary = map[curfew.SessionStatus][]string{
	curfew.Scheduled: {"scheduled", "booked", "upcoming", "reserved", "planned", "confirmed", "rescheduled"},
	curfew.Waiting: {
		"waiting", "pending", "queued", "requested", "new", "open", "created", "searching", "ringing", "submitted", "unassigned",
		"in_queue", "looking", "initiated", "ready", "paid", "asked", "broadcast",
		"accepted", "assigned", "matched", "claimed", "taken", "on_the_way", "approved",
	},
	curfew.Live:      {"live", "active", "in_progress", "ongoing", "started", "running", "in_call", "in_session", "connected", "progress", "talking"},
	curfew.Completed: {"completed", "complete", "done", "finished", "closed", "ended", "resolved", "fulfilled", "success"},
	curfew.Cancelled: {
		"expired", "cancelled", "canceled", "no_show", "missed", "unattended", "timed_out", "timeout", "abandoned", "rejected", "declined",
		"failed", "refunded", "aborted", "void", "withdrawn", "deleted", "dropped", "lapsed",
	},
}

// taken lists words of waiting sessions that have a mechanic.
var taken = []string{"accepted", "assigned", "matched", "claimed", "taken", "on_the_way", "confirmed", "approved", "ready"}

// preferred lists the words that Curfew prefers for an ending, best first.
var preferred = map[curfew.EndReason][]string{
	curfew.Expired: {"expired", "timed_out", "timeout", "lapsed", "cancelled", "canceled", "abandoned", "unattended", "missed"},
	curfew.NoShow:  {"no_show", "cancelled", "canceled", "missed", "unattended", "abandoned", "expired"},
	curfew.Missed:  {"missed", "unattended", "no_show", "expired", "cancelled", "canceled", "abandoned"},
	curfew.Overran: {"completed", "complete", "done", "finished", "ended", "closed"},
}

// paidWords mean that money has arrived.
var paidWords = []string{"paid", "completed", "succeeded", "captured", "settled", "success", "successful", "complete", "true"}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake writes a name or a word in lower case, with _ between its parts.
func snake(text string) string {
	text = camel.ReplaceAllString(text, "${1}_${2}")
	return strings.NewReplacer(" ", "_", "-", "_", ".", "_").Replace(strings.ToLower(strings.TrimSpace(text)))
}

// vocable returns the status that a word by itself means, or "".
func vocable(word string) curfew.SessionStatus {
	for _, status := range curfew.SessionStatuses() {
		if slices.Contains(vocabulary[status], snake(word)) {
			return status
		}
	}
	return ""
}

// choose returns the word that comes first in an order, among those that pass; or "".
func choose(order, words []string, pass func(string) bool) string {
	for _, wanted := range order {
		for _, word := range words {
			if snake(word) == wanted && pass(word) {
				return word
			}
		}
	}
	return ""
}
