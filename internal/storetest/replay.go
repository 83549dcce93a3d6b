package storetest

import (
	"strings"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var replays = contract{
	"an unknown reference or key is not found":                            unknownReceipts,
	"lesson 8: a reference returns its current outcome and first session": replaysReference,
	"a key returns the session that was admitted with it":                 replaysKey,
	"a deferral claims its reference and creates no session":              defers,
	"a deferral does not need a free slot":                                defersBesideOpen,
	"a deferral's reference is claimed once":                              refusesDeferral,
	"a deferral is served once, by its own session":                       servesDeferral,
	"a credit is spent once, by a session of its own":                     spendsCredit,
	"a checkout that has changed pays for nothing":                        refusesSpending,
	"a checkout pays for nothing while the slot is taken":                 refusesSpendingWhileOpen,
	"refusals are counted":                                                countsRefusals,
	"ids and texts are kept byte for byte":                                keepsTexts,
	"ids of 128 bytes are kept":                                           keepsLongIDs,
	"what was bought is stored for every kind of session":                 keepsPlans,
}

func unknownReceipts(f *fixture) {
	_, err := f.Store.Admit(f.Context(), keyed("ada", "key"))
	f.must(err)
	for _, ref := range []string{"", "pay_unknown", "' OR '1'='1", "%"} {
		_, err := f.Store.Reference(f.Context(), ref)
		f.kind(err, curfew.NotFound)
	}
	for _, key := range [][2]string{{"ada", ""}, {"ada", "other"}, {"bob", "key"}} {
		_, err := f.Store.Key(f.Context(), key[0], key[1])
		f.kind(err, curfew.NotFound)
	}
}

// replaysReference covers lessons 8 and 9.
func replaysReference(f *fixture) {
	a := admission("ada")
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	first := f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	receipt := func() record.Receipt {
		f.Helper()
		r, err := f.Store.Reference(f.Context(), a.Checkout.Ref)
		f.must(err)
		f.same("the first session", r.Session, first.Session)
		f.same("its request", r.RequestID, first.Request.ID)
		f.same("the checkout", r.Checkout, f.paidBy(first))
		return r
	}
	f.same("the outcome once cancelled", receipt().Checkout.Outcome, curfew.Credited)
	_, err = f.Store.Admit(f.Context(), spending(receipt().Checkout))
	f.must(err)
	f.same("the outcome once spent", receipt().Checkout.Outcome, curfew.Fulfilled)
}

func replaysKey(f *fixture) {
	c := f.credited("ada")
	a := spending(c)
	a.Key = "key"
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	st = f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	r, err := f.Store.Key(f.Context(), "ada", "key")
	f.must(err)
	f.same("the receipt", r, record.Receipt{Checkout: f.paidBy(st), Session: st.Session, RequestID: st.Request.ID, Now: r.Now})
}

func defers(f *fixture) {
	c := admission("ada").Checkout
	got, err := f.Store.Defer(f.Context(), c, shop, 2*time.Hour)
	f.must(err)
	want := record.Receipt{Checkout: c, Now: got.Now}
	want.Checkout.Outcome, want.Checkout.Version = curfew.Deferred, 1
	want.Checkout.CreatedAt, want.Checkout.UpdatedAt = got.Now, got.Now
	want.Checkout.RetryUntil = got.Now.Add(2 * time.Hour)
	f.same("the receipt", got, want)

	again, err := f.Store.Reference(f.Context(), c.Ref)
	f.must(err)
	f.same("the receipt of its reference", again, want, cmpopts.IgnoreFields(record.Receipt{}, "Now"))
	f.same("the stored checkout", f.checkout("ada", c.ID), want.Checkout)
	events, err := f.Store.Events(f.Context(), "ada", c.ID)
	f.must(err)
	f.same("events", len(events), 1)
	f.same("the event", events[0], curfew.Event{
		CustomerID: "ada", Subject: c.ID, Number: 1, To: "deferred", Actor: shop,
	}, cmpopts.IgnoreFields(curfew.Event{}, "ID", "At", "Reason"))
}

func defersBesideOpen(f *fixture) {
	f.admit("ada")
	f.deferred("ada", time.Hour)
	f.deferred("ada", time.Hour)
	f.same("checkouts", len(f.rows("SELECT id FROM {checkouts}")), 3)
}

func refusesDeferral(f *fixture) {
	admitted, deferred := admission("ada"), f.deferred("bob", time.Hour)
	_, err := f.Store.Admit(f.Context(), admitted)
	f.must(err)
	for _, ref := range []string{admitted.Checkout.Ref, deferred.Ref} {
		for _, customer := range []string{"ada", "bob"} {
			c := admission(customer).Checkout
			c.Ref = ref
			f.refused(curfew.Conflict, func() error {
				_, err := f.Store.Defer(f.Context(), c, shop, time.Hour)
				return err
			})
		}
	}
}

func servesDeferral(f *fixture) {
	c := f.deferred("ada", time.Hour)
	st, err := f.Store.Admit(f.Context(), spending(c))
	f.must(err)
	f.sameSnapshot("what is stored", f.read(st.ID), st)
	want := c
	want.Outcome, want.Version, want.SessionID = curfew.Fulfilled, 2, st.ID
	want.RetryUntil, want.UpdatedAt = time.Time{}, st.Now
	f.same("the served checkout", f.paidBy(st), want)
	r, err := f.Store.Reference(f.Context(), c.Ref)
	f.must(err)
	f.same("the session of its reference", r.Session, st.Session)
	_, err = f.Store.Deferred(f.Context(), "ada")
	f.kind(err, curfew.NotFound)
}

func spendsCredit(f *fixture) {
	c := f.credited("ada")
	st, err := f.Store.Admit(f.Context(), spending(c))
	f.must(err)
	want := c
	want.Outcome, want.Version, want.UpdatedAt = curfew.Fulfilled, 3, st.Now
	f.same("the spent checkout", f.paidBy(st), want)
	f.history("ada", st.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "spent"})
	f.history("ada", c.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: curfew.Actor{Role: curfew.Customer, ID: "ada"}, Reason: "cancelled"},
		curfew.Event{To: "fulfilled", Actor: shop, Reason: "spent"})
	_, err = f.Store.Credit(f.Context(), "ada", c.Plan)
	f.kind(err, curfew.NotFound)
}

func refusesSpending(f *fixture) {
	c := f.credited("ada")
	for _, miss := range []func(*curfew.Checkout){
		func(c *curfew.Checkout) { c.Version-- },
		func(c *curfew.Checkout) { c.Outcome = curfew.Deferred },
		func(c *curfew.Checkout) { c.CustomerID = "bob" },
		func(c *curfew.Checkout) { c.ID = newID() },
	} {
		moved := c
		miss(&moved)
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Admit(f.Context(), spending(moved))
			return err
		})
	}
}

func refusesSpendingWhileOpen(f *fixture) {
	credit, deferral := f.credited("ada"), f.deferred("ada", time.Hour)
	f.admit("ada")
	for _, c := range []curfew.Checkout{credit, deferral} {
		a := spending(c)
		a.Key = "key"
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Admit(f.Context(), a)
			return err
		})
	}
}

func countsRefusals(f *fixture) {
	st := f.admit("ada")
	for range 3 {
		f.must(f.Store.Refuse(f.Context(), "ada", st.ID))
	}
	f.same("refusals", f.rows("SELECT customer_id, count(*) FROM {refusals} GROUP BY customer_id"), []string{"ada|3"})
}

// awkward contains text that a careless store would change or fail on.
const awkward = `Robert'); DROP TABLE sessions;-- "ü" \ \n %s $1 ? {} [] é é 漢字 👩‍🔧 ` + "\u202e tab\there"

func keepsTexts(f *fixture) {
	customer := `ada'; -- "ü" 👩‍🔧 %`
	a := admission(customer)
	a.Checkout.Ref, a.Key, a.Reason = awkward, awkward, awkward
	a.Checkout.Name, a.Checkout.Email, a.Request.CustomerName = awkward, awkward, awkward
	a.Checkout.Metadata = map[string]string{awkward: awkward, "": "", "null": "null", "a.b": `{"c":1}`}
	a.Actor.ID = "a:b:" + strings.ReplaceAll(awkward, "\t", " ") // an id has no control characters
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	f.same("the name in the request", f.read(st.ID).Request.CustomerName, awkward)
	for what, find := range map[string]func() (record.Receipt, error){
		"the reference": func() (record.Receipt, error) { return f.Store.Reference(f.Context(), awkward) },
		"the key":       func() (record.Receipt, error) { return f.Store.Key(f.Context(), customer, awkward) },
	} {
		r, err := find()
		f.must(err)
		got := r.Checkout
		f.same("the checkout by "+what, []any{got.Ref, got.Name, got.Email, got.Metadata, got.CustomerID},
			[]any{awkward, awkward, awkward, a.Checkout.Metadata, customer})
	}
	f.history(customer, st.ID, curfew.Event{To: "waiting", Actor: a.Actor, Reason: awkward})
	st = f.change(accepting(st, awkward))
	slot, err := f.Store.Slot(f.Context(), awkward)
	f.must(err)
	f.same("the slot", slot, record.Slot{MechanicID: awkward, CustomerID: customer, SessionID: st.ID})
}

func keepsLongIDs(f *fixture) {
	for _, id := range []string{strings.Repeat("x", 128), strings.Repeat("漢", 42) + "ab", strings.Repeat("👩", 32)} {
		st := f.accepted(id, id)
		f.same("the customer", f.read(st.ID).CustomerID, id)
		got, err := f.Store.Slot(f.Context(), id)
		f.must(err)
		f.same("the mechanic", got.MechanicID, id)
	}
	if _, err := f.Store.Admit(f.Context(), admission(strings.Repeat("漢", 43))); err == nil {
		f.Error("a customer's id of 129 bytes was taken")
	}
}

func keepsPlans(f *fixture) {
	for customer, bought := range map[string]curfew.Session{
		"ada": {Plan: "video15", Kind: curfew.Video, Duration: 45 * time.Minute},
		"bob": {Plan: "diagnostic", Kind: curfew.Diagnostic, Duration: 24 * time.Hour},
		"cyd": {Plan: "blink", Kind: curfew.Chat, Duration: time.Second},
	} {
		a := admission(customer)
		a.Session.Plan, a.Session.Kind, a.Session.Duration = bought.Plan, bought.Kind, bought.Duration
		a.Checkout.Plan, a.Checkout.Amount, a.Checkout.Metadata = bought.Plan, 1<<60, nil
		st, err := f.Store.Admit(f.Context(), a)
		f.must(err)
		got := f.read(st.ID)
		f.same("what was bought", []any{got.Plan, got.Kind, got.Duration}, []any{bought.Plan, bought.Kind, bought.Duration})
		f.same("the amount", f.paidBy(st).Amount, int64(1<<60))
	}
}
