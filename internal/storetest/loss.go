package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

var losses = contract{
	"every method can lose its answer":                                  losesEveryAnswer,
	"what the database was not waited for is unavailable, and not done": isNotWaitedFor,
	"answers lost at one seed are lost again":                           losesTheSame,
	"admissions whose answers get lost are one a reference":             admitsOnceByReference,
	"admissions whose answers get lost are one a key":                   admitsOnceByKey,
	"deferrals whose answers get lost are one a reference":              defersOnce,
	"a change whose answer gets lost happens once":                      changesOnce,
	"a batch whose answer gets lost ends each session once":             endsOnce,
	"a checkout's move whose answer gets lost happens once":             movesOnce,
}

// lossy is the scene's store with half of the answers lost.
func (s *scene) lossy() *Lossy { return NewLossy(s.Store, 7, 0.5) }

// repeat does it again for as long as nobody knows whether it was done.
func repeat(do func() error) error {
	for {
		if err := do(); !errors.Is(err, curfew.Unavailable) {
			return err
		}
	}
}

func losesEveryAnswer(s *scene) {
	l := NewLossy(s.Store, 1, 1)
	methods := reflect.TypeFor[lifecycle.Store]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		method := reflect.ValueOf(l).MethodByName(name)
		args := []reflect.Value{reflect.ValueOf(s.Context())}
		for a := 1; a < method.Type().NumIn(); a++ {
			args = append(args, reflect.Zero(method.Type().In(a)))
		}
		results := method.Call(args)
		err, _ := results[len(results)-1].Interface().(error)
		if !errors.Is(err, curfew.Unavailable) {
			s.Errorf("%s did not lose its answer: %v", name, err)
		}
	}
	s.same("lost answers", l.Lost(), methods.NumMethod())
}

func isNotWaitedFor(s *scene) {
	late, credit := s.aged(s.admit("late"), time.Hour), s.credited("credited")
	gone, cancel := context.WithCancel(s.Context())
	cancel()
	for range 20 { // what others would write for it is not begun
		s.refused(curfew.Unavailable, func() error { _, err := s.Store.Admit(gone, admission("ada")); return err })
	}
	for _, step := range []func() error{
		func() error { _, err := s.Store.Admit(gone, spending(credit)); return err },
		func() error { _, err := s.Store.Defer(gone, admission("ada").Checkout, shop, time.Hour); return err },
		func() error {
			_, err := s.Store.Change(gone, ending(late, curfew.Cancelled, curfew.Expired))
			return err
		},
		func() error { _, err := s.Store.End(gone, batch(curfew.Credited, late)); return err },
		func() error {
			_, err := s.Store.ChangeCheckout(gone, curfew.CheckoutChange{From: credit, To: curfew.RefundDue, Actor: shop})
			return err
		},
		func() error { return s.Store.ClaimOnce(gone, "name", time.Hour) },
		func() error { return s.Store.BeatProcess(gone, "one", time.Hour) },
		func() error { _, err := s.Store.Session(gone, late.ID); return err },
		func() error { _, err := s.Store.Find(gone, curfew.Search{Limit: 1}); return err },
		func() error { _, err := s.Store.SessionFigures(gone, curfew.DefaultPolicy()); return err },
	} {
		s.refused(curfew.Unavailable, step)
	}
}

func losesTheSame(s *scene) {
	lost := func() (all []bool) {
		l := s.lossy()
		for range 50 {
			all = append(all, l.BeatQueue(s.Context()) != nil)
		}
		if n := l.Lost(); n == 0 || n == 50 {
			s.Errorf("%d of 50 answers were lost", n)
		}
		return all
	}
	s.same("which are lost", lost(), lost())
}

// receipt repeats an attempt until it is known what became of it, and then
// looks.
func (s *scene) receipt(attempt func() error, look func() (curfew.Receipt, error)) (r curfew.Receipt) {
	s.Helper()
	if err := repeat(attempt); err != nil {
		s.kind(err, curfew.Conflict)
	}
	s.must(repeat(func() (err error) {
		r, err = look()
		return err
	}))
	return r
}

func admitsOnceByReference(s *scene) {
	l := s.lossy()
	for i := range 20 {
		customer, ref := fmt.Sprint("customer-", i), fmt.Sprint("pay-", i)
		r := s.receipt(func() error {
			a := admission(customer)
			a.Checkout.Ref = ref
			_, err := l.Admit(s.Context(), a)
			return err
		}, func() (curfew.Receipt, error) { return l.Reference(s.Context(), ref) })
		s.once(r)
	}
}

func admitsOnceByKey(s *scene) {
	l := s.lossy()
	for i := range 20 {
		customer := fmt.Sprint("customer-", i)
		r := s.receipt(func() error {
			a := keyed(customer, "key")
			a.Checkout.Ref = ""
			_, err := l.Admit(s.Context(), a)
			return err
		}, func() (curfew.Receipt, error) { return l.Key(s.Context(), customer, "key") })
		s.once(r)
	}
}

// once fails unless the receipt is of the one session and the one checkout of
// its customer.
func (s *scene) once(r curfew.Receipt) {
	s.Helper()
	all, err := s.Store.Unended(s.Context(), r.Checkout.CustomerID)
	s.must(err)
	s.same("the customer's sessions", ids(all), []string{r.Session.ID})
	paid, err := s.Store.Checkouts(s.Context(), r.Checkout.CustomerID)
	s.must(err)
	s.same("the customer's checkouts", paid, []curfew.Checkout{r.Checkout})
}

func defersOnce(s *scene) {
	l := s.lossy()
	for i := range 20 {
		c := admission(fmt.Sprint("customer-", i)).Checkout
		r := s.receipt(func() error {
			_, err := l.Defer(s.Context(), c, shop, time.Hour)
			return err
		}, func() (curfew.Receipt, error) { return l.Reference(s.Context(), c.Ref) })
		all, err := s.Store.Checkouts(s.Context(), c.CustomerID)
		s.must(err)
		s.same("the customer's checkouts", all, []curfew.Checkout{r.Checkout})
	}
}

func changesOnce(s *scene) {
	l := s.lossy()
	for i := range 20 {
		st, mechanic := s.admit(fmt.Sprint("customer-", i)), fmt.Sprint("mechanic-", i)
		err := repeat(func() error {
			_, err := l.Change(s.Context(), accepting(st, mechanic))
			return err
		})
		if err != nil && !errors.Is(err, curfew.Conflict) {
			s.Fatal(err)
		}
		now := s.read(st.ID)
		s.same("the accepted session", []any{now.MechanicID, now.Version}, []any{mechanic, int64(2)})
	}
}

func endsOnce(s *scene) {
	l := s.lossy()
	for i := range 20 {
		st := s.aged(s.admit(fmt.Sprint("customer-", i)), time.Hour)
		s.must(repeat(func() error {
			_, err := l.End(s.Context(), batch(curfew.Credited, st))
			return err
		}))
		now := s.read(st.ID)
		s.same("the ended session", []any{now.Status, now.Version}, []any{curfew.Cancelled, int64(2)})
		s.same("its payment's version", s.paidBy(now).Version, int64(2))
	}
}

func movesOnce(s *scene) {
	l := s.lossy()
	for i := range 20 {
		c := s.credited(fmt.Sprint("customer-", i))
		err := repeat(func() error {
			_, err := l.ChangeCheckout(s.Context(), curfew.CheckoutChange{From: c, To: curfew.RefundDue, Reason: "r", Actor: shop})
			return err
		})
		if err != nil && !errors.Is(err, curfew.Conflict) {
			s.Fatal(err)
		}
		now := s.checkout(c.CustomerID, c.ID)
		s.same("the moved checkout", []any{now.Outcome, now.Version}, []any{curfew.RefundDue, c.Version + 1})
	}
}
