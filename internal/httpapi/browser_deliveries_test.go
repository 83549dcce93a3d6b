package httpapi_test

import (
	"strings"

	"github.com/curfewhq/curfew/internal/record"
)

const deliveriesPage = "/console/deliveries"

func deliveriesAreWorked(w *tab) {
	w.signIn(mara, deliveriesPage)
	w.wait(alive)
	w.says("#state", "Events go to no endpoint")
	w.click("button.add")
	w.wait("#ask[open]")
	w.write("#ask [name=url]", "https://shop.example.org/hooks")
	w.write("#ask [name=events]", "session.cancelled, checkout.held")
	w.confirm("shown now and never again", "whsec_")
	w.wait("#endpoints li")
	w.says("#endpoints", "https://shop.example.org/hooks", "session.cancelled, checkout.held", "enabled")

	_, delivery := w.fixture.dead()
	w.fixture.exec("UPDATE webhook_endpoints SET url = url || ?, description = ? WHERE url LIKE 'https://example.org%'",
		strings.Repeat("/a-long-way", 12), "the shop's accounting")
	w.fixture.exec("UPDATE deliveries SET error = ? WHERE id = ?", strings.Repeat("it-did-not-say-where-to-break,", 6), delivery)
	w.open(deliveriesPage)
	w.wait(alive, "#delivery-"+delivery)
	w.says("#state", "Nothing arrives at example.org")
	w.says("#delivery-"+delivery, "dead")
	w.says("#endpoints", "0 of the last 1 arrived")
	w.accessible()
	w.picture("deliveries")
	w.click("#delivery-" + delivery + " td:nth-child(2) a")
	w.wait("#facts", alive)
	w.says("#state", "Nothing arrives: 1 delivery failed, none arrived")
	w.says("#facts", "Success rate", "0 %", "it-did-not-say-where-to-break")
	w.says("#deliveries", "What is sent")
	w.accessible()
	w.picture("endpoint")
	w.open(deliveriesPage + "?state=dead")
	w.wait(alive, "#delivery-"+delivery)
	w.click("#delivery-" + delivery + " button.replay")
	w.gone("#delivery-" + delivery)
	d, err := w.fixture.admin().Delivery(w.Context(), delivery)
	w.fixture.must(err)
	if d.State != string(record.DeliveryPending) {
		w.Errorf("the replayed delivery is %s", d.State)
	}

	w.click("#endpoints li:first-child button.disable")
	w.wait("#ask[open]")
	w.confirm()
	w.wait("#endpoints li:first-child button.enable")
	w.click("#endpoints li:first-child button.enable")
	w.wait("#endpoints li:first-child button.disable")
	w.click("#endpoints li:first-child button.test")
	w.until("the test is said", "document.querySelector('#said').textContent.includes('on its way')")
	w.click("#endpoints li:first-child button.rotate")
	w.wait("#ask[open]")
	w.confirm("whsec_")
}
