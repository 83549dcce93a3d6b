package console

import (
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/timeline"
)

// chapters groups what happened by session, the newest first. The newest chapter, and that of a session which has not
// ended, are unfolded.
func chapters(t timeline.Timeline, at moments) []Chapter {
	homes := homesOf(t)
	var all []Chapter
	known := map[string]int{}
	for i, e := range slices.Backward(t.Entries) {
		if e.At.After(at.now) {
			continue
		}
		home := homes[subjectOf(e)]
		if e.Kind == timeline.RunEntry && i+1 < len(t.Entries) {
			home = homes[subjectOf(t.Entries[i+1])] // a run stands before what it did
		}
		n, ok := known[home]
		if !ok {
			n = len(all)
			known[home] = n
			all = append(all, Chapter{SessionID: home, At: at.at(e.At), Unfolded: n == 0})
		}
		all[n].Entries = append(all[n].Entries, entryView(e, at))
	}
	for i := range all {
		all[i].Count = noun{"entry", "entries"}.of(len(all[i].Entries))
		all[i].entitle(t)
	}
	return all
}

// entitle says what a chapter is about.
func (c *Chapter) entitle(t timeline.Timeline) {
	c.Title = "Outside any session"
	for _, s := range t.Sessions {
		if s.ID != c.SessionID {
			continue
		}
		c.Title = s.Plan + ", " + string(s.Status)
		if why := endings[s.EndReason]; why != "" && s.Status == curfew.Cancelled {
			c.Title += ": " + why
		}
		c.Unfolded = c.Unfolded || !s.Status.Ended()
		return
	}
	if c.SessionID != "" {
		c.Title = "An earlier session"
	}
}

// homesOf returns the session that everything in a timeline belongs to, by the id of the session or payment.
func homesOf(t timeline.Timeline) map[string]string {
	homes := map[string]string{}
	for _, c := range t.Checkouts {
		homes[c.ID] = c.SessionID
	}
	for _, e := range t.Entries {
		if e.Kind == timeline.SessionEntry || e.Kind == timeline.RequestEntry {
			homes[e.ID] = e.ID
		}
	}
	for _, s := range t.Sessions {
		homes[s.ID] = s.ID
		if s.CheckoutID != "" {
			homes[s.CheckoutID] = s.ID
		}
	}
	return homes
}

// subjectOf returns the id of the session or payment that an entry is about.
func subjectOf(e timeline.Entry) string {
	if e.Delivery != nil {
		return e.Delivery.Subject
	}
	return e.ID
}
