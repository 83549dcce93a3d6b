package httpapi

import (
	"net/http"
	"net/http/pprof"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/sse"
)

// handlers are what routes lead to, by noun.
type handlers struct {
	sessions   sessionHandlers
	queue      queueHandlers
	checkouts  checkoutHandlers
	customers  customerHandlers
	cleanups   cleanupHandlers
	explain    explainHandlers
	health     healthHandlers
	history    historyHandlers
	settings   settingsHandlers
	endpoints  endpointHandlers
	deliveries deliveryHandlers
	webhooks   webhookHandlers
	docs       *docsHandlers
	streams    *sse.Server
	site       *console.Site
}

// Where to read how a long task stands that outlives its answer.
const (
	whileRead     = "read how it stands in a while"
	inCleanupRuns = "GET /api/debug/cleanup-runs says when it has ended"
	inDeliveries  = "GET /api/deliveries shows what is sent again"
)

// routes is every route of the public listener.
func routes(h handlers) []route { return append(apiRoutes(h), siteRoutes(h)...) }

// apiRoutes is every route of the API: what, who, whose, and what answers it.
func apiRoutes(h handlers) []route {
	const get, post, patch, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	const c, m, a, sv = curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service
	return []route{
		at(post, "/api/checkouts", allow(auth.Nobodys, sv), "fulfillCheckout", "Fulfil a paid checkout", h.checkouts.fulfill).answers(201, 200, 202),
		at(get, "/api/customers/{id}/checkouts", allow(auth.Itself, c, a, sv), "listCheckouts", "A customer's payments", h.checkouts.ofCustomer),
		at(get, "/api/customers/{id}/session-status", allow(auth.Itself, c, a, sv), "sessionStatus", "What blocks a customer", h.customers.status),
		at(post, "/api/customers/{id}/clear", allow(auth.Itself, c, a, sv), "clearCustomer", "End what a customer has open", h.customers.clear).whole(whileRead),
		at(post, "/api/sessions", allow(auth.Nobodys, c, sv), "createSession", "Use a free plan or a credit", h.sessions.create).answers(201, 200),
		at(get, "/api/sessions/{id}", allow(auth.Party, c, m, a, sv), "readSession", "Read a session", h.sessions.read),
		at(get, "/api/sessions/{id}/events", allow(auth.Party, c, m, a, sv), "listEvents", "A session's history", h.sessions.events),
		at(post, "/api/sessions/{id}/join", allow(auth.Party, c, m), "joinSession", "Come in; the second party makes it live", h.sessions.join),
		at(post, "/api/sessions/{id}/end", allow(auth.Party, c, m, a, sv), "endSession", "End a session", h.sessions.end).whole(whileRead),
		at(post, "/api/sessions/{id}/cancel", allow(auth.Party, c, m, a, sv), "cancelSession", "Cancel a session, or release it", h.sessions.cancel).whole(whileRead),
		at(post, "/api/sessions/{id}/extend", allow(auth.Party, sv), "extendSession", "Give a live session paid time", h.sessions.extend).answers(201, 200),
		at(get, "/api/mechanics/requests", allow(auth.Nobodys, m, a), "listQueue", "What mechanics may accept", h.queue.list),
		at(post, "/api/mechanics/requests/{id}/accept", allow(auth.Offer, m), "acceptRequest", "Accept a request", h.queue.accept),
		at(post, "/api/mechanics/requests/{id}/release", allow(auth.Offer, m), "releaseRequest", "Put a request back", h.queue.release),
		streaming("/api/stream", allow(auth.Nobodys, c, m, a, sv), "stream", "What changes, as it changes (server-sent events)", h.streams.Serve),
		at(get, "/api/debug/cleanup-sessions", allow(auth.Nobodys, a), "previewCleanup", "What a cleanup would change", h.cleanups.preview).within(cleanupTimeout),
		at(post, "/api/debug/cleanup-sessions", allow(auth.Nobodys, a), "runCleanup", "Clean up, or store a preview", h.cleanups.run).within(cleanupTimeout).whole(inCleanupRuns),
		at(get, "/api/debug/cleanup-runs", allow(auth.Nobodys, a), "listRuns", "The record of cleanups", h.cleanups.runs),
		at(get, "/api/debug/checkouts", allow(auth.Nobodys, a), "findCheckouts", "Payments, oldest first", h.checkouts.find),
		at(get, "/api/debug/checkouts/{id}", allow(auth.Nobodys, a), "readCheckout", "A payment with its history, by its id or its reference", h.checkouts.read),
		at(post, "/api/debug/checkouts/{id}/fulfil", allow(auth.Nobodys, a), "fulfilHeld", "Give a held payment its session", h.checkouts.fulfillHeld).whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/assign", allow(auth.Nobodys, a), "assignHeld", "Say whose a held payment is, and fulfil it", h.checkouts.assignHeld).whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/refund", allow(auth.Nobodys, a), "refundCheckout", "Make a payment refund due", h.checkouts.refund).whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/credit", allow(auth.Nobodys, a), "creditCheckout", "Credit a forfeited payment", h.checkouts.credit).whole(whileRead),
		at(post, "/api/debug/cleanup-runs/{id}/undo", allow(auth.Nobodys, a), "undoRun", "Bring back what a run ended", h.cleanups.undo).within(cleanupTimeout).whole(inCleanupRuns),
		at(get, "/api/debug/explain", allow(auth.Nobodys, a), "explain", "The whole story of a customer", h.explain.explain),
		at(post, "/api/debug/sessions/{id}/release", allow(auth.Party, a), "unassignSession", "Put a mechanic's session back", h.sessions.unassign).whole(whileRead),
		at(get, "/api/debug/session-health", allow(auth.Nobodys, a, sv), "sessionHealth", "How healthy everything is", h.health.report).answers(200, 503),
		at(post, "/api/debug/findings/{id}/acknowledge", allow(auth.Nobodys, a), "acknowledgeFinding", "Say that a finding is known, until a moment", h.health.acknowledge),
		at(del, "/api/debug/findings/{id}/acknowledge", allow(auth.Nobodys, a), "withdrawAcknowledgement", "Let a finding count again", h.health.withdraw),
		at(get, "/api/webhook-endpoints", allow(auth.Nobodys, a), "listEndpoints", "Where webhooks go", h.endpoints.list),
		at(post, "/api/webhook-endpoints", allow(auth.Nobodys, a), "addEndpoint", "Send webhooks somewhere", h.endpoints.add).answers(201),
		at(get, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "readEndpoint", "Read an endpoint", h.endpoints.read),
		at(patch, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "changeEndpoint", "Change, disable or enable an endpoint", h.endpoints.change),
		at(del, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "removeEndpoint", "Forget an endpoint", h.endpoints.remove),
		at(post, "/api/webhook-endpoints/{id}/rotate", allow(auth.Nobodys, a), "rotateEndpoint", "Replace an endpoint's secret", h.endpoints.rotate),
		at(post, "/api/webhook-endpoints/{id}/test", allow(auth.Nobodys, a), "testEndpoint", "Send an endpoint a test", h.endpoints.test).answers(202),
		at(get, "/api/deliveries", allow(auth.Nobodys, a), "listDeliveries", "What was sent, and what is to be", h.deliveries.list),
		at(get, "/api/deliveries/{id}", allow(auth.Nobodys, a), "readDelivery", "Read a delivery", h.deliveries.read),
		at(post, "/api/deliveries/{id}/replay", allow(auth.Nobodys, a), "replayDelivery", "Send a delivery again", h.deliveries.replay),
		at(post, "/api/deliveries/replay", allow(auth.Nobodys, a), "replayDead", "Send all dead deliveries of an endpoint again", h.deliveries.replayDead).within(cleanupTimeout).whole(inDeliveries),
		at(get, "/api/debug/history", allow(auth.Nobodys, a), "readHistory", "The last hours of this process", h.history.read),
		at(get, "/api/debug/settings", allow(auth.Nobodys, a), "listSettings", "What this process was started with", h.settings.list),

		documented(post, "/api/stripe/webhook", "the provider, by its signature", h.webhooks.operation, h.webhooks.receive),
	}
}

// siteRoutes is every route for browsers: documentation, files, the way in and out, and pages.
func siteRoutes(h handlers) []route {
	const everybody, linked = "everybody", "the holder of a link in a mail"
	table := []route{
		plain(http.MethodGet, "/openapi.json", everybody, h.docs.openAPI),
		plain(http.MethodGet, "/docs", everybody, h.docs.forPeople),
		plain(http.MethodGet, "/static/", everybody, h.site.Static),
		plain(http.MethodGet, "/login", "the holder of a login link", h.site.Login),
		plain(http.MethodPost, "/logout", "the browser that is signed in", h.site.Logout),
	}
	for _, p := range h.site.Pages() {
		table = append(table, page(p.Path, p.Roles, p.Serve))
	}
	if h.site.Unsubscribes() {
		table = append(table,
			plain(http.MethodGet, "/api/unsubscribe", linked, h.site.AskUnsubscribe),
			plain(http.MethodPost, "/api/unsubscribe", linked, h.site.Unsubscribe))
	}
	return table
}

// opsRoutes is every route of the listener for operators.
func opsRoutes(h opsHandlers, m *metrics.Registry) []route {
	const operators = "whoever reaches this listener"
	return []route{
		plain(http.MethodGet, "/metrics", operators, m.Handler().ServeHTTP),
		plain(http.MethodGet, "/livez", operators, h.liveness),
		plain(http.MethodGet, "/readyz", operators, h.readiness),
		plain(http.MethodGet, "/debug/pprof/", operators, pprof.Index),
		plain(http.MethodGet, "/debug/pprof/cmdline", operators, pprof.Cmdline),
		plain(http.MethodGet, "/debug/pprof/profile", operators, pprof.Profile),
		plain(http.MethodGet, "/debug/pprof/symbol", operators, pprof.Symbol),
		plain(http.MethodGet, "/debug/pprof/trace", operators, pprof.Trace),
	}
}
