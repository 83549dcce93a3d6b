package httpapi

import (
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
)

// routes is every route of the API: what, who, whose, and what answers it.
func (s *Server) routes() []route {
	const get, post, patch, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	const c, m, a, sv = curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service
	sessions := sessionHandlers{s.engine}
	queue := queueHandlers{s.engine}
	checkouts := checkoutHandlers{s.engine}
	customers := customerHandlers{s.engine}
	cleanups := cleanupHandlers{s.engine, s.problems}
	health := healthHandlers{s.engine, s.version, s.baseURL}
	endpoints := endpointHandlers{s.endpoints}
	deliveries := deliveryHandlers{s.deliveries, s.endpoints}
	return []route{
		at(post, "/api/checkouts", allow(auth.Nobodys, sv), "fulfillCheckout", "Fulfil a paid checkout", checkouts.fulfillCheckout).answers(201, 200, 202),
		at(get, "/api/customers/{id}/checkouts", allow(auth.Itself, c, a, sv), "listCheckouts", "A customer's payments", checkouts.listCheckouts),
		at(get, "/api/customers/{id}/session-status", allow(auth.Itself, c, a, sv), "sessionStatus", "What blocks a customer", customers.sessionStatus),
		at(post, "/api/customers/{id}/clear", allow(auth.Itself, c, a, sv), "clearCustomer", "End what a customer has open", customers.clearCustomer).whole(),
		at(post, "/api/sessions", allow(auth.Nobodys, c, sv), "createSession", "Use a free plan or a credit", sessions.createSession).answers(201, 200),
		at(get, "/api/sessions/{id}", allow(auth.Party, c, m, a, sv), "readSession", "Read a session", sessions.readSession),
		at(get, "/api/sessions/{id}/events", allow(auth.Party, c, m, a, sv), "listEvents", "A session's history", sessions.listEvents),
		at(post, "/api/sessions/{id}/join", allow(auth.Party, c, m), "joinSession", "Come in; the second party makes it live", sessions.joinSession),
		at(post, "/api/sessions/{id}/end", allow(auth.Party, c, m, a, sv), "endSession", "End a session", sessions.endSession).whole(),
		at(post, "/api/sessions/{id}/cancel", allow(auth.Party, c, m, a, sv), "cancelSession", "Cancel a session, or release it", sessions.cancelSession).whole(),
		at(post, "/api/sessions/{id}/extend", allow(auth.Party, sv), "extendSession", "Give a live session paid time", sessions.extendSession).answers(201, 200),
		at(get, "/api/mechanics/requests", allow(auth.Nobodys, m, a), "listQueue", "What mechanics may accept", queue.listQueue),
		at(post, "/api/mechanics/requests/{id}/accept", allow(auth.Offer, m), "acceptRequest", "Accept a request", queue.acceptRequest),
		at(post, "/api/mechanics/requests/{id}/release", allow(auth.Offer, m), "releaseRequest", "Put a request back", queue.releaseRequest),
		streaming("/api/stream", allow(auth.Nobodys, c, m, a, sv), "stream", "What changes, as it changes (server-sent events)"),
		at(get, "/api/debug/cleanup-sessions", allow(auth.Nobodys, a), "previewCleanup", "What a cleanup would change", cleanups.previewCleanup).within(cleanupTimeout),
		at(post, "/api/debug/cleanup-sessions", allow(auth.Nobodys, a), "runCleanup", "Clean up, or store a preview", cleanups.runCleanup).within(cleanupTimeout).whole(),
		at(get, "/api/debug/cleanup-runs", allow(auth.Nobodys, a), "listRuns", "The record of cleanups", cleanups.listRuns),
		at(get, "/api/debug/checkouts", allow(auth.Nobodys, a), "findCheckouts", "Payments, oldest first", checkouts.findCheckouts),
		at(get, "/api/debug/checkouts/{id}", allow(auth.Nobodys, a), "readCheckout", "A payment with its history, by its id or its reference", checkouts.readCheckout),
		at(post, "/api/debug/checkouts/{id}/fulfil", allow(auth.Nobodys, a), "fulfilHeld", "Give a held payment its session", checkouts.fulfilHeld).whole(),
		at(post, "/api/debug/checkouts/{id}/assign", allow(auth.Nobodys, a), "assignHeld", "Say whose a held payment is, and fulfil it", checkouts.assignHeld).whole(),
		at(post, "/api/debug/checkouts/{id}/refund", allow(auth.Nobodys, a), "refundCheckout", "Make a payment refund due", checkouts.refundCheckout).whole(),
		at(post, "/api/debug/checkouts/{id}/credit", allow(auth.Nobodys, a), "creditCheckout", "Credit a forfeited payment", checkouts.creditCheckout).whole(),
		at(post, "/api/debug/cleanup-runs/{id}/undo", allow(auth.Nobodys, a), "undoRun", "Bring back what a run ended", cleanups.undoRun).within(cleanupTimeout).whole(),
		at(get, "/api/debug/explain", allow(auth.Nobodys, a), "explain", "The whole story of a customer", s.explain),
		at(post, "/api/debug/sessions/{id}/release", allow(auth.Party, a), "unassignSession", "Put a mechanic's session back", sessions.unassignSession).whole(),
		at(get, "/api/debug/session-health", allow(auth.Nobodys, a, sv), "sessionHealth", "How healthy everything is", health.sessionHealth).answers(200, 503),
		at(post, "/api/debug/findings/{id}/acknowledge", allow(auth.Nobodys, a), "acknowledgeFinding", "Say that a finding is known, until a moment", health.acknowledgeFinding),
		at(del, "/api/debug/findings/{id}/acknowledge", allow(auth.Nobodys, a), "withdrawAcknowledgement", "Let a finding count again", health.withdrawAcknowledgement),
		at(get, "/api/webhook-endpoints", allow(auth.Nobodys, a), "listEndpoints", "Where webhooks go", endpoints.listEndpoints),
		at(post, "/api/webhook-endpoints", allow(auth.Nobodys, a), "addEndpoint", "Send webhooks somewhere", endpoints.addEndpoint).answers(201),
		at(get, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "readEndpoint", "Read an endpoint", endpoints.readEndpoint),
		at(patch, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "changeEndpoint", "Change, disable or enable an endpoint", endpoints.changeEndpoint),
		at(del, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "removeEndpoint", "Forget an endpoint", endpoints.removeEndpoint),
		at(post, "/api/webhook-endpoints/{id}/rotate", allow(auth.Nobodys, a), "rotateEndpoint", "Replace an endpoint's secret", endpoints.rotateEndpoint),
		at(post, "/api/webhook-endpoints/{id}/test", allow(auth.Nobodys, a), "testEndpoint", "Send an endpoint a test", endpoints.testEndpoint).answers(202),
		at(get, "/api/deliveries", allow(auth.Nobodys, a), "listDeliveries", "What was sent, and what is to be", deliveries.listDeliveries),
		at(get, "/api/deliveries/{id}", allow(auth.Nobodys, a), "readDelivery", "Read a delivery", deliveries.readDelivery),
		at(post, "/api/deliveries/{id}/replay", allow(auth.Nobodys, a), "replayDelivery", "Send a delivery again", deliveries.replayDelivery),
		at(post, "/api/deliveries/replay", allow(auth.Nobodys, a), "replayDead", "Send all dead deliveries of an endpoint again", deliveries.replayDead).within(cleanupTimeout).whole(),
		at(get, "/api/debug/history", allow(auth.Nobodys, a), "readHistory", "The last hours of this process", s.readHistory),
		at(get, "/api/debug/settings", allow(auth.Nobodys, a), "listSettings", "What this process was started with", s.listSettings),
	}
}

// allow is an entry of the who-column.
func allow(r auth.Relation, roles ...curfew.Role) auth.Access {
	return auth.Access{Roles: roles, Relation: r}
}
