package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// pagings checks that each row of a list is read once and in order, whatever the page size. Rows
// share times, and later times have lower ids, so a list that pages by only one of the two skips
// some.
var pagings = func() contract {
	all := contract{}
	for name, l := range lists {
		all[name+" read each row once, by pages of any length"] = func(f *fixture) { f.paged(l.newestFirst, l.arrange(f)) }
	}
	return all
}()

// lists holds every method that reads page by page.
var lists = map[string]struct {
	newestFirst bool
	arrange     func(*fixture) page // creates the rows
}{
	"Runs":      {true, pagesOfRuns},
	"History":   {true, pagesOfHistory},
	"Refusals":  {true, pagesOfRefusals},
	"Notices":   {true, pagesOfNotices},
	"RunEvents": {false, pagesOfRunEvents},
	"Pending":   {false, pagesOfPending},

	"EventsSince":                 {false, pagesOfEvents},
	"Find":                        {false, finding(record.Search{}, (*fixture).admit)},
	"Find with orphans":           {false, finding(record.Search{OrphanTTL: time.Hour}, (*fixture).admit)},
	"Find by age":                 {false, finding(record.Search{MaxAge: time.Microsecond}, (*fixture).admit)},
	"Find of a customer":          {false, finding(record.Search{CustomerID: "ada"}, func(f *fixture, _ string) curfew.Snapshot { return f.scheduled("ada") })},
	"ListCheckouts":               {false, checkoutsBy(curfew.CheckoutSearch{})},
	"ListCheckouts that wait":     {false, checkoutsBy(curfew.CheckoutSearch{Outcome: curfew.Held})},
	"ListCheckouts of a customer": {false, checkoutsBy(curfew.CheckoutSearch{CustomerID: "ada"})},
	"ListCheckouts of an address": {false, checkoutsBy(curfew.CheckoutSearch{Email: "ada@example.org"})},

	"ListSessions":             {true, sessionsBy(record.SessionSearch{})},
	"ListSessions of a status": {true, sessionsBy(record.SessionSearch{Status: curfew.Waiting})},
	"ListSessions by deadline": {false, sessionsBy(record.SessionSearch{ByDeadline: true})},

	"ListDeliveries":                  {false, deliveriesBy(record.DeliverySearch{})},
	"ListDeliveries that are pending": {false, deliveriesBy(record.DeliverySearch{State: record.DeliveryPending})},
	"ListDeliveries to a destination": {false, deliveriesBy(record.DeliverySearch{Destination: "ada@example.org"})},
}

// page reads one page and returns the positions of its rows. Lists ordered by id have positions
// without a time.
type page func(after curfew.Cursor, limit int) ([]curfew.Cursor, error)

// tied is the minimum number of rows in a list.
const tied = 7

func (f *fixture) paged(newestFirst bool, read page) {
	f.Helper()
	all, err := read(curfew.Cursor{}, 100)
	f.must(err)
	if len(all) < tied {
		f.Fatalf("%d rows, want at least %d", len(all), tied)
	}
	for i, next := range all[1:] {
		if order := comparePlaces(all[i], next); order == 0 || order > 0 != newestFirst {
			f.Fatalf("row %d is %v, behind %v", i+1, next, all[i])
		}
	}
	for limit := 1; limit <= 3; limit++ {
		var got []curfew.Cursor
		for after := (curfew.Cursor{}); len(got) <= len(all); after = got[len(got)-1] {
			rows, err := read(after, limit)
			f.must(err)
			if len(rows) == 0 {
				break
			}
			got = append(got, rows...)
		}
		f.same(fmt.Sprintf("in pages of %d", limit), got, all)
	}
}

func comparePlaces(a, b curfew.Cursor) int {
	if order := a.At.Compare(b.At); order != 0 {
		return order
	}
	return strings.Compare(a.ID, b.ID)
}

// pages makes a page from the store's method and a function that returns a row's position.
func pages[T any](f *fixture, read func(context.Context, curfew.Cursor, int) ([]T, error), place func(T) curfew.Cursor) page {
	return func(after curfew.Cursor, limit int) ([]curfew.Cursor, error) {
		rows, err := read(f.Context(), after, limit)
		var all []curfew.Cursor
		for _, r := range rows {
			all = append(all, place(r))
		}
		return all, err
	}
}

// tie spreads rows over three times, with the lowest ids at the latest one. ID and MOMENT in the
// statement stand for a row's values.
func (f *fixture) tie(ids []string, statement string) {
	f.Helper()
	slices.Sort(ids)
	moments := []string{f.past(time.Minute), f.past(2 * time.Minute), f.past(3 * time.Minute)}
	for i, id := range ids {
		f.exec(strings.NewReplacer("ID", "'"+id+"'", "MOMENT", moments[i*len(moments)/len(ids)]).Replace(statement))
	}
}

func pagesOfRuns(f *fixture) page {
	var ids []string
	for range tied {
		ids = append(ids, f.begin(aRun("")).ID)
	}
	f.tie(ids, "UPDATE {runs} SET started_at = MOMENT WHERE id = ID")
	return pages(f, f.Store.Runs, func(r curfew.Run) curfew.Cursor { return curfew.Cursor{At: r.StartedAt, ID: r.ID} })
}

// tiedEvents writes events of Ada and of one run with tied times, because events keep the times
// with which they were written.
func (f *fixture) tiedEvents() (runID string) {
	f.Helper()
	f.corrupted = true
	st, runID := f.admit("ada"), newID()
	var ids []string
	for range tied {
		ids = append(ids, newID())
	}
	f.tie(ids, `INSERT INTO {events} (customer_id, subject_id, number, subject, id, from_status, to_status, actor, run_id, at)
		SELECT customer_id, ID, 1, subject, ID, '', to_status, actor, '`+runID+`', MOMENT FROM {events} WHERE number = 1 AND subject_id = '`+st.ID+"'")
	return runID
}

func pagesOfHistory(f *fixture) page {
	f.tiedEvents()
	return pages(f, func(ctx context.Context, before curfew.Cursor, limit int) ([]curfew.Event, error) {
		return f.Store.History(ctx, "ada", before, limit)
	}, func(e curfew.Event) curfew.Cursor { return curfew.Cursor{At: e.At, ID: e.ID} })
}

func pagesOfEvents(f *fixture) page {
	f.tiedEvents()
	return eventPage(f)
}

// eventPage reads one page of everybody's events.
func eventPage(f *fixture) page {
	return pages(f, func(ctx context.Context, after curfew.Cursor, limit int) ([]record.StreamEvent, error) {
		eventsSince, _, err := f.eventReader().EventsSince(ctx, after, limit)
		return eventsSince, err
	}, func(n record.StreamEvent) curfew.Cursor { return curfew.Cursor{At: n.At, ID: n.ID} })
}

func pagesOfRunEvents(f *fixture) page {
	runID := f.tiedEvents()
	return pages(f, func(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Event, error) {
		return f.Store.RunEvents(ctx, runID, after.ID, limit)
	}, func(e curfew.Event) curfew.Cursor { return curfew.Cursor{ID: e.ID} })
}

func pagesOfRefusals(f *fixture) page {
	st := f.admit("ada")
	for range tied {
		f.must(f.Store.Refuse(f.Context(), "ada", st.ID))
	}
	f.tie(f.rows("SELECT id FROM {refusals}"), "UPDATE {refusals} SET at = MOMENT WHERE id = ID")
	return pages(f, func(ctx context.Context, before curfew.Cursor, limit int) ([]record.Refusal, error) {
		return f.Store.Refusals(ctx, "ada", before, limit)
	}, func(r record.Refusal) curfew.Cursor { return curfew.Cursor{At: r.At, ID: r.ID} })
}

// pagesOfPending creates sessions with the same creation time that may wait for different
// durations.
func pagesOfPending(f *fixture) page {
	var ids []string
	for i := range tied {
		a := admission(fmt.Sprint("customer-", i))
		a.Deadline.After = time.Duration(10+20*(i%2)) * time.Minute
		st, err := f.Store.Admit(f.Context(), a)
		f.must(err)
		ids = append(ids, st.ID)
	}
	f.tie(ids, "UPDATE {sessions} SET created_at = MOMENT WHERE id = ID")
	return pages(f, f.Store.Pending, func(st curfew.Snapshot) curfew.Cursor { return curfew.Cursor{At: st.QueuedAt(), ID: st.ID} })
}

func finding(search record.Search, admit func(*fixture, string) curfew.Snapshot) func(*fixture) page {
	return func(f *fixture) page {
		var ids []string
		for i := range tied {
			ids = append(ids, admit(f, fmt.Sprint("customer-", i)).ID)
		}
		f.tie(ids, "UPDATE {sessions} SET expires_at = MOMENT WHERE id = ID")
		return pages(f, func(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
			search := search
			search.After, search.Limit = after, limit
			return f.Store.Find(ctx, search)
		}, func(st curfew.Snapshot) curfew.Cursor { return curfew.Cursor{At: st.ExpiresAt, ID: st.ID} })
	}
}

func checkoutsBy(search curfew.CheckoutSearch) func(*fixture) page {
	return func(f *fixture) page {
		var ids []string
		for range tied {
			ids = append(ids, f.record("ada", curfew.Held).ID)
		}
		f.tie(ids, "UPDATE {checkouts} SET created_at = MOMENT WHERE id = ID")
		return pages(f, func(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Checkout, error) {
			search := search
			search.After, search.Limit = after.ID, limit
			return f.Store.ListCheckouts(ctx, search)
		}, func(c curfew.Checkout) curfew.Cursor { return curfew.Cursor{ID: c.ID} })
	}
}

// deliveryAdmin is the part of a store through which operators read deliveries.
type deliveryAdmin interface {
	ListDeliveries(ctx context.Context, s record.DeliverySearch) ([]record.Delivery, error)
	AddDelivery(ctx context.Context, d record.Delivery) error
}

func (f *fixture) deliveryAdmin() deliveryAdmin {
	return f.Store.(deliveryAdmin) //nolint:errcheck,forcetypeassert // both are
}

// tiedDeliveries creates deliveries to Ada with tied times: the next attempt of pending ones, the
// end of dead ones.
func (f *fixture) tiedDeliveries(state record.DeliveryState, column string) {
	f.Helper()
	var ids []string
	for range tied {
		d := record.Delivery{
			ID: newID(), CustomerID: "ada", EventID: newID(), Subject: newID(), Channel: record.MailChannel, Queue: "ada",
			Destination: "ada@example.org", Kind: "k", Body: "b",
		}
		f.must(f.deliveryAdmin().AddDelivery(f.Context(), d))
		f.exec("UPDATE {deliveries} SET state = $1 WHERE id = $2", string(state), d.ID)
		ids = append(ids, d.ID)
	}
	f.tie(ids, "UPDATE {deliveries} SET "+column+" = MOMENT WHERE id = ID")
}

func pagesOfNotices(f *fixture) page {
	f.tiedDeliveries(record.DeliveryPending, "next_at")
	f.tiedDeliveries(record.DeliveryDead, "updated_at")
	return pages(f, func(ctx context.Context, before curfew.Cursor, limit int) ([]record.Delivery, error) {
		return f.Store.Notices(ctx, "ada", before, limit)
	}, func(d record.Delivery) curfew.Cursor { return curfew.Cursor{At: d.At(), ID: d.ID} })
}

func deliveriesBy(search record.DeliverySearch) func(*fixture) page {
	return func(f *fixture) page {
		f.tiedDeliveries(record.DeliveryPending, "created_at")
		return pages(f, func(ctx context.Context, after curfew.Cursor, limit int) ([]record.Delivery, error) {
			search := search
			search.After, search.Limit = after.ID, limit
			return f.deliveryAdmin().ListDeliveries(ctx, search)
		}, func(d record.Delivery) curfew.Cursor { return curfew.Cursor{ID: d.ID} })
	}
}

func sessionsBy(search record.SessionSearch) func(*fixture) page {
	return func(f *fixture) page {
		var ids []string
		for i := range tied {
			ids = append(ids, f.admit(fmt.Sprint("customer-", i)).ID)
		}
		f.tie(ids, "UPDATE {sessions} SET expires_at = MOMENT WHERE id = ID")
		return pages(f, func(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
			search := search
			search.After, search.Limit = after, limit
			return directoryOf(f).ListSessions(ctx, search)
		}, func(st curfew.Snapshot) curfew.Cursor { return search.Place(st.Session) })
	}
}
