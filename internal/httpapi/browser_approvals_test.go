package httpapi_test

const (
	approvalsPage = "/console/approvals"
	auditPage     = "/console/audit"
)

func approvalsAreDecided(w *tab) {
	w.fixture.pays("ada", "chat10", 9900)
	w.fixture.exec(`INSERT INTO approvals (id, action, customer_id, target, body, summary, state, asked_by, asked_at, expires_at)
		SELECT '0199c0de-0000-7000-8000-00000000cafe', 'refundCheckout', customer_id, id, '{"reason":"she waited for an hour, and nobody came","amount":9900,"currency":"eur"}',
		'Refund 99.00 EUR of payment ' || ref, 'pending', 'admin:otto', created_at, created_at + 86400000000 FROM checkouts`)
	w.signIn(mara, approvalsPage)
	w.wait(alive, "#approvals li")
	w.says("#state", "1 action waits for a second person.")
	w.says("#approvals", "Refund 99.00 EUR of payment", "nobody came", "asked by admin:otto", "expires in", "which nobody can undo")
	w.accessible()
	w.picture("approvals")
	w.click("#approvals li button.approve")
	w.wait("#ask[open]")
	w.says("#ask", "Approve it, and carry it out?", "which nobody can undo")
	w.picture("approvals-ask")
	w.confirm("It was carried out.")
	w.gone("#approvals li")
	w.open(approvalsPage + "?state=all")
	w.wait(alive, "#approvals li")
	w.says("#approvals", "done", "approved by admin:"+mara.ID)
	w.fixture.audited() // writes what is waiting
	w.open(auditPage)
	w.wait(alive, "#audit tbody tr")
	w.says("#audit", "admin:"+mara.ID, "approve", "refundCheckout", "page:approvals", "signIn")
	w.click("#audit tbody tr details summary")
	w.wait("#audit tbody tr details[open]")
	w.accessible()
	w.picture("audit")
}
