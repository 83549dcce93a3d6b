package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/suggest"
)

func (t Table) checkEndings(found *problems) {
	for _, reason := range slices.Sorted(maps.Keys(t.End)) {
		if !slices.Contains(Reasons(), reason) {
			found.add(t.Path("end."+string(reason)), "no row is ended for this reason: the reasons are %s", strings.Join(texts(Reasons()), ", "))
			continue
		}
		t.checkEnding(found, reason, t.End[reason])
	}
	if _, ok := t.End[curfew.Missed]; ok && len(t.Words(curfew.Scheduled)) == 0 {
		found.add(t.Path("end.missed"), "no session is ever missed, because status has no words under scheduled: leave it out")
	}
}

// checkEnding checks that an ending's word matches the reason: only a live session can be
// completed.
func (t Table) checkEnding(found *problems, reason curfew.EndReason, ending Ending) {
	path, allowed, list := t.Path("end."+string(reason)), t.Words(curfew.Cancelled), "cancelled"
	if reason == curfew.Overran {
		allowed, list = slices.Concat(t.Words(curfew.Completed), allowed), "completed or cancelled"
	}
	switch {
	case ending.Status == "":
		found.add(path+".status", "is needed: the word of such a session")
	case !slices.Contains(allowed, ending.Status):
		hint := suggest.Among(ending.Status, allowed)
		if hint == "" {
			hint = ": use one of those, or list it there"
		}
		found.add(path+".status", "%s is not under %s in status%s", ending.Status, list, hint)
	}
	for _, column := range slices.Sorted(maps.Keys(ending.Set)) {
		t.checkSet(found, path+".set."+column, column, ending.Set[column], reason)
	}
}

func (t Table) checkSet(found *problems, path, column, value string, reason curfew.EndReason) {
	switch {
	case column == "" || len(column) > maxName:
		found.add(path, "is not a column name")
	case column == t.Status.Column:
		found.add(path, "cannot be set here: write the word as status")
	case column == t.ID || slices.Contains(t.Customer, column):
		found.add(path, "cannot be set: ending a session does not change whose it is")
	case value == PlannedEnd && reason != curfew.Overran:
		found.add(path, "only overran has a planned_end: write now, null or a text")
	case value == PlannedEnd && (t.Times.Started == "" || t.Duration.Column == "" && t.Plan == ""):
		found.add(path, "planned_end needs times.started, and a duration or a plan: name these, or write now")
	}
}
