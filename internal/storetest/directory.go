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

var directories = contract{
	"a list of sessions has what its search selects":           listsWhatIsChosen,
	"a mark is a given number of rows after a position":        marksAPlace,
	"a text finds the rows with this id, reference or address": findsWhatIsCalledSo,
	"the beginning of a name or an address finds payers":       findsPayers,
	"the beginning of an id finds the row with this id":        findsIDs,
	"each mechanic is found once, by the beginning of the id":  findsMechanics,
	"a part of a word is found among recent rows":              findsWhatIsRecent,
	"a list of payments has what its search selects":           listsPayments,
	"a list of deliveries has what its search selects":         listsDeliveries,
	"delivered webhooks are counted":                           countsWhatArrived,
	"a list by age is for a customer or a mechanic, not both":  refusesTwoOwners,
	"a list has the same rows by age and by deadline":          ordersTheSame,
}

// directoryStore is the part of a store that finds things for operators.
type directoryStore interface {
	ListSessions(ctx context.Context, q record.SessionSearch) ([]curfew.Snapshot, error)
	SessionMark(ctx context.Context, q record.SessionSearch, depth int) (curfew.Cursor, error)
	FindExact(ctx context.Context, text string) ([]record.Hit, error)
	FindIDs(ctx context.Context, low, high string, limit int) ([]record.Hit, error)
	FindPayers(ctx context.Context, of record.Span, limit int) ([]record.Hit, error)
	FindMechanics(ctx context.Context, of record.Span, limit int) ([]record.Hit, error)
	FindRecent(ctx context.Context, parts []string, depth, limit int, within time.Duration) ([]record.Hit, error)
}

// listStore is the part of a store that lists payments and deliveries for operators.
type listStore interface {
	ListPayments(ctx context.Context, q record.PaymentSearch) ([]curfew.Checkout, error)
	PaymentMark(ctx context.Context, q record.PaymentSearch, depth int) (string, error)
	ListSent(ctx context.Context, q record.SentSearch) ([]record.Delivery, error)
	SentMark(ctx context.Context, q record.SentSearch, depth int) (string, error)
	EndpointFigures(ctx context.Context, depth int) ([]record.EndpointFigures, error)
}

func directoryOf(f *fixture) directoryStore {
	return f.Store.(directoryStore) //nolint:errcheck,forcetypeassert // both are
}

func listsOf(f *fixture) listStore {
	return f.Store.(listStore) //nolint:errcheck,forcetypeassert // both are
}

// customersOf returns the customers whose sessions a search lists, in order.
func customersOf(f *fixture, q record.SessionSearch) string {
	f.Helper()
	q.Limit = 100
	found, err := directoryOf(f).ListSessions(f.Context(), q)
	f.must(err)
	var all []string
	for _, s := range found {
		all = append(all, s.CustomerID)
	}
	return strings.Join(all, " ")
}

// aDirectory creates sessions of Ada, Bob, Cleo and Dora: one overdue, one with a mechanic, and one
// that has ended.
func aDirectory(f *fixture) {
	f.Helper()
	f.aged(f.admit("ada"), time.Hour)
	f.accepted("bob", "Max")
	finished(f, f.admit("cleo"))
	f.admit("dora")
}

// finished completes a session.
func finished(f *fixture, st curfew.Snapshot) {
	f.Helper()
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
}

func listsWhatIsChosen(f *fixture) {
	aDirectory(f)
	now := time.Now()
	for search, want := range map[string]struct {
		q    record.SessionSearch
		want string
	}{
		"all":            {record.SessionSearch{}, "dora cleo bob ada"},
		"waiting":        {record.SessionSearch{Status: curfew.Waiting}, "dora bob ada"},
		"ended":          {record.SessionSearch{Status: curfew.Cancelled}, "cleo"},
		"overdue":        {record.SessionSearch{Overdue: true}, "ada"},
		"a customer":     {record.SessionSearch{CustomerID: "bob"}, "bob"},
		"a mechanic":     {record.SessionSearch{MechanicID: "Max"}, "bob"},
		"another case":   {record.SessionSearch{MechanicID: "max"}, ""},
		"another plan":   {record.SessionSearch{Plan: "video15"}, ""},
		"a plan":         {record.SessionSearch{Plan: "chat10", Overdue: true}, "ada"},
		"later":          {record.SessionSearch{From: now.Add(time.Hour)}, ""},
		"earlier":        {record.SessionSearch{To: now.Add(-time.Hour)}, ""},
		"now":            {record.SessionSearch{From: now.Add(-time.Hour), To: now.Add(time.Hour)}, "dora cleo bob ada"},
		"by deadline":    {record.SessionSearch{ByDeadline: true, Status: curfew.Waiting, MechanicID: "Max"}, "bob"},
		"due":            {record.SessionSearch{ByDeadline: true, Overdue: true}, "ada"},
		"due of one":     {record.SessionSearch{ByDeadline: true, CustomerID: "dora"}, "dora"},
		"overdue of one": {record.SessionSearch{ByDeadline: true, CustomerID: "ada", Overdue: true}, "ada"},
		"not overdue":    {record.SessionSearch{ByDeadline: true, CustomerID: "dora", Overdue: true}, ""},
		"due of both":    {record.SessionSearch{ByDeadline: true, CustomerID: "bob", MechanicID: "Max"}, "bob"},
		"ended, due":     {record.SessionSearch{ByDeadline: true, CustomerID: "cleo"}, ""},
		"due later":      {record.SessionSearch{ByDeadline: true, From: now.Add(time.Hour)}, ""},
	} {
		f.same(search, customersOf(f, want.q), want.want)
	}
}

func ordersTheSame(f *fixture) {
	aDirectory(f)
	byDeadline := strings.Fields(customersOf(f, record.SessionSearch{ByDeadline: true}))
	if byDeadline[0] != "ada" {
		f.Errorf("the first by deadline is %s", byDeadline[0])
	}
	byAge := strings.Fields(customersOf(f, record.SessionSearch{Status: curfew.Waiting}))
	slices.Sort(byDeadline)
	slices.Sort(byAge)
	f.same("those that wait", byDeadline, byAge)
}

func marksAPlace(f *fixture) {
	aDirectory(f)
	mark, err := directoryOf(f).SessionMark(f.Context(), record.SessionSearch{ByDeadline: true, CustomerID: "ada"}, 0)
	f.must(err)
	f.same("the mark of a list that is found by its key", mark, curfew.Cursor{})
	for _, q := range []record.SessionSearch{{}, {ByDeadline: true}} {
		q.Limit = 100
		all, err := directoryOf(f).ListSessions(f.Context(), q)
		f.must(err)
		mark, err := directoryOf(f).SessionMark(f.Context(), q, 2)
		f.must(err)
		f.same("the mark", mark, q.Place(all[2].Session))
		q.Until = mark
		down, err := directoryOf(f).ListSessions(f.Context(), q)
		f.must(err)
		f.same("rows down to it", len(down), 3)
		q.After, q.Until = mark, curfew.Cursor{}
		if mark, err = directoryOf(f).SessionMark(f.Context(), q, 2); err != nil || mark != (curfew.Cursor{}) {
			f.Errorf("behind it the mark is %v, %v", mark, err)
		}
	}
}

func refusesTwoOwners(f *fixture) {
	_, err := directoryOf(f).ListSessions(f.Context(), record.SessionSearch{CustomerID: "ada", MechanicID: "Max", Limit: 1})
	f.kind(err, curfew.Invalid)
}

// hitsOf returns what was found, as kinds and ids.
func hitsOf(found []record.Hit) []string {
	all := []string{}
	for _, m := range found {
		all = append(all, m.Kind+" "+m.ID)
	}
	slices.Sort(all)
	return all
}

func findsWhatIsCalledSo(f *fixture) {
	st := f.admit("ada")
	c := f.paidBy(st)
	for text, want := range map[string][]string{
		"ada": {"customer ada", "customer ada"}, c.Ref: {"payment " + c.ID}, "Ada": {}, "": {}, curfew.Nobody: {},
	} {
		found, err := directoryOf(f).FindExact(f.Context(), text)
		f.must(err)
		f.same("found by "+text, hitsOf(found), want)
	}
}

func findsIDs(f *fixture) {
	st := f.admit("ada")
	low, high := st.ID[:24]+"000000000000", st.ID[:24]+"ffffffffffff"
	found, err := directoryOf(f).FindIDs(f.Context(), low, high, 5)
	f.must(err)
	f.same("found", hitsOf(found), []string{"session " + st.ID})
	if found[0].CustomerID != "ada" || found[0].Status != "waiting" || found[0].Plan != "chat10" {
		f.Errorf("found %+v", found[0])
	}
	none, err := directoryOf(f).FindIDs(f.Context(), "no", "id", 5)
	f.must(err)
	f.same("found by what is no id", len(none), 0)
}

func findsPayers(f *fixture) {
	for i, name := range []string{"Kim Öztürk", "KIM Ada", "Mo"} {
		for range 2 {
			a := admission(fmt.Sprint("customer-", i))
			a.Checkout.Name, a.Checkout.Email, a.Session.Plan = name, "Mail"+fmt.Sprint(i)+"@example.org", "chat10"
			st, err := f.Store.Admit(f.Context(), a)
			f.must(err)
			finished(f, st)
		}
	}
	for begins, want := range map[string][]string{
		"kim": {"customer customer-0", "customer customer-1"}, "kim Ö": {"customer customer-0"}, "mail2": {"customer customer-2"}, "im": {},
	} {
		found, err := directoryOf(f).FindPayers(f.Context(), record.Span{From: begins, Below: begins + "\U0010ffff"}, 5)
		f.must(err)
		f.same("found by "+begins, hitsOf(found), want)
	}
}

func findsMechanics(f *fixture) {
	for i, mechanic := range []string{"max", "Max", "mara", "zoe"} {
		finished(f, f.accepted(fmt.Sprint("customer-", i), mechanic))
	}
	found, err := directoryOf(f).FindMechanics(f.Context(), record.Span{From: "ma", Below: "ma\U0010ffff"}, 5)
	f.must(err)
	got := hitsOf(found)
	f.same("found", len(got), 2) // of those that differ by their case alone, one
	f.same("the first", got[1], "mechanic mara")
}

func findsWhatIsRecent(f *fixture) {
	st := f.accepted("ada", "Max")
	c := f.paidBy(st)
	f.admit("bob")
	for part, want := range map[string][]string{
		st.ID[26:]:                 {"session " + st.ID},
		"max":                      {"session " + st.ID},
		strings.ToLower(c.Ref)[8:]: {"payment " + c.ID},
		"nothing":                  {},
	} {
		found, err := directoryOf(f).FindRecent(f.Context(), []string{"no such", part}, 100, 5, time.Minute)
		f.must(err)
		f.same("found by "+part, hitsOf(found), want)
	}
	found, err := directoryOf(f).FindRecent(f.Context(), []string{"ada"}, 0, 5, time.Minute)
	f.must(err)
	f.same("found among nothing", len(found), 0)
}

func listsPayments(f *fixture) {
	f.record("ada", curfew.Held)
	f.record("bob", curfew.Credited)
	f.admit("cleo")
	now := time.Now()
	for name, want := range map[string]struct {
		q    record.PaymentSearch
		want []string
		mark bool // there is one two rows behind
	}{
		"all":         {record.PaymentSearch{}, []string{"cleo", "bob", "ada"}, true},
		"an outcome":  {record.PaymentSearch{Outcome: curfew.Credited}, []string{"bob"}, true},
		"held":        {record.PaymentSearch{Outcome: curfew.Held}, []string{"ada"}, false},
		"a customer":  {record.PaymentSearch{CustomerID: "cleo"}, []string{"cleo"}, false},
		"an amount":   {record.PaymentSearch{Amounts: []int64{1, 990}, Outcome: curfew.Fulfilled}, []string{"cleo"}, true},
		"no amount":   {record.PaymentSearch{Amounts: []int64{1}}, nil, true},
		"no plan":     {record.PaymentSearch{Plan: "none"}, nil, true},
		"later":       {record.PaymentSearch{From: now.Add(time.Hour)}, nil, false},
		"held, later": {record.PaymentSearch{Outcome: curfew.Held, From: now.Add(time.Hour)}, nil, false},
	} {
		want.q.Limit = 10
		found, err := listsOf(f).ListPayments(f.Context(), want.q)
		f.must(err)
		var got []string
		for _, c := range found {
			got = append(got, c.CustomerID)
		}
		f.same(name, got, want.want)
		mark, err := listsOf(f).PaymentMark(f.Context(), want.q, 2)
		f.must(err)
		f.same(name+": the mark", mark != "", want.mark)
	}
}
