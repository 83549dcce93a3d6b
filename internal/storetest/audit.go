package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var audits = contract{
	"what is appended is read, newest or oldest first":               readsAudit,
	"entries are selected by actor, action, customer and time":       choosesAudit,
	"a link whose number is taken is a conflict, and writes nothing": collidesAudit,
	"a repeated batch is recognized, and written once":               findsAuditBatch,
	"erasing a customer affects nobody else":                         erasesAudit,
	"pruning keeps the newest old link and everything younger":       prunesAudit,
	"pruning stops at its limit, and continues there":                prunesAuditInParts,
	"lost entries are counted":                                       countsLostAudit,
	"appended entries name nobody who was erased meanwhile":          appendsNobodyErased,
}

// auditStore is the part of a store that stores the audit log.
type auditStore interface {
	AuditHead(ctx context.Context, batch string) (record.AuditHead, error)
	AppendAudit(ctx context.Context, l record.AuditLink, entries []record.AuditEntry) error
	AuditLinks(ctx context.Context, after int64, limit int) ([]record.AuditLink, error)
	AuditEntries(ctx context.Context, q record.AuditSearch) ([]record.AuditEntry, error)
	EraseAudit(ctx context.Context, customerID string) (int, error)
	PruneAudit(ctx context.Context, keep time.Duration, limit int) (int, error)
	AuditLost(ctx context.Context, within time.Duration) (record.AuditLosses, error)
}

func (f *fixture) audit() auditStore {
	return f.Store.(auditStore) //nolint:errcheck,forcetypeassert // both are
}

// appended appends a link with an entry about each customer, dated ago before now.
func (f *fixture) appended(ago time.Duration, customers ...string) (record.AuditLink, []record.AuditEntry) {
	f.Helper()
	l, entries := f.unappended(ago, customers...)
	f.must(f.audit().AppendAudit(f.Context(), l, entries))
	return l, entries
}

func (f *fixture) unappended(ago time.Duration, customers ...string) (record.AuditLink, []record.AuditEntry) {
	f.Helper()
	head, err := f.audit().AuditHead(f.Context(), newID())
	f.must(err)
	l := record.AuditLink{
		Number: head.Number + 1, Batch: newID(), First: head.Last + 1, Last: head.Last + int64(len(customers)),
		At: head.Now.Add(-ago).UTC().Truncate(time.Microsecond), Hash: hashOf("a"),
	}
	var entries []record.AuditEntry
	for i, customer := range customers {
		e := record.AuditEntry{
			Number: l.First + int64(i), At: l.At, Actor: curfew.Actor{Role: curfew.Admin, ID: "mara"}, Action: "explain", Via: "api", Status: 200, RequestID: "r1",
		}
		if customer != "" {
			e.About, e.Commitment = record.AuditSubject{Customer: customer, Object: "o", Detail: "d", Salt: "s"}, hashOf("b")
		}
		entries = append(entries, e)
	}
	return l, entries
}

func (f *fixture) audited(q record.AuditSearch) []record.AuditEntry {
	f.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	all, err := f.audit().AuditEntries(f.Context(), q)
	f.must(err)
	return all
}

func (f *fixture) auditNumbers(q record.AuditSearch) []int64 {
	f.Helper()
	numbers := []int64{}
	for _, e := range f.audited(q) {
		numbers = append(numbers, e.Number)
	}
	return numbers
}

func readsAudit(f *fixture) {
	head, err := f.audit().AuditHead(f.Context(), newID())
	f.must(err)
	f.around("now", head.Now, time.Now())
	f.same("no link", head.AuditLink, record.AuditLink{})
	f.same("nothing", f.auditNumbers(record.AuditSearch{}), []int64{})
	l, entries := f.appended(0, "ada", "")
	next, more := f.appended(0, "bob")
	f.same("oldest first", f.audited(record.AuditSearch{Oldest: true}), append(entries, more...))
	f.same("newest first", f.auditNumbers(record.AuditSearch{}), []int64{3, 2, 1})
	f.same("a page", f.auditNumbers(record.AuditSearch{Limit: 1}), []int64{3})
	f.same("the next", f.auditNumbers(record.AuditSearch{Limit: 1, After: 3}), []int64{2})
	f.same("the next of the oldest", f.auditNumbers(record.AuditSearch{Oldest: true, After: 1}), []int64{2, 3})
	links, err := f.audit().AuditLinks(f.Context(), 0, 10)
	f.must(err)
	f.same("links", links, []record.AuditLink{l, next})
	links, err = f.audit().AuditLinks(f.Context(), 1, 1)
	f.must(err)
	f.same("links behind", links, []record.AuditLink{next})
	head, err = f.audit().AuditHead(f.Context(), next.Batch)
	f.must(err)
	f.same("head", head.AuditLink, next)
}

func appendsNobodyErased(f *fixture) {
	f.earlier("ada")
	f.earlier("bob")
	f.earlier("carl")
	beside, _ := f.appended(time.Minute, "ada", "carl") // by a process that did not see the erasure, nor the erasure it
	kept := f.rows("SELECT number, subject, object, detail, salt FROM {audit_subjects} WHERE number = 1")
	to := record.Pseudonym(newID())
	f.erased("ada", "")
	f.exec("INSERT INTO {audit_subjects} (number, subject, object, detail, salt) VALUES (1, 'ada', 'o', 'd', 's')")
	f.same("as before", f.rows("SELECT number, subject, object, detail, salt FROM {audit_subjects} WHERE number = 1"), kept)
	f.erased("bob", to)
	f.appended(time.Minute, "ada", "bob", "carl", "") // waited until now
	f.appended(0, "bob")                              // was looked at when the erasure ended
	f.appended(-time.Second, "ada", to, "carl")       // is noted later
	var left []string
	for _, e := range f.audited(record.AuditSearch{Oldest: true}) {
		left = append(left, e.About.Customer)
	}
	f.same("whom the log names", left, []string{"", "carl", "", "", "carl", "", "", "ada", to, "carl"})
	f.same("the first link", beside.First, int64(1))
}

func choosesAudit(f *fixture) {
	_, _ = f.appended(48*time.Hour, "ada", "bob", "")
	l, entries := f.unappended(time.Hour, "ada", "bob")
	entries[0].Action, entries[1].Actor.ID = "refundCheckout", "otto"
	f.must(f.audit().AppendAudit(f.Context(), l, entries))
	for sentence, c := range map[string]struct {
		q    record.AuditSearch
		want []int64
	}{
		"whom":                {record.AuditSearch{Customer: "ada"}, []int64{4, 1}},
		"whom and who":        {record.AuditSearch{Customer: "bob", Actor: "admin:otto"}, []int64{5}},
		"who":                 {record.AuditSearch{Actor: "admin:otto"}, []int64{5}},
		"who and what":        {record.AuditSearch{Actor: "admin:mara", Action: "refundCheckout"}, []int64{4}},
		"what":                {record.AuditSearch{Action: "explain"}, []int64{5, 3, 2, 1}},
		"since":               {record.AuditSearch{Since: time.Now().Add(-24 * time.Hour)}, []int64{5, 4}},
		"since, of somebody":  {record.AuditSearch{Since: time.Now().Add(-24 * time.Hour), Customer: "ada"}, []int64{4}},
		"since never":         {record.AuditSearch{Since: time.Now().Add(time.Hour)}, []int64{}},
		"an actor of nothing": {record.AuditSearch{Actor: "admin"}, []int64{}},
	} {
		f.same(sentence, f.auditNumbers(c.q), c.want)
	}
}

func collidesAudit(f *fixture) {
	l, entries := f.unappended(0, "ada")
	f.must(f.audit().AppendAudit(f.Context(), l, entries))
	again, others := l, entries
	again.Batch = newID()
	f.refused(curfew.Conflict, func() error { return f.audit().AppendAudit(f.Context(), again, others) })
	f.same("one entry", f.auditNumbers(record.AuditSearch{}), []int64{1})
	again = l
	again.Number, again.First, again.Last = 2, 2, 1
	f.refused(curfew.Conflict, func() error { return f.audit().AppendAudit(f.Context(), again, nil) })
}

func findsAuditBatch(f *fixture) {
	l, _ := f.appended(0, "ada")
	_, _ = f.appended(0, "ada")
	head, err := f.audit().AuditHead(f.Context(), l.Batch)
	f.must(err)
	f.same("found", head.Written, true)
	head, err = f.audit().AuditHead(f.Context(), newID())
	f.must(err)
	f.same("another", head.Written, false)
}

func erasesAudit(f *fixture) {
	_, _ = f.appended(0, "ada", "bob", "ada")
	n, err := f.audit().EraseAudit(f.Context(), "ada")
	f.must(err)
	f.same("of how many", n, 2)
	f.same("of nobody", f.auditNumbers(record.AuditSearch{Customer: "ada"}), []int64{})
	for _, e := range f.audited(record.AuditSearch{Oldest: true}) {
		f.same("erased", e.Erased(), e.Number != 2)
		f.same("with its commitment", e.Commitment, hashOf("b"))
	}
	n, err = f.audit().EraseAudit(f.Context(), "")
	f.must(err)
	f.same("nobody is not everybody", n, 0)
}

const auditKeep = record.MinAuditKeep + time.Hour

func prunesAudit(f *fixture) {
	pruned := func(want int) {
		f.Helper()
		n, err := f.audit().PruneAudit(f.Context(), auditKeep, 100)
		f.must(err)
		f.same("pruned", n, want)
	}
	pruned(0)
	_, _ = f.appended(auditKeep+2*time.Hour, "ada", "bob")
	_, _ = f.appended(auditKeep+time.Minute, "ada")
	_, _ = f.appended(auditKeep-time.Minute, "ada", "")
	pruned(3)
	pruned(0)
	f.same("what is left", f.auditNumbers(record.AuditSearch{}), []int64{5, 4})
	links, err := f.audit().AuditLinks(f.Context(), 0, 10)
	f.must(err)
	f.same("the anchor", []int64{links[0].Number, links[0].Last, links[1].Number}, []int64{2, 3, 3})
	f.same("subjects", f.Query(f, "SELECT number FROM "+f.Schema+"audit_subjects"), [][]string{{"4"}})
}

func prunesAuditInParts(f *fixture) {
	for range 4 {
		_, _ = f.appended(auditKeep+time.Hour, "ada", "bob")
	}
	total, parts := 0, 0
	for {
		n, err := f.audit().PruneAudit(f.Context(), auditKeep, 4)
		f.must(err)
		if total += n; n == 0 {
			break
		}
		parts++
	}
	f.same("entries", total, 8)
	if parts < 2 {
		f.Errorf("they went in %d parts", parts)
	}
}

func countsLostAudit(f *fixture) {
	for _, ago := range []time.Duration{48 * time.Hour, time.Hour} {
		l, entries := f.unappended(ago, "ada")
		l.Lost = 7
		f.must(f.audit().AppendAudit(f.Context(), l, entries))
	}
	_, _ = f.appended(0, "ada")
	lost, err := f.audit().AuditLost(f.Context(), 24*time.Hour)
	f.must(err)
	f.same("of the last day", lost.Count, int64(7))
	f.around("since", lost.Since.Add(time.Hour), time.Now())
	lost, err = f.audit().AuditLost(f.Context(), time.Minute)
	f.must(err)
	f.same("none", lost, record.AuditLosses{})
}
