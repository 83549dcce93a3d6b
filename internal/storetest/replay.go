package storetest

import (
	"strings"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
)

var replays = contract{
	"an unknown reference or key is not found":                            unknownReceipts,
	"lesson 8: a reference answers its present outcome and first session": replaysReference,
	"a key answers the session that was admitted with it":                 replaysKey,
	"a deferral claims its reference and brings no session":               defers,
	"a deferral does not need a free slot":                                defersBesideOpen,
	"a deferral's reference is claimed once":                              refusesDeferral,
	"a deferral is served once, by its own session":                       servesDeferral,
	"a credit is spent once, by a session of its own":                     spendsCredit,
	"a checkout that moved pays for nothing":                              refusesSpending,
	"a checkout pays for nothing while the slot is taken":                 refusesSpendingWhileOpen,
	"refusals are counted":                                                countsRefusals,
	"ids and texts are kept byte for byte":                                keepsTexts,
	"ids of 128 bytes are kept":                                           keepsLongIDs,
	"what was bought is kept for every kind of session":                   keepsPlans,
}

func unknownReceipts(s *scene) {
	_, err := s.Store.Admit(s.Context(), keyed("ada", "key"))
	s.must(err)
	for _, ref := range []string{"", "pay_unknown", "' OR '1'='1", "%"} {
		_, err := s.Store.Reference(s.Context(), ref)
		s.kind(err, curfew.NotFound)
	}
	for _, key := range [][2]string{{"ada", ""}, {"ada", "other"}, {"bob", "key"}} {
		_, err := s.Store.Key(s.Context(), key[0], key[1])
		s.kind(err, curfew.NotFound)
	}
}

// replaysReference is lesson 8's and 9's ground.
func replaysReference(s *scene) {
	a := admission("ada")
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	first := s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	receipt := func() curfew.Receipt {
		s.Helper()
		r, err := s.Store.Reference(s.Context(), a.Checkout.Ref)
		s.must(err)
		s.same("the first session", r.Session, first.Session)
		s.same("its request", r.RequestID, first.Request.ID)
		s.same("the checkout", r.Checkout, s.paidBy(first))
		return r
	}
	s.same("the outcome once cancelled", receipt().Checkout.Outcome, curfew.Credited)
	_, err = s.Store.Admit(s.Context(), spending(receipt().Checkout))
	s.must(err)
	s.same("the outcome once spent", receipt().Checkout.Outcome, curfew.Fulfilled)
}

func replaysKey(s *scene) {
	c := s.credited("ada")
	a := spending(c)
	a.Key = "key"
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	st = s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	r, err := s.Store.Key(s.Context(), "ada", "key")
	s.must(err)
	s.same("the receipt", r, curfew.Receipt{Checkout: s.paidBy(st), Session: st.Session, RequestID: st.Request.ID, Now: r.Now})
}

func defers(s *scene) {
	c := admission("ada").Checkout
	got, err := s.Store.Defer(s.Context(), c, shop, 2*time.Hour)
	s.must(err)
	want := curfew.Receipt{Checkout: c, Now: got.Now}
	want.Checkout.Outcome, want.Checkout.Version = curfew.Deferred, 1
	want.Checkout.CreatedAt, want.Checkout.UpdatedAt = got.Now, got.Now
	want.Checkout.RetryUntil = got.Now.Add(2 * time.Hour)
	s.same("the receipt", got, want)

	again, err := s.Store.Reference(s.Context(), c.Ref)
	s.must(err)
	s.same("the receipt of its reference", again, want, cmpopts.IgnoreFields(curfew.Receipt{}, "Now"))
	s.same("the stored checkout", s.checkout("ada", c.ID), want.Checkout)
	events, err := s.Store.Events(s.Context(), "ada", c.ID)
	s.must(err)
	s.same("events", len(events), 1)
	s.same("the event", events[0], curfew.Event{
		CustomerID: "ada", Subject: c.ID, Number: 1, To: "deferred", Actor: shop,
	}, cmpopts.IgnoreFields(curfew.Event{}, "ID", "At", "Reason"))
}

func defersBesideOpen(s *scene) {
	s.admit("ada")
	s.deferred("ada", time.Hour)
	s.deferred("ada", time.Hour)
	s.same("checkouts", len(s.rows("SELECT id FROM {checkouts}")), 3)
}

func refusesDeferral(s *scene) {
	admitted, deferred := admission("ada"), s.deferred("bob", time.Hour)
	_, err := s.Store.Admit(s.Context(), admitted)
	s.must(err)
	for _, ref := range []string{admitted.Checkout.Ref, deferred.Ref} {
		for _, customer := range []string{"ada", "bob"} {
			c := admission(customer).Checkout
			c.Ref = ref
			s.refused(curfew.Conflict, func() error {
				_, err := s.Store.Defer(s.Context(), c, shop, time.Hour)
				return err
			})
		}
	}
}

func servesDeferral(s *scene) {
	c := s.deferred("ada", time.Hour)
	st, err := s.Store.Admit(s.Context(), spending(c))
	s.must(err)
	s.sameStanding("what is stored", s.read(st.ID), st)
	want := c
	want.Outcome, want.Version, want.SessionID = curfew.Fulfilled, 2, st.ID
	want.RetryUntil, want.UpdatedAt = time.Time{}, st.Now
	s.same("the served checkout", s.paidBy(st), want)
	r, err := s.Store.Reference(s.Context(), c.Ref)
	s.must(err)
	s.same("the session of its reference", r.Session, st.Session)
	_, err = s.Store.Deferred(s.Context(), "ada")
	s.kind(err, curfew.NotFound)
}

func spendsCredit(s *scene) {
	c := s.credited("ada")
	st, err := s.Store.Admit(s.Context(), spending(c))
	s.must(err)
	want := c
	want.Outcome, want.Version, want.UpdatedAt = curfew.Fulfilled, 3, st.Now
	s.same("the spent checkout", s.paidBy(st), want)
	s.history("ada", st.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "spent"})
	s.history("ada", c.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: curfew.Actor{Role: curfew.Customer, ID: "ada"}, Reason: "cancelled"},
		curfew.Event{To: "fulfilled", Actor: shop, Reason: "spent"})
	_, err = s.Store.Credit(s.Context(), "ada", c.Plan)
	s.kind(err, curfew.NotFound)
}

func refusesSpending(s *scene) {
	c := s.credited("ada")
	for _, miss := range []func(*curfew.Checkout){
		func(c *curfew.Checkout) { c.Version-- },
		func(c *curfew.Checkout) { c.Outcome = curfew.Deferred },
		func(c *curfew.Checkout) { c.CustomerID = "bob" },
		func(c *curfew.Checkout) { c.ID = newID() },
	} {
		moved := c
		miss(&moved)
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Admit(s.Context(), spending(moved))
			return err
		})
	}
}

func refusesSpendingWhileOpen(s *scene) {
	credit, deferral := s.credited("ada"), s.deferred("ada", time.Hour)
	s.admit("ada")
	for _, c := range []curfew.Checkout{credit, deferral} {
		a := spending(c)
		a.Key = "key"
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Admit(s.Context(), a)
			return err
		})
	}
}

func countsRefusals(s *scene) {
	st := s.admit("ada")
	for range 3 {
		s.must(s.Store.Refuse(s.Context(), "ada", st.ID))
	}
	s.same("refusals", s.rows("SELECT customer_id, count(*) FROM {refusals} GROUP BY customer_id"), []string{"ada|3"})
}

// awkward is texts that a careless store would change or choke on.
const awkward = `Robert'); DROP TABLE sessions;-- "ü" \ \n %s $1 ? {} [] é é 漢字 👩‍🔧 ` + "\u202e tab\there"

func keepsTexts(s *scene) {
	customer := `ada'; -- "ü" 👩‍🔧 %`
	a := admission(customer)
	a.Checkout.Ref, a.Key, a.Reason = awkward, awkward, awkward
	a.Checkout.Name, a.Checkout.Email, a.Request.CustomerName = awkward, awkward, awkward
	a.Checkout.Metadata = map[string]string{awkward: awkward, "": "", "null": "null", "a.b": `{"c":1}`}
	a.Actor.ID = "a:b:" + awkward
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	s.same("the name in the request", s.read(st.ID).Request.CustomerName, awkward)
	for what, find := range map[string]func() (curfew.Receipt, error){
		"the reference": func() (curfew.Receipt, error) { return s.Store.Reference(s.Context(), awkward) },
		"the key":       func() (curfew.Receipt, error) { return s.Store.Key(s.Context(), customer, awkward) },
	} {
		r, err := find()
		s.must(err)
		got := r.Checkout
		s.same("the checkout by "+what, []any{got.Ref, got.Name, got.Email, got.Metadata, got.CustomerID},
			[]any{awkward, awkward, awkward, a.Checkout.Metadata, customer})
	}
	s.history(customer, st.ID, curfew.Event{To: "waiting", Actor: a.Actor, Reason: awkward})
	st = s.change(accepting(st, awkward))
	slot, err := s.Store.Slot(s.Context(), awkward)
	s.must(err)
	s.same("the slot", slot, curfew.Slot{MechanicID: awkward, CustomerID: customer, SessionID: st.ID})
}

func keepsLongIDs(s *scene) {
	for _, id := range []string{strings.Repeat("x", 128), strings.Repeat("漢", 42) + "ab", strings.Repeat("👩", 32)} {
		st := s.accepted(id, id)
		s.same("the customer", s.read(st.ID).CustomerID, id)
		got, err := s.Store.Slot(s.Context(), id)
		s.must(err)
		s.same("the mechanic", got.MechanicID, id)
	}
	if _, err := s.Store.Admit(s.Context(), admission(strings.Repeat("漢", 43))); err == nil {
		s.Error("a customer's id of 129 bytes was taken")
	}
}

func keepsPlans(s *scene) {
	for customer, bought := range map[string]curfew.Session{
		"ada": {Plan: "video15", Kind: curfew.Video, Duration: 45 * time.Minute},
		"bob": {Plan: "diagnostic", Kind: curfew.Diagnostic, Duration: 24 * time.Hour},
		"cyd": {Plan: "blink", Kind: curfew.Chat, Duration: time.Second},
	} {
		a := admission(customer)
		a.Session.Plan, a.Session.Kind, a.Session.Duration = bought.Plan, bought.Kind, bought.Duration
		a.Checkout.Plan, a.Checkout.Amount, a.Checkout.Metadata = bought.Plan, 1<<60, nil
		st, err := s.Store.Admit(s.Context(), a)
		s.must(err)
		got := s.read(st.ID)
		s.same("what was bought", []any{got.Plan, got.Kind, got.Duration}, []any{bought.Plan, bought.Kind, bought.Duration})
		s.same("the amount", s.paidBy(st).Amount, int64(1<<60))
	}
}
