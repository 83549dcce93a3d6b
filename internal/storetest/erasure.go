package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var erasures = contract{
	"an erasure removes every personal text, and keeps the history and the books": erasesTexts,
	"an erasure that replaces the id leaves it nowhere":                           replacesID,
	"an erasure changes nobody else's rows":                                       erasesOneCustomer,
	"nothing is erased while a session is open":                                   keepsOpen,
	"nothing is erased while a payment has no outcome":                            keepsUnsettled,
	"a credit keeps the id that can spend it":                                     keepsCredits,
	"nothing is erased if anything has happened since the plan":                   keepsMoved,
	"an erasure is executed once":                                                 erasesOnce,
	"a plan is deleted after a day, an executed erasure is not":                   forgetsPlans,
	"an export reads rows of that customer only":                                  readsPersonal,
	"quiet customers are read page by page, with whether they were erased":        findsQuiet,
	"an erasure can meet an admission at any moment":                              erasesBesideAdmissions,
}

// erasureStore is the part of a store that exports and erases.
type erasureStore interface {
	Personal(ctx context.Context, customerID string) ([]record.PersonalRows, error)
	Held(ctx context.Context, customerID string) (record.Held, error)
	PlanErasure(ctx context.Context, e record.Erasure) (record.Erasure, error)
	Erasure(ctx context.Context, id string) (record.Erasure, error)
	Erase(ctx context.Context, e record.Erasure) (record.Erasure, error)
	Quiet(ctx context.Context, q record.QuietSearch) ([]record.QuietCustomer, error)
}

func (f *fixture) erasures() erasureStore {
	return f.Store.(erasureStore) //nolint:errcheck,forcetypeassert // both are
}

// planned returns the plan of an erasure, which replaces the id if a pseudonym is given.
func (f *fixture) planned(customer, pseudonym string) record.Erasure {
	f.Helper()
	held, err := f.erasures().Held(f.Context(), customer)
	f.must(err)
	e, err := f.erasures().PlanErasure(f.Context(), record.Erasure{
		ID: newID(), CustomerID: customer, Pseudonym: pseudonym, Version: held.Version, Held: held.Rows, Actor: mara,
	})
	f.must(err)
	e.Actor, e.Reason = mara, "asked for"
	return e
}

// erased executes the erasure of a customer.
func (f *fixture) erased(customer, pseudonym string) record.Erasure {
	f.Helper()
	e, err := f.erasures().Erase(f.Context(), f.planned(customer, pseudonym))
	f.must(err)
	return e
}

// mark is part of every personal text of a marked customer.
const mark = "mark-"

// marked returns a session of a customer with a marker in every personal field, and nothing that is
// open or unsettled.
func (f *fixture) marked(customer string) curfew.Snapshot {
	f.Helper()
	a := keyed(customer, mark+"key")
	a.Checkout.Email, a.Checkout.Name = mark+"Mail@example.org", mark+"Name"
	a.Checkout.Metadata = map[string]string{"campaign": mark + "metadata", mark + "key": "x"}
	a.Checkout.Note = mark + "note"
	a.Request.CustomerName = mark + "name"
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	run, err := f.Store.BeginRun(f.Context(), curfew.Run{Trigger: curfew.ByCommand, Actor: mara, Reason: mark + "run"})
	f.must(err)
	c := endChange(f.change(starting(f.change(accepting(st, "max")))), curfew.Completed, curfew.Finished)
	c.Actor, c.Reason, c.RunID = mara, "finished: "+mark+"reason", run.ID
	st = f.change(c)
	_, err = f.Store.Annotate(f.Context(), record.Annotation{From: f.paidBy(st), Actor: mara, Reason: mark + "annotation", Note: mark + "note"})
	f.must(err)
	run.Outcome, run.Error = curfew.RunFailed, "row of "+mark+"mail@example.org"
	_, err = f.Store.FinishRun(f.Context(), run)
	f.must(err)
	f.must(f.Store.Refuse(f.Context(), customer, st.ID))
	f.must(f.Store.KeepMessage(f.Context(), record.ProviderMessage{Provider: "stripe", ID: "evt-" + newID(), Body: `{"email":"` + mark + `mail@example.org"}`, Reason: "odd"}))
	f.must(f.signIns().AddSignIn(f.Context(), record.SignIn{ID: newID(), Actor: curfew.Actor{Role: curfew.Customer, ID: customer}, Browser: mark + "browser"}, time.Hour))
	f.exec(fmt.Sprintf(`INSERT INTO {deliveries} (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body, state, created_at, updated_at, next_at)
		SELECT customer_id, '%s', id, subject_id, number, 'mail', 'mail', '%smail@example.org', 'x', '%sbody', 'delivered', at, at, at
		FROM {events} WHERE subject_id = '%s' AND number = 1`, newID(), mark, mark, st.ID))
	f.exec("INSERT INTO {unsubscriptions} (address_hash, kind, at) SELECT '" + record.AddressHash(mark+"mail@example.org") + "', 'accepted', created_at FROM {sessions} WHERE id = '" + st.ID + "'")
	return f.read(st.ID)
}

// nowhere fails if a text is in any row.
func (f *fixture) nowhere(text string) {
	f.Helper()
	for _, line := range f.whole() {
		if strings.Contains(strings.ToLower(line), strings.ToLower(text)) {
			f.Errorf("%q is left in %s", text, line)
		}
	}
}

// transitions returns the transitions of a customer's events, without actors and reasons.
func (f *fixture) transitions(customer string) []string {
	f.Helper()
	return f.rows("SELECT subject_id, number, subject, from_status, to_status, at FROM {events} WHERE customer_id = '" + customer + "' ORDER BY subject_id, number")
}

func erasesTexts(f *fixture) {
	st := f.marked("ada")
	history, paid := f.transitions("ada"), f.paidBy(st)
	if !strings.Contains(strings.Join(f.whole(), "\n"), mark) {
		f.Fatal("nothing is marked")
	}
	done := f.erased("ada", "")
	f.nowhere(mark)
	f.same("the history", f.transitions("ada"), history)
	paid.Email, paid.Name, paid.Metadata, paid.Note = "", "", nil, ""
	f.same("the books", f.paidBy(st), paid)
	f.same("what was done", done.Held["checkouts"], int64(1))
	f.same("why it ended", f.rows("SELECT reason FROM {events} WHERE subject_id = '"+st.ID+"' AND to_status = 'completed'"), []string{"finished"})
	f.same("unsubscriptions", f.rows("SELECT * FROM {unsubscriptions}"), []string(nil))
	f.same("sign-ins", f.rows("SELECT * FROM {sign_ins}"), []string(nil))
}

func replacesID(f *fixture) {
	const id = mark + "ada@example.org"
	st := f.marked(id)
	f.exec("INSERT INTO {revocations} (noun, name, at, actor) SELECT 'subject', 'customer:" + id + "', created_at, 'admin:mara' FROM {sessions}")
	f.earlier(id)
	history, to := f.transitions(id), record.Pseudonym(newID())
	done := f.erased(id, to)
	f.nowhere(mark)
	f.same("the customer", done.CustomerID, to)
	f.same("the history", f.transitions(to), history)
	c := f.checkout(to, st.CheckoutID)
	l, err := f.Store.LedgerOf(f.Context(), c.Ref)
	f.must(err)
	f.same("the payment's name leads there", l.Checkouts[0].CustomerID, to)
	f.same("the request", f.read(st.ID).Request.CustomerID, to)
	f.same("who joined", f.rows("SELECT count(*) FROM {events} WHERE actor = 'customer:" + to + "'")[0] != "0", true)
}

// earlier gives a customer a session that they cancelled and whose money was refunded.
func (f *fixture) earlier(customer string) {
	f.Helper()
	c := endChange(f.admit(customer), curfew.Cancelled, curfew.ByRequest)
	c.Owed = curfew.Forfeited
	f.change(c)
}

func erasesOneCustomer(f *fixture) {
	f.marked("ada")
	f.earlier("adam")
	before := f.dumpOf("adam")
	f.erased("ada", record.Pseudonym(newID()))
	f.same("the other customer's rows", f.dumpOf("adam"), before)
}

func (f *fixture) dumpOf(customer string) (all []string) {
	f.Helper()
	for _, row := range f.dump() {
		if strings.Contains(row, customer+"|") {
			all = append(all, row)
		}
	}
	return all
}

func keepsOpen(f *fixture) {
	st := f.admit("ada")
	e := f.planned("ada", "")
	f.refused(curfew.Conflict, func() error {
		err := second(f.erasures().Erase(f.Context(), e))
		if err == nil || !strings.Contains(err.Error(), "session "+st.ID+" is waiting") {
			f.Errorf("the session is not named: %v", err)
		}
		return err
	})
}

func keepsUnsettled(f *fixture) {
	for _, outcome := range []curfew.Outcome{curfew.Promised, curfew.Held, curfew.RefundDue} {
		customer := "ada-" + string(outcome)
		c := f.record(customer, outcome)
		e := f.planned(customer, "")
		f.refused(curfew.Conflict, func() error {
			err := second(f.erasures().Erase(f.Context(), e))
			if err == nil || !strings.Contains(err.Error(), "payment "+c.ID+" is "+string(outcome)) {
				f.Errorf("the payment is not named: %v", err)
			}
			return err
		})
	}
	c := f.deferred("bob", time.Hour)
	e := f.planned("bob", "")
	f.refused(curfew.Conflict, func() error { return second(f.erasures().Erase(f.Context(), e)) })
	f.same("it is deferred", c.Outcome, curfew.Deferred)
}

func keepsCredits(f *fixture) {
	c := f.credited("ada")
	e := f.planned("ada", record.Pseudonym(newID()))
	f.refused(curfew.Conflict, func() error { return second(f.erasures().Erase(f.Context(), e)) })
	f.erased("ada", "")
	credit, err := f.Store.Credit(f.Context(), "ada", "chat10")
	f.must(err)
	f.same("the credit", credit.ID, c.ID)
}

func keepsMoved(f *fixture) {
	f.marked("ada")
	e := f.planned("ada", "")
	f.earlier("ada")
	f.refused(curfew.Conflict, func() error { return second(f.erasures().Erase(f.Context(), e)) })
}

func erasesOnce(f *fixture) {
	f.marked("ada")
	e := f.planned("ada", record.Pseudonym(newID()))
	won := f.race(5, curfew.Conflict, func(int) error { return second(f.erasures().Erase(f.Context(), e)) })
	f.same("how many were answered", len(won), 5)
	again, err := f.erasures().Erasure(f.Context(), e.ID)
	f.must(err)
	f.same("who", again.CustomerID, e.Pseudonym)
	f.same("why", again.Reason, "asked for")
	f.same("rows", f.rows("SELECT count(*) FROM {erasures}"), []string{"1"})
}

func forgetsPlans(f *fixture) {
	f.marked("ada")
	done, old := f.erased("ada", ""), f.planned("ada", "")
	f.exec("UPDATE {erasures} SET planned_at = " + f.past(record.ErasurePlanLife+time.Minute))
	f.kind(second(f.erasures().Erasure(f.Context(), old.ID)), curfew.NotFound)
	f.refused(curfew.Conflict, func() error { return second(f.erasures().Erase(f.Context(), old)) })
	f.kind(second(f.erasures().Erasure(f.Context(), newID())), curfew.NotFound)
	f.planned("ada", "")
	if err := second(f.erasures().Erasure(f.Context(), done.ID)); err != nil {
		f.Errorf("what was carried out is forgotten: %v", err)
	}
	f.same("old plans", f.rows("SELECT count(*) FROM {erasures} WHERE id = '"+old.ID+"'"), []string{"0"})
}

func readsPersonal(f *fixture) {
	f.marked("ada")
	f.admit("bob")
	all, err := f.erasures().Personal(f.Context(), "ada")
	f.must(err)
	found, text := map[string]int{}, fmt.Sprint(all)
	for _, t := range all {
		found[t.Table.Name] = len(t.Rows)
	}
	f.same("rows", found, map[string]int{
		"sessions": 1, "session_requests": 1, "checkouts": 1, "events": found["events"], "deliveries": 1, "idempotency_keys": 1, "refusals": 1,
		"payment_refs": 1, "sign_ins": 1, "payment_facts": 0, "payment_repayments": 0, "mechanic_slots": 0, "revocations": 0, "absences": 0,
	})
	for _, want := range []string{mark + "Mail@example.org", mark + "Name", mark + "metadata", mark + "body", mark + "browser", mark + "annotation"} {
		if !strings.Contains(text, want) {
			f.Errorf("%q is missing in %s", want, text)
		}
	}
	if strings.Contains(text, "bob") {
		f.Errorf("another customer is in %s", text)
	}
	held, err := f.erasures().Held(f.Context(), "nobody")
	f.must(err)
	f.same("of nobody", held.Version, int64(0))
}

func erasesBesideAdmissions(f *fixture) {
	for range 5 {
		customer := "ada-" + newID()
		f.earlier(customer)
		e, to := f.planned(customer, ""), record.Pseudonym(newID())
		e.Pseudonym = to
		f.exec("UPDATE {erasures} SET pseudonym = '" + to + "' WHERE id = '" + e.ID + "'")
		errs := together(2, func(i int) error {
			if i == 0 {
				return second(f.erasures().Erase(f.Context(), e))
			}
			return second(f.Store.Admit(f.Context(), admission(customer)))
		})
		f.must(errs[1])
		if errs[0] != nil {
			f.kind(errs[0], curfew.Conflict)
		}
	}
}

func findsQuiet(f *fixture) {
	for _, customer := range []string{"a-1", "a-2", "a-3", "a-4"} {
		f.earlier(customer)
	}
	f.erased("a-2", "")
	f.erased("a-3", "")
	f.earlier("a-3")
	quiet := func(age time.Duration, after string, limit int) []record.QuietCustomer {
		f.Helper()
		all, err := f.erasures().Quiet(f.Context(), record.QuietSearch{For: age, After: after, Limit: limit})
		f.must(err)
		return all
	}
	f.same("nobody is quiet for an hour", quiet(time.Hour, "", 3), []record.QuietCustomer{{ID: "a-1"}, {ID: "a-2", Erased: true}, {ID: "a-3"}})
	f.same("everybody is quiet from now on", quiet(-time.Hour, "a-1", 9), []record.QuietCustomer{
		{ID: "a-2", Quiet: true, Erased: true}, {ID: "a-3", Quiet: true}, {ID: "a-4", Quiet: true},
	})
	f.same("behind the last", quiet(time.Hour, "a-4", 9), []record.QuietCustomer(nil))
}
