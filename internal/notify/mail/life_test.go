package mail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/notify/mailtest"
	"github.com/curfewhq/curfew/lifecycle"
)

// ends is how a session comes to its end, and what its customer then reads.
var ends = map[string]struct {
	happens func(w *environment)
	subject []string
	says    []string // the last mail
}{
	"nobody accepts": {
		func(w *environment) { w.expire(w.pay("r1").SessionID) },
		[]string{"No mechanic was free for your session"},
		[]string{"Hello Ada Lovelace,", "no mechanic was free", "Your payment of 19.99 EUR is kept as credit for your next session."},
	},
	"nobody accepts, and the credit is spent before the mail goes out": {
		func(w *environment) {
			w.expire(w.pay("r1").SessionID)
			must(w, ignore(w.keeper.Admission.CreateSession(w.Context(), ada, lifecycle.NewSession{CustomerID: "ada", Plan: "chat10"})))
		},
		[]string{"No mechanic was free for your session"},
		[]string{"Your payment went to a later session of yours."},
	},
	"nobody accepts, and an operator refunds before the mail goes out": {
		func(w *environment) {
			w.expire(w.pay("r1").SessionID)
			must(w, ignore(w.keeper.Checkouts.RefundCheckout(w.Context(), curfew.Actor{Role: curfew.Admin, ID: "mara"}, "r1", "they asked")))
		},
		[]string{"No mechanic was free for your session"},
		[]string{"A refund of 19.99 EUR is under way."},
	},
	"nobody accepts what was free": {
		func(w *environment) {
			f, err := w.keeper.Admission.CreateSession(w.Context(), ada, lifecycle.NewSession{CustomerID: "ada", Plan: "free"})
			must(w, err)
			w.Exec(w, "UPDATE "+w.Schema+"checkouts SET email = 'ada@example.org' WHERE session_id = '"+f.SessionID+"'")
			w.expire(f.SessionID)
		},
		[]string{"No mechanic was free for your session"},
		[]string{"Nothing was charged."},
	},
	"a mechanic accepts, and the customer does not come": {
		func(w *environment) {
			f := w.pay("r1")
			must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
			must(w, ignore(w.keeper.Sessions.Join(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Mechanic, ID: "max"})))
			w.expire(f.SessionID)
		},
		[]string{"Your session did not take place"}, // the acceptance was overtaken
		[]string{"did not begin in time", "kept as credit"},
	},
	"a mechanic accepts and does not come": {
		func(w *environment) {
			f := w.pay("r1")
			must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
			w.Age(w.T, f.SessionID, 4*time.Minute)
			must(w, ignore(w.keeper.Sweeper.Sweep(w.Context())))
		},
		[]string{"Your mechanic did not come: we are looking for another"},
		[]string{"You keep your place in the queue", "it ends"},
	},
	"a mechanic accepts and only the customer comes": {
		func(w *environment) {
			f := w.pay("r1")
			must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
			must(w, ignore(w.keeper.Sessions.Join(w.Context(), f.SessionID, ada)))
			w.expire(f.SessionID)
		},
		[]string{"Your session did not take place"},
		[]string{"your mechanic did not come"},
	},
	"the customer cancels": {
		func(w *environment) {
			must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), w.pay("r1").SessionID, ada)))
		},
		[]string{"Your session was cancelled"},
		[]string{"was cancelled, as you asked.", "kept as credit"},
	},
	"the shop cancels": {
		func(w *environment) {
			must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), w.pay("r1").SessionID, shop)))
		},
		[]string{"Your session was cancelled"},
		[]string{"was cancelled by us."},
	},
	"an appointment is cancelled, and half is given back": {
		func(w *environment) {
			must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), w.book("r1", 3*time.Hour).SessionID, ada)))
		},
		[]string{"Your appointment was cancelled"},
		[]string{"your appointment of ", "A refund of 10.00 EUR (of 19.99 EUR paid) is under way."},
	},
	"an appointment finds the slot taken twice": {
		func(w *environment) {
			f := w.pay("r1")
			must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
			must(w, ignore(w.keeper.Sessions.Join(w.Context(), f.SessionID, ada)))
			must(w, ignore(w.keeper.Sessions.Join(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Mechanic, ID: "max"})))
			appointment := w.book("r2", time.Hour).SessionID
			for range 2 {
				w.Age(w, appointment, 2*time.Hour)
				must(w, ignore(w.keeper.Cleanups.RunFullCleanup(w.Context())))
			}
		},
		nil, // of two sessions: in any order
		[]string{"could not begin, because another session of yours was still open", "kept as credit"},
	},
	"nobody accepts, and the money is back before the mail goes out": {
		func(w *environment) {
			w.expire(w.pay("r1").SessionID)
			mara := curfew.Actor{Role: curfew.Admin, ID: "mara"}
			must(w, ignore(w.keeper.Checkouts.RefundCheckout(w.Context(), mara, "r1", "they asked")))
			must(w, ignore(w.keeper.Checkouts.CloseRefund(w.Context(), mara, "r1", "by hand")))
		},
		nil,
		[]string{"no mechanic was free", "19.99 EUR was refunded.", "Your bank may take a few days to show it."},
	},
	"a second payment waits for the first session": {
		func(w *environment) { w.pay("r1"); w.pay("r2") },
		[]string{"Your payment waits for your other session"},
		[]string{"Your payment of 19.99 EUR has arrived.", "If that is not before ", "your payment is refunded."},
	},
	"a second payment's time is over": {
		func(w *environment) {
			f := w.pay("r1")
			w.pay("r2")
			must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
			w.Exec(w, "UPDATE "+w.Schema+"checkouts SET retry_until = created_at WHERE outcome = 'deferred'")
			must(w, ignore(w.keeper.Sweeper.Sweep(w.Context())))
			w.until("it is given up", func() bool {
				must(w, ignore(w.keeper.Sweeper.Sweep(w.Context())))
				c, err := w.keeper.Checkouts.Checkout(w.Context(), "r2")
				must(w, err)
				return c.Outcome == curfew.RefundDue
			})
		},
		nil,
		[]string{"could not become a session", "A refund of 19.99 EUR is under way."},
	},
}

func (w *environment) expire(sessionID string) {
	w.Helper()
	w.Age(w, sessionID, 2*time.Hour)
	must(w, ignore(w.keeper.Cleanups.RunFullCleanup(w.Context())))
}

// book gives ada an appointment.
func (w *environment) book(ref string, in time.Duration) lifecycle.Fulfillment {
	w.Helper()
	amount, at := int64(1999), time.Now().Add(in)
	f, err := w.keeper.Admission.FulfillCheckout(w.Context(), shop, lifecycle.Purchase{
		PaymentRef: ref, CustomerID: "ada", Plan: "chat10", Amount: &amount, Currency: "eur", Email: email, Name: "Ada", StartsAt: &at,
	})
	must(w, err)
	return f
}

func TestTheCustomerIsToldOfEveryEnd(t *testing.T) {
	t.Parallel()
	for sentence, end := range ends {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, mailtest.Options{}, func(w *environment) {
				end.happens(w)
				w.works()
				w.settled()
				mails := w.mailServer.Mails()
				if end.subject != nil {
					same(w, "mails", subjects(mails), end.subject)
				}
				text := ""
				for _, m := range mails {
					text += m.Text
				}
				for _, says := range end.says {
					if !strings.Contains(text, says) {
						w.Errorf("it does not say %q:\n%s", says, text)
					}
				}
				if strings.Contains(w.log.String(), "@example.org") {
					w.Errorf("an address is in the log:\n%s", w.log)
				}
			})
		})
	}
}

// One notice a transition, and those of a session in their order.
func TestNoticesOfASessionComeInOrderAndOnce(t *testing.T) {
	onEachStore(t, mailtest.Options{}, func(w *environment) {
		w.works()
		f := w.pay("r1")
		for range 2 {
			must(w, ignore(w.keeper.Queue.Accept(w.Context(), f.RequestID, "max")))
			w.settled()
			must(w, ignore(w.keeper.Queue.Release(w.Context(), f.RequestID, "max")))
		}
		must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), f.SessionID, ada)))
		w.settled()
		const taken, over = "A mechanic has accepted your session", "Your session was cancelled"
		same(w, "mails", subjects(w.mailServer.Mails()), []string{taken, taken, over})
		ids := map[string]bool{}
		for _, m := range w.mailServer.Mails() {
			ids[m.Header.Get("Message-ID")] = true
		}
		same(w, "ids", len(ids), 3)
	})
}

func TestACheckoutWithoutAnAddressGetsNoMail(t *testing.T) {
	onEachStore(t, mailtest.Options{}, func(w *environment) {
		f, err := w.keeper.Admission.FulfillCheckout(w.Context(), shop, lifecycle.Purchase{PaymentRef: "r1", CustomerID: "ada", Plan: "chat10"})
		must(w, err)
		must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), f.SessionID, ada)))
		w.works()
		w.settled()
		same(w, "deliveries", w.Query(w, "SELECT count(*) FROM "+w.Schema+"deliveries"), [][]string{{"0"}})
	})
}

func TestAWrongAddressIsDeadAtOnce(t *testing.T) {
	onEachStore(t, mailtest.Options{}, func(w *environment) {
		f, err := w.keeper.Admission.FulfillCheckout(w.Context(), shop, lifecycle.Purchase{PaymentRef: "r1", CustomerID: "ada", Plan: "chat10", Email: "ada at example"})
		must(w, err)
		must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), f.SessionID, ada)))
		w.works()
		w.settled()
		same(w, "deliveries", w.Query(w, "SELECT state, attempts, error FROM "+w.Schema+"deliveries"),
			[][]string{{"dead", "1", "mail cannot be sent to this address"}})
		same(w, "mails", w.mailServer.Mails(), []mailtest.Mail(nil))
	})
}

// A receiver that was told a mail may be told it again, under the same id; what
// was not told comes.
func TestAMailWhoseResultWasNotWrittenIsRecognisable(t *testing.T) {
	onEachStore(t, mailtest.Options{}, func(w *environment) {
		must(w, ignore(w.keeper.Sessions.Cancel(w.Context(), w.pay("r1").SessionID, ada)))
		w.works()()
		w.works()
		w.settled()
		w.Exec(w, "UPDATE "+w.Schema+"deliveries SET state = 'pending', next_at = created_at")
		w.settled()
		mails := w.mailServer.Mails()
		same(w, "mails", len(mails), 2)
		same(w, "its id", mails[1].Header.Get("Message-ID"), mails[0].Header.Get("Message-ID"))
	})
}
