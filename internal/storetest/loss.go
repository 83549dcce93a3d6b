package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

var losses = contract{
	"every method can lose its answer":                                          losesEveryAnswer,
	"a call that gave up waiting for the database is unavailable, and not done": isNotWaitedFor,
	"the same seed loses the same answers":                                      losesTheSame,
	"repeated admissions with lost answers are one per reference":               admitsOnceByReference,
	"repeated admissions with lost answers are one per key":                     admitsOnceByKey,
	"repeated deferrals with lost answers are one per reference":                defersOnce,
	"a change whose answer gets lost happens once":                              changesOnce,
	"a batch whose answer gets lost ends each session once":                     endsOnce,
	"a checkout's move whose answer gets lost happens once":                     movesOnce,
	"money whose acceptance's answer gets lost is due once":                     duesOnce,
}

// lossy returns the fixture's store, losing half of its answers.
func (f *fixture) lossy() *Lossy { return NewLossy(f.Store, 7, 0.5) }

// repeat calls do until its outcome is known.
func repeat(do func() error) error {
	for {
		if err := do(); !errors.Is(err, curfew.Unavailable) {
			return err
		}
	}
}

func losesEveryAnswer(f *fixture) {
	l := NewLossy(f.Store, 1, 1)
	methods := reflect.TypeFor[lifecycle.Store]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		method := reflect.ValueOf(l).MethodByName(name)
		args := []reflect.Value{reflect.ValueOf(f.Context())}
		for a := 1; a < method.Type().NumIn(); a++ {
			args = append(args, reflect.Zero(method.Type().In(a)))
		}
		results := method.Call(args)
		err, _ := results[len(results)-1].Interface().(error)
		if !errors.Is(err, curfew.Unavailable) {
			f.Errorf("%s did not lose its answer: %v", name, err)
		}
	}
	f.same("lost answers", l.Lost(), methods.NumMethod())
}

func isNotWaitedFor(f *fixture) {
	late, credit := f.aged(f.admit("late"), time.Hour), f.credited("credited")
	gone, cancel := context.WithCancel(f.Context())
	cancel()
	for range 20 { // nobody begins to write for a caller who has gone away
		f.refused(curfew.Unavailable, func() error { _, err := f.Store.Admit(gone, admission("ada")); return err })
	}
	for _, step := range []func() error{
		func() error { _, err := f.Store.Admit(gone, spending(credit)); return err },
		func() error { _, err := f.Store.Defer(gone, admission("ada").Checkout, shop, time.Hour); return err },
		func() error {
			_, err := f.Store.Change(gone, endChange(late, curfew.Cancelled, curfew.Expired))
			return err
		},
		func() error { _, err := f.Store.End(gone, batch(curfew.Credited, late)); return err },
		func() error {
			_, err := f.Store.ChangeCheckout(gone, record.CheckoutChange{From: credit, To: curfew.RefundDue, Actor: shop})
			return err
		},
		func() error { return f.Store.ClaimOnce(gone, "name", time.Hour) },
		func() error { return f.Store.RecordHeartbeat(gone, "one", time.Hour) },
		func() error { _, err := f.Store.Session(gone, late.ID); return err },
		func() error { _, err := f.Store.Find(gone, record.Search{Limit: 1}); return err },
		func() error { _, err := f.Store.SessionFigures(gone, curfew.DefaultPolicy()); return err },
	} {
		f.refused(curfew.Unavailable, step)
	}
}

func losesTheSame(f *fixture) {
	lost := func() (all []bool) {
		l := f.lossy()
		for range 50 {
			all = append(all, l.RecordQueueRead(f.Context()) != nil)
		}
		if n := l.Lost(); n == 0 || n == 50 {
			f.Errorf("%d of 50 answers were lost", n)
		}
		return all
	}
	f.same("which are lost", lost(), lost())
}

// receipt repeats an attempt until its outcome is known, and then reads the receipt.
func (f *paymentFixture) receipt(attempt func() error, look func() (record.Receipt, error)) (r record.Receipt) {
	f.Helper()
	if err := repeat(attempt); err != nil {
		f.kind(err, curfew.Conflict)
	}
	f.must(repeat(func() (err error) {
		r, err = look()
		return err
	}))
	return r
}

func admitsOnceByReference(f *fixture) {
	l := f.lossy()
	for i := range 20 {
		customer, ref := fmt.Sprint("customer-", i), fmt.Sprint("pay-", i)
		r := f.receipt(func() error {
			a := admission(customer)
			a.Checkout.Ref = ref
			_, err := l.Admit(f.Context(), a)
			return err
		}, func() (record.Receipt, error) { return l.Reference(f.Context(), ref) })
		f.once(r)
	}
}

func admitsOnceByKey(f *fixture) {
	l := f.lossy()
	for i := range 20 {
		customer := fmt.Sprint("customer-", i)
		r := f.receipt(func() error {
			a := keyed(customer, "key")
			a.Checkout.Ref = ""
			_, err := l.Admit(f.Context(), a)
			return err
		}, func() (record.Receipt, error) { return l.Key(f.Context(), customer, "key") })
		f.once(r)
	}
}

// once fails unless the receipt belongs to its customer's only session and only checkout.
func (f *paymentFixture) once(r record.Receipt) {
	f.Helper()
	all, err := f.Store.Unended(f.Context(), r.Checkout.CustomerID)
	f.must(err)
	f.same("the customer's sessions", ids(all), []string{r.Session.ID})
	paid, err := f.Store.Checkouts(f.Context(), r.Checkout.CustomerID)
	f.must(err)
	f.same("the customer's checkouts", paid, []curfew.Checkout{r.Checkout})
}

func defersOnce(f *fixture) {
	l := f.lossy()
	for i := range 20 {
		c := admission(fmt.Sprint("customer-", i)).Checkout
		r := f.receipt(func() error {
			_, err := l.Defer(f.Context(), c, shop, time.Hour)
			return err
		}, func() (record.Receipt, error) { return l.Reference(f.Context(), c.Ref) })
		all, err := f.Store.Checkouts(f.Context(), c.CustomerID)
		f.must(err)
		f.same("the customer's checkouts", all, []curfew.Checkout{r.Checkout})
	}
}

func changesOnce(f *fixture) {
	l := f.lossy()
	for i := range 20 {
		st, mechanic := f.admit(fmt.Sprint("customer-", i)), fmt.Sprint("mechanic-", i)
		err := repeat(func() error {
			_, err := l.Change(f.Context(), accepting(st, mechanic))
			return err
		})
		if err != nil && !errors.Is(err, curfew.Conflict) {
			f.Fatal(err)
		}
		now := f.read(st.ID)
		f.same("the accepted session", []any{now.MechanicID, now.Version}, []any{mechanic, int64(2)})
	}
}

func endsOnce(f *fixture) {
	l := f.lossy()
	for i := range 20 {
		st := f.aged(f.admit(fmt.Sprint("customer-", i)), time.Hour)
		f.must(repeat(func() error {
			_, err := l.End(f.Context(), batch(curfew.Credited, st))
			return err
		}))
		now := f.read(st.ID)
		f.same("the ended session", []any{now.Status, now.Version}, []any{curfew.Cancelled, int64(2)})
		f.same("its payment's version", f.paidBy(now).Version, int64(2))
	}
}

func duesOnce(f *fixture) {
	l := f.lossy()
	for i := range 20 {
		st, mechanic := f.reserved(fmt.Sprint("customer-", i)), fmt.Sprint("mechanic-", i)
		change := func(c record.Change) {
			if err := repeat(func() error { return failed(l.Change(f.Context(), c)) }); err != nil {
				f.kind(err, curfew.Conflict)
			}
		}
		change(acceptingDue(st, mechanic))
		due := f.paidBy(st)
		f.same("due", []any{due.Capture, due.Version}, []any{"due", int64(2)})
		asked := record.Annotation{From: due, Capture: "capturing", Reason: "asked", Actor: shop}
		if i%2 == 0 {
			change(endChange(f.read(st.ID), curfew.Cancelled, curfew.ByRequest))
			asked.From, asked.Capture = f.paidBy(st), "releasing"
			f.same("released", []any{asked.From.Capture, asked.From.Version}, []any{"releasing", int64(3)})
		}
		if err := repeat(func() error { return failed(l.Annotate(f.Context(), asked)) }); err != nil {
			f.kind(err, curfew.Conflict)
		}
		f.same("the attempts", f.paidBy(st).Attempts, int64(1))
	}
}

func movesOnce(f *fixture) {
	l := f.lossy()
	for i := range 20 {
		c := f.credited(fmt.Sprint("customer-", i))
		err := repeat(func() error {
			_, err := l.ChangeCheckout(f.Context(), record.CheckoutChange{From: c, To: curfew.RefundDue, Reason: "r", Actor: shop})
			return err
		})
		if err != nil && !errors.Is(err, curfew.Conflict) {
			f.Fatal(err)
		}
		now := f.checkout(c.CustomerID, c.ID)
		f.same("the moved checkout", []any{now.Outcome, now.Version}, []any{curfew.RefundDue, c.Version + 1})
	}
}
