package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// times finds the timestamp columns. The meaning of a status may depend on them.
func (g *guess) times(context.Context) error {
	t := &g.Mapping.Times
	t.Created = g.r.first(createdNames, Column.Moment)
	if t.Created == "" {
		t.Created = g.defaultedNow()
	}
	t.Entered = g.r.first(enteredNames, Column.Moment)
	t.Accepted = g.r.first(acceptedNames, Column.Moment)
	t.Starts = g.r.find(startsNames, Column.Moment)
	for _, column := range g.r.find(startedNames, Column.Moment) {
		if g.planned(column) {
			if !contains(t.Starts, column) {
				t.Starts = append(t.Starts, column)
			}
		} else if g.started == "" {
			g.started = column
			t.Starts = slices.DeleteFunc(t.Starts, func(c string) bool { return c == column })
		}
	}
	g.ended = slices.DeleteFunc(g.r.find(endedNames, Column.Moment), g.planned)
	t.Started, t.Ended = g.started, g.ended
	g.Mapping.Deadline = g.r.first(deadlineNames, Column.Moment)
	if t.Entered == t.Created {
		t.Entered = ""
	}
	return nil
}

// defaultedNow returns a timestamp column whose default is the current time.
func (g *guess) defaultedNow() string {
	for _, column := range g.r.Order {
		c := g.r.Columns[column]
		if d := strings.ToLower(c.Default); c.Moment() && (strings.Contains(d, "now()") || strings.Contains(d, "current_timestamp")) && !strings.Contains(snake(column), "updated") {
			return column
		}
	}
	return ""
}

// planned reports whether a time is set in advance: most rows that never went live have it.
func (g *guess) planned(column string) bool {
	if g.r.Columns[column].NotNull {
		return true
	}
	var filled, rows int64
	for _, t := range g.tallies {
		if status := g.names.means(t.word); status == curfew.Waiting || status == curfew.Scheduled {
			filled += t.filled[column]
			rows += t.rows
		}
	}
	return most(filled, rows)
}

// entered decides how to know when waiting began, once the statuses are known.
func (g *guess) entered() {
	t := &g.Mapping.Times
	if len(g.Mapping.Words(curfew.Scheduled)) == 0 {
		t.Starts = nil
	}
	if t.Entered != "" && g.counted() {
		filled, rows := g.tallies.share(t.Entered, g.Mapping.Words(curfew.Waiting)...)
		if filled < rows {
			g.fact("times.entered", "%s is NULL in %s that wait: there, %s counts instead", t.Entered, ofRows(rows-filled, rows), orNothing(t.Created))
		}
	}
	switch {
	case t.Entered == "" && t.Created == "":
		t.Seen = true
		g.ask("times.entered", "no column says when a session was created or began to wait: the time at which Curfew first saw it counts")
	case t.Entered == "" && len(t.Starts) > 0:
		t.Seen = true
		g.ask("times.entered", "no column says when a scheduled session began to wait: the time at which Curfew first saw it counts")
	}
	accepted := g.Mapping.Mechanic.Column != "" && (g.Mapping.Mechanic.Accepted == nil || slices.ContainsFunc(g.Mapping.Mechanic.Accepted, func(w string) bool {
		return contains(g.Mapping.Words(curfew.Waiting), w)
	}))
	if t.Accepted == "" && accepted {
		g.fact("times.accepted", "no column says when a mechanic accepted: the time at which Curfew first saw it counts")
	}
}

func orNothing(column string) string {
	if column == "" {
		return "nothing"
	}
	return column
}

// duration finds the planned duration. A column that is filled only at the end is not one.
func (g *guess) duration(ctx context.Context) error {
	g.entered()
	for _, column := range g.r.find(durationNames, Column.number) {
		c := g.r.Columns[column]
		if strings.Trim(c.Default, "'()") == "0" && !g.counted() || g.counted() && !g.promised(c) {
			g.ask("duration", "%s is left out: it is 0 or NULL before a session has ended, so that it is no planned duration", column)
			continue
		}
		g.Mapping.Duration.Column = column
		return g.unit(ctx, c)
	}
	return nil
}

// promised reports whether the column is above 0 while a session waits.
func (g *guess) promised(c Column) bool {
	var above, rows, everywhere int64
	for _, t := range g.tallies {
		filled := t.positive[c.Name]
		if c.Base == "interval" {
			filled = t.filled[c.Name]
		}
		everywhere += filled
		if !t.null && contains(g.Mapping.Unended(), t.word) {
			above += filled
			rows += t.rows
		}
	}
	return above*2 > rows || rows == 0 && everywhere > 0
}

// unit reads the unit from the name, or guesses it from the values.
func (g *guess) unit(ctx context.Context, c Column) error {
	d := &g.Mapping.Duration
	for _, unit := range []struct{ part, name string }{{"sec", "seconds"}, {"min", "minutes"}, {"hour", "hours"}, {"hrs", "hours"}} {
		if strings.Contains(snake(c.Name), unit.part) {
			d.Unit = unit.name
			return nil
		}
	}
	d.Unit = "minutes"
	if c.Base == "interval" {
		return nil
	}
	if !g.counted() {
		g.ask("duration.unit", "the table has no rows: %s is taken for minutes", c.Name)
		return nil
	}
	found, err := g.look.rows(ctx, "SELECT min("+name(c.Name)+")::bigint, max("+name(c.Name)+")::bigint FROM "+g.r.String()+" WHERE "+name(c.Name)+" > 0")
	if err != nil || found[0][0] == nil {
		return err
	}
	if whole(found[0][0]) >= 300 {
		d.Unit = "seconds"
	}
	g.ask("duration.unit", "%s is from %d to %d, which is taken for %s", c.Name, whole(found[0][0]), whole(found[0][1]), d.Unit)
	return nil
}

// zone finds the time zone of columns without one by comparing the newest time with now.
func (g *guess) zone(ctx context.Context) error {
	var zoneless []string
	for _, column := range momentsRead(g.Mapping) {
		if c := g.r.Columns[column]; c.Moment() && !c.HasZone() && !contains(zoneless, column) {
			zoneless = append(zoneless, column)
		}
	}
	if len(zoneless) == 0 {
		return nil
	}
	column := g.Mapping.Times.Created
	if !contains(zoneless, column) {
		column = zoneless[0]
	}
	g.Mapping.Times.Zone = "UTC"
	if strings.Contains(strings.ToLower(g.r.Columns[column].Default), "utc") {
		g.fact("times.zone", "times have no zone; the default of %s says UTC", column)
		return nil
	}
	if !g.counted() {
		g.ask("times.zone", "times have no zone, and no row was there to compare with now: UTC is a guess")
		return nil
	}
	found, err := g.look.rows(ctx, "SELECT max("+name(column)+")::timestamptz FROM "+g.r.String())
	if err != nil {
		return err
	}
	newest, ok := found[0][0].(time.Time)
	if !ok {
		g.ask("times.zone", "times have no zone, and %s is always NULL: UTC is a guess", column)
		return nil
	}
	g.byNewest(column, newest)
	return nil
}

// recent is how old the newest row may be and still reveal the time zone.
const recent = 14 * time.Minute

// byNewest infers the zone from the newest time, read as UTC.
func (g *guess) byNewest(column string, newest time.Time) {
	ahead := newest.Sub(g.look.now)
	local, err := time.LoadLocation(g.look.zone)
	if err == nil && g.look.zone != "UTC" {
		_, offset := g.look.now.In(local).Zone()
		if d := ahead - time.Duration(offset)*time.Second; offset != 0 && d > -recent && d <= time.Minute {
			g.Mapping.Times.Zone = g.look.zone
			g.ask("times.zone", "times have no zone; the newest %s is %s %s now in UTC, which fits the database's own zone %s", column, span(ahead), side(ahead), g.look.zone)
			return
		}
	}
	switch quarter := (ahead + recent).Truncate(15 * time.Minute); {
	case ahead > -recent && ahead <= time.Minute:
		g.fact("times.zone", "times have no zone; the newest %s is %s %s now, read as UTC", column, span(ahead), side(ahead))
	case ahead > 0 && ahead < 14*time.Hour:
		g.Mapping.Times.Zone = zoneAt(quarter)
		g.ask("times.zone", "times have no zone; the newest %s is %s after now in UTC, so they are %s ahead of UTC; write the region's own zone if it has summer time", column, span(ahead), offsetOf(quarter))
	default:
		g.ask("times.zone", "times have no zone; the newest %s is %s %s now, which is too far to tell the zone by: UTC is a guess", column, span(ahead), side(ahead))
	}
}

// zoneAt returns the name of a zone this far ahead of UTC.
func zoneAt(offset time.Duration) string {
	if named := map[time.Duration]string{
		210 * time.Minute: "Asia/Tehran", 270 * time.Minute: "Asia/Kabul", 330 * time.Minute: "Asia/Kolkata", 345 * time.Minute: "Asia/Kathmandu",
		390 * time.Minute: "Asia/Yangon", 525 * time.Minute: "Australia/Eucla", 570 * time.Minute: "Australia/Darwin",
	}[offset]; named != "" {
		return named
	}
	return fmt.Sprintf("Etc/GMT-%d", int(offset.Round(time.Hour)/time.Hour)) // the sign is that of POSIX
}

func offsetOf(d time.Duration) string {
	return fmt.Sprintf("+%02d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

func side(d time.Duration) string {
	if d > 0 {
		return "after"
	}
	return "before"
}

// span formats a duration for people, without fractions.
func span(d time.Duration) string {
	if d = d.Abs(); d > 48*time.Hour {
		return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
	}
	if d >= time.Minute {
		return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
	}
	return d.Truncate(time.Second).String()
}
