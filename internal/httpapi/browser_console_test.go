package httpapi_test

import (
	"net/url"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	customerPage = "/console/customer"
	paymentsPage = "/console/payments"
)

// customersTimeline makes a customer who paid, was left waiting, got a credit and a message about it, and waits again.
func customersTimeline(m *pageFixture) {
	m.Helper()
	m.before(70*time.Minute, func() { m.pays("katherine", "video15", 3900) })
	m.before(55*time.Minute, func() {
		_, err := m.admin().RunCleanup(m.Context(), api.Cleanup{Reason: "the sweeper was dead"})
		m.must(err)
		m.notices(record.MailChannel, "katherine@example.org", "session.cancelled")
		m.exec("UPDATE deliveries SET state = 'delivered', attempts = 1")
	})
	m.before(4*time.Minute, func() { m.pays("katherine", "chat10", 1500) })
	m.pays("katherine", "chat10", 1600) // deferred
	m.notices(record.MailChannel, "katherine@example.org", "checkout.deferred")
	m.exec("UPDATE deliveries SET attempts = 2, failures = 2, next_at = next_at + 240000000, error = 'no connection to the mail server' WHERE state = 'pending'")
}

func showsTheTimeline(w *tab) {
	customersTimeline(w.fixture)
	w.signIn(mara, overviewPage)
	w.wait(alive)
	w.write(".find input", "katherine\r")
	w.wait("#timeline", alive)
	w.says("#state", "Blocked by a session that is waiting for a mechanic")
	w.says(".lead", "Customer katherine is blocked by session", "at the latest until")
	w.says("#timeline", "began to wait for a mechanic", "Nobody accepted session", "the sweeper was dead", "became a credit",
		"The customer was told by e-mail (k…@example.org) that session", "is tried again then, after 2 tries")
	w.says("main", "39.00 EUR", "16.00 EUR")
	w.until("it counts down", "/^1[01]:[0-5][0-9] min$/.test(document.querySelector('.countdown time').textContent)")
	w.accessible()
	w.picture("customer")
	w.click("#now button.clear")
	w.wait("#ask[open]")
	w.write("#ask [name=reason]", "she gave up")
	w.confirm("1 session ended")
	w.says("#timeline", "she gave up")

	w.open(customerPage + "?q=nobody-at-all")
	w.wait(alive, "#missing")
	w.says("#missing", "nobody-at-all")
	w.picture("missing")
}

// Many sessions of one customer are folded, and only the newest payments are shown: all of it fits a few screens.
func aLongTimelineIsFolded(w *tab) {
	for range 12 {
		f := w.fixture.pays("kim", "chat10", 1500)
		_, err := w.fixture.keeper.Sessions.Cancel(w.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: "kim"})
		w.fixture.must(err)
	}
	f := w.fixture.pays("kim", "video15", 3900)
	w.fixture.exec("UPDATE checkouts SET email = 'kim@example.org'")
	w.signIn(mara, customerPage+"?q=kim")
	w.wait(alive, "#chapter-"+f.SessionID+"[open]")
	w.says("h1", "kim", "kim@example.org")
	w.says("main", "All payments", "All sessions")
	if n := evaluated[int](w, "document.querySelectorAll('.chapter[open]').length"); n != 1 {
		w.Errorf("%d chapters are unfolded, want 1", n)
	}
	if high := evaluated[int](w, "document.documentElement.scrollHeight"); high > 2000 {
		w.Errorf("the page is %d pixels high", high)
	}
	if n := evaluated[int](w, "document.querySelectorAll('#now button').length"); n != 1 {
		w.Errorf("%d buttons say that they unblock, want 1", n)
	}
	w.accessible()
	w.picture("story")
	c, err := w.fixture.keeper.Sessions.CheckCustomerSessionStatus(w.Context(), "kim")
	w.fixture.must(err)
	w.click("#payment-" + c.Session.CheckoutID + " button.refund")
	w.wait("#ask[open]")
	w.write("#ask [name=reason]", "they asked")
	w.confirm()
}

func aRunIsUndone(w *tab) {
	w.fixture.before(40*time.Minute, func() { w.fixture.pays("ada", "video15", 3900) })
	run, err := w.fixture.admin().RunCleanup(w.Context(), api.Cleanup{Reason: "by mistake"})
	w.fixture.must(err)
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	w.click("#run-" + run.RunID + " button.undo")
	w.wait("#ask[open]")
	w.says("#ask", "Undo this run?", "Gives each session that the run ended a new one")
	w.write("#ask [name=reason]", "she was still there")
	w.confirm("1 session came back")
	w.says("#run-"+run.RunID, "undone")
	w.says("#runs", "she was still there", "1 session came back")
	blocker, err := w.fixture.keeper.Sessions.CheckCustomerSessionStatus(w.Context(), "ada")
	if err != nil || blocker == nil {
		w.Error("nothing came back:", blocker, err)
	}
	w.picture("undone")
	for filter, want := range map[string]int{"?runs=hand": 2, "?runs=undoable": 0, "": 2} {
		w.open(cleanupPage + filter)
		w.wait(alive)
		if n := evaluated[int](w, "document.querySelectorAll('#runs tbody tr').length"); n != want {
			w.Errorf("%q shows %d runs, want %d", filter, n, want)
		}
	}
	w.open(customerPage + "?q=" + run.RunID)
	w.says("#timeline", "ada")
}

func paymentsAreWorked(w *tab) {
	w.fixture.held("", "pi_stray", "stray@example.org")
	w.fixture.held("bob", "pi_bob", "bob@example.org")
	w.fixture.pays("ada", "chat10", 1500)
	w.fixture.pays("ada", "video15", 3900) // deferred
	w.signIn(mara, paymentsPage)
	w.wait(alive)
	w.says("#state", "2 payments are held", "1 waits for a slot")
	w.says("#payments", "no customer", "pi_stray", "stray@example.org", "there is no plan")
	w.accessible()
	w.picture("payments")

	stray, err := w.fixture.keeper.Checkouts.Checkout(w.Context(), "pi_stray")
	w.fixture.must(err)
	w.click("#payment-" + stray.ID + " button.assign")
	w.wait("#ask[open]")
	w.write("#ask [name=customerId]", "grace")
	w.empty("#ask [name=plan]")
	w.write("#ask [name=plan]", "chat10")
	w.write("#ask [name=reason]", "she wrote us")
	w.picture("assign")
	w.confirm()
	w.gone("#payment-" + stray.ID)

	bob, err := w.fixture.keeper.Checkouts.Checkout(w.Context(), "pi_bob")
	w.fixture.must(err)
	w.click("#payment-" + bob.ID + " button.refund")
	w.wait("#ask[open]")
	w.write("#ask [name=reason]", "no such plan")
	w.confirm()
	w.open(paymentsPage + "?outcome=refund_due")
	w.wait(alive)
	w.click("#payment-" + bob.ID + " button.by-hand")
	w.wait("#ask[open]")
	w.write("#ask [name=reason]", "by transfer")
	w.confirm()
	w.gone("#payment-" + bob.ID)
	for ref, want := range map[string]curfew.Outcome{"pi_stray": curfew.Fulfilled, "pi_bob": curfew.Refunded} {
		if c, err := w.fixture.keeper.Checkouts.Checkout(w.Context(), ref); err != nil || c.Outcome != want {
			w.Errorf("%s is %s (%v), want %s", ref, c.Outcome, err, want)
		}
	}
}

// hostileDeliveries puts the text into an endpoint's address and description, a customer's address and a receiver's response.
func hostileDeliveries(w *tab, corpus []string) {
	for _, text := range corpus {
		endpoint, delivery := w.fixture.dead()
		w.fixture.exec("UPDATE webhook_endpoints SET url = ?, description = ?, kinds = json_array(?), enabled = 0, disabled_reason = ? WHERE id = ?",
			text, text, text, text, endpoint)
		w.fixture.exec("UPDATE deliveries SET customer_id = ?, error = ? WHERE id = ?", text, text, delivery)
	}
	w.fixture.notices(record.MailChannel, "x@"+corpus[0])
	w.fixture.exec("UPDATE deliveries SET state = 'dead', error = destination WHERE channel = 'mail' AND customer_id = ?", corpus[1])
	w.open(deliveriesPage)
	w.wait(alive)
	w.says("#endpoints", corpus...)
	w.says("#deliveries", corpus...)
	harmless(w)
	w.open(deliveriesPage + "?state=pending")
	w.wait(alive)
	w.says("#deliveries", "x…@"+corpus[0])
	harmless(w)
}

// hostileTimelines looks for what customers wrote in timelines and payments.
func hostileTimelines(w *tab, corpus []string) {
	for i, text := range corpus {
		w.fixture.held(text, "pi_"+string(rune('a'+i)), text+"@example.org")
		w.open(customerPage + "?q=" + url.QueryEscape(text))
		w.wait(alive, "#timeline")
		w.says("h1", text)
		harmless(w)
	}
	w.open(customerPage + "?q=" + url.QueryEscape("<script>alert(1)</script>"))
	w.wait(alive)
	harmless(w)
	w.open(paymentsPage + "?outcome=held")
	w.wait(alive)
	w.says("#payments", corpus...)
	harmless(w)
}
