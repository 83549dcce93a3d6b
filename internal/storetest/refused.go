package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var refusedMessages = contract{
	"refused messages are counted by provider and reason":           countsRefused,
	"after an hour without one the count starts again":              countsRefusedAnew,
	"refused messages are listed for an hour after the last one":    listsRefused,
	"every refused message is counted, however many arrive at once": countsRefusedAtOnce,
	"unusable genuine messages are listed for a week":               listsUnusable,
	"old messages are deleted":                                      tidiesMessages,
}

func (f *operationFixture) refusedNow() []record.RefusedMessages {
	f.Helper()
	all, err := f.Store.RefusedMessages(f.Context())
	f.must(err)
	return all
}

var anyMoment = cmpopts.IgnoreFields(record.RefusedMessages{}, "FirstAt", "LastAt")

func (f *operationFixture) refuse(provider, reason string, n int64) {
	f.Helper()
	f.must(f.Store.CountRefused(f.Context(), provider, reason, n))
}

func countsRefused(f *fixture) {
	f.same("none", f.refusedNow(), []record.RefusedMessages(nil))
	f.refuse("stripe", "too old", 1)
	f.refuse("stripe", "no signature", 5)
	f.refuse("bank", "too old", 2)
	f.refuse("stripe", "too old", 3)
	got := f.refusedNow()
	f.same("the counts", got, []record.RefusedMessages{
		{Provider: "bank", Reason: "too old", Count: 2}, {Provider: "stripe", Reason: "no signature", Count: 5}, {Provider: "stripe", Reason: "too old", Count: 4},
	}, anyMoment)
	f.around("the first", got[2].FirstAt, time.Now())
	f.around("the last", got[2].LastAt, time.Now())
}

func countsRefusedAnew(f *fixture) {
	f.refuse("stripe", "recent", 5)
	f.refuse("stripe", "old", 5)
	f.exec("UPDATE {refused_messages} SET first_at = " + f.past(3*time.Hour) + ", last_at = " + f.past(59*time.Minute))
	f.exec("UPDATE {refused_messages} SET last_at = " + f.past(61*time.Minute) + " WHERE reason = 'old'")
	f.refuse("stripe", "recent", 1)
	f.refuse("stripe", "old", 1)
	got := f.refusedNow()
	f.same("the counts", got, []record.RefusedMessages{
		{Provider: "stripe", Reason: "old", Count: 1}, {Provider: "stripe", Reason: "recent", Count: 6},
	}, anyMoment)
	f.around("the first of those counted anew", got[0].FirstAt, time.Now())
	f.around("the first of the others", got[1].FirstAt, time.Now().Add(-3*time.Hour))
}

func listsRefused(f *fixture) {
	f.refuse("stripe", "recent", 1)
	f.refuse("stripe", "old", 1)
	f.exec("UPDATE {refused_messages} SET last_at = " + f.past(61*time.Minute) + " WHERE reason = 'old'")
	f.same("what matters", f.refusedNow(), []record.RefusedMessages{{Provider: "stripe", Reason: "recent", Count: 1}}, anyMoment)
}

func countsRefusedAtOnce(f *fixture) {
	f.race(50, curfew.Conflict, func(int) error { return f.Store.CountRefused(f.Context(), "stripe", "too old", 2) })
	f.same("the count", f.refusedNow(), []record.RefusedMessages{{Provider: "stripe", Reason: "too old", Count: 100}}, anyMoment)
}

func tidiesMessages(f *fixture) {
	for _, name := range []string{"old", "recent"} {
		f.must(f.Store.KeepMessage(f.Context(), record.ProviderMessage{Provider: "stripe", ID: name, Reason: "odd"}))
		f.refuse("stripe", name, 1)
	}
	for table, column := range map[string]string{"provider_messages": "received_at", "refused_messages": "last_at"} {
		name := map[string]string{"provider_messages": "id", "refused_messages": "reason"}[table]
		f.exec("UPDATE {" + table + "} SET " + column + " = " + f.past(record.MessagesKept-time.Hour))
		f.exec("UPDATE {" + table + "} SET " + column + " = " + f.past(record.MessagesKept+time.Hour) + " WHERE " + name + " = 'old'")
	}
	f.must(f.Store.Tidy(f.Context(), time.Hour))
	f.same("messages", f.rows("SELECT id FROM {provider_messages}"), []string{"recent"})
	f.same("refused", f.rows("SELECT reason FROM {refused_messages}"), []string{"recent"})
}

func listsUnusable(f *fixture) {
	f.refuse("bank", record.Unusable, 1)
	f.exec("UPDATE {refused_messages} SET last_at = " + f.past(6*24*time.Hour) + ", first_at = last_at")
	f.refuse("bank", record.Unusable, 2)
	f.same("within a week", f.refusedNow(), []record.RefusedMessages{{Provider: "bank", Reason: record.Unusable, Count: 3}}, anyMoment)
	f.exec("UPDATE {refused_messages} SET last_at = " + f.past(8*24*time.Hour))
	f.same("later", f.refusedNow(), []record.RefusedMessages(nil))
	f.refuse("bank", record.Unusable, 1)
	f.same("and anew", f.refusedNow(), []record.RefusedMessages{{Provider: "bank", Reason: record.Unusable, Count: 1}}, anyMoment)
}
