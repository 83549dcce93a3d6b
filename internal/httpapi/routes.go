package httpapi

import (
	"net/http"
	"net/http/pprof"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/sse"
)

// handlers are the handlers of the routes, by noun.
type handlers struct {
	sessions   sessionHandlers
	queue      queueHandlers
	mechanics  mechanicHandlers
	checkouts  checkoutHandlers
	first      testCheckout
	books      bookHandlers
	customers  customerHandlers
	cleanups   cleanupHandlers
	jobs       jobHandlers
	explain    explainHandlers
	health     healthHandlers
	history    historyHandlers
	settings   settingsHandlers
	endpoints  endpointHandlers
	deliveries deliveryHandlers
	keys       keyHandlers
	privacy    privacyHandlers
	tokens     tokenHandlers
	signIns    signInHandlers
	audit      auditHandlers
	approvals  approvalHandlers
	directory  directoryHandlers
	stripe     door
	events     door
	clock      clockHandlers
	docs       *docsHandlers
	streams    *sse.Server
	tickets    streamHandlers
	site       *console.Site
}

// Where to read the state of a long task that outlives its answer.
const (
	whileRead    = "read how it stands in a while"
	inDeliveries = "GET /api/deliveries shows what is sent again"
)

// routes returns every route of the public listener.
func routes(h handlers) []route {
	return slices.Concat(apiRoutes(h), credentialRoutes(h), siteRoutes(h))
}

// apiRoutes returns the routes of the API: method and path, access, name, and handler.
func apiRoutes(h handlers) []route { return slices.Concat(marketRoutes(h), operatorRoutes(h)) }

// marketRoutes returns the routes for customers, mechanics and the marketplace's programs.
func marketRoutes(h handlers) []route {
	const get, post = http.MethodGet, http.MethodPost
	const c, m, a, sv = curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service
	return []route{
		at(post, "/api/checkouts", allow(auth.InBody, sv), "fulfillCheckout", "Fulfill a paid checkout", h.checkouts.fulfill).answers(201, 200, 202),
		at(get, "/api/customers/{id}/checkouts", allow(auth.Itself, c, a, sv), "listCheckouts", "List a customer's payments", h.checkouts.ofCustomer),
		at(get, "/api/customers/{id}/session-status", allow(auth.Itself, c, a, sv), "sessionStatus", "Report what blocks a customer", h.customers.status),
		at(get, "/api/customers/{id}/forecast", allow(auth.Itself, c, a, sv), "forecast", "Forecast how long a customer waits for a mechanic", h.customers.forecast),
		at(post, "/api/customers/{id}/clear", allow(auth.Itself, c, a, sv), "clearCustomer", "End what a customer has open", h.customers.clear).approvable().whole(whileRead),
		at(get, "/api/customers/{id}/export", allow(auth.Nobodys, a), "exportCustomer", "Export everything that is held about a customer", h.privacy.export).within(cleanupTimeout),
		at(post, "/api/customers/{id}/erase", allow(auth.Nobodys, a), "eraseCustomer", "Preview the erasure of a customer's personal data, or carry it out", h.privacy.erase).approvable().within(cleanupTimeout).whole(whileRead),
		at(post, "/api/sessions", allow(auth.InBody, c, sv), "createSession", "Create a session with a free plan or a credit", h.sessions.create).answers(201, 200),
		at(get, "/api/sessions/{id}", allow(auth.Party, c, m, a, sv), "readSession", "Read a session", h.sessions.read),
		at(get, "/api/sessions/{id}/events", allow(auth.Party, c, m, a, sv), "listEvents", "List a session's events", h.sessions.events),
		at(post, "/api/sessions/{id}/join", allow(auth.Party, c, m), "joinSession", "Join a session; the second party makes it live", h.sessions.join),
		at(post, "/api/sessions/{id}/end", allow(auth.Party, c, m, a, sv), "endSession", "End a session", h.sessions.end).approvable().whole(whileRead),
		at(post, "/api/sessions/{id}/cancel", allow(auth.Party, c, m, a, sv), "cancelSession", "Cancel a session, or release it", h.sessions.cancel).approvable().whole(whileRead),
		at(post, "/api/sessions/{id}/extend", allow(auth.Party, sv), "extendSession", "Extend a live session with paid time", h.sessions.extend).answers(201, 200),
		at(get, "/api/mechanics/requests", allow(auth.Nobodys, m, a), "listQueue", "List the requests that mechanics may accept", h.queue.list),
		at(post, "/api/mechanics/requests/{id}/accept", allow(auth.Offer, m), "acceptRequest", "Accept a request", h.queue.accept),
		at(post, "/api/mechanics/requests/{id}/release", allow(auth.Offer, m), "releaseRequest", "Release an accepted request back into the queue", h.queue.release),
		at(post, "/api/mechanics/requests/{id}/transfer", allow(auth.Offer, m), "transferRequest", "Give a request to a colleague", h.queue.transfer),
		at(get, "/api/mechanics/{id}", allow(auth.Colleague, m, a, sv), "readMechanic", "Read what keeps a mechanic busy, and how often they did not join", h.mechanics.read),
		at(post, "/api/stream/tickets", allow(auth.Nobodys, c, m, a, sv), "createStreamTicket", "Get a ticket that opens a stream once, for an EventSource", h.tickets.ticket).answers(201),
		streaming("/api/stream", allow(auth.Nobodys, c, m, a, sv), "stream", "Stream changes as they happen (server-sent events)", h.streams.Serve),
		documented(post, "/api/stripe/webhook", "the provider, by its signature", h.stripe.stripeOperation, h.stripe.receive),
		documented(post, "/api/payments/events", "the marketplace, by its signature", h.events.eventOperation, h.events.receive),
	}
}

// operatorRoutes returns the routes for operators.
func operatorRoutes(h handlers) []route {
	const get, post, patch, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	const a, sv = curfew.Admin, curfew.Service
	return []route{
		at(get, "/api/debug/cleanup-sessions", allow(auth.Nobodys, a), "previewCleanup", "Preview what a cleanup would change", h.cleanups.preview).within(cleanupTimeout),
		at(post, "/api/debug/cleanup-sessions", allow(auth.Nobodys, a), "runCleanup", "Run a cleanup, or store a preview", h.cleanups.run).within(cleanupTimeout).job(),
		at(get, "/api/debug/cleanup-runs", allow(auth.Nobodys, a), "listRuns", "List cleanup runs", h.cleanups.runs),
		at(get, "/api/debug/checkouts", allow(auth.Nobodys, a), "findCheckouts", "List payments, oldest first", h.checkouts.find),
		at(get, "/api/debug/checkouts/{id}", allow(auth.Nobodys, a), "readCheckout", "Read a payment with its history, by id or reference", h.checkouts.read),
		at(get, "/api/debug/checkouts/{id}/evidence", allow(auth.Nobodys, a), "checkoutEvidence", "Read what is known about a disputed payment, in the fields of Stripe's dispute evidence", h.explain.evidence),
		at(post, "/api/debug/checkouts/{id}/fulfil", allow(auth.Nobodys, a), "fulfillHeld", "Fulfill a held payment", h.checkouts.fulfillHeld).whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/assign", allow(auth.Nobodys, a), "assignHeld", "Assign a held payment to a customer, and fulfill it", h.checkouts.assignHeld).whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/refund", allow(auth.Nobodys, a), "refundCheckout", "Refund a payment, or record a refund made by hand", h.checkouts.refund).approvable().whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/credit", allow(auth.Nobodys, a), "creditCheckout", "Credit a forfeited payment", h.checkouts.credit).whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/ignore", allow(auth.Nobodys, a), "ignoreCheckout", "Mark a held payment as being for something not sold here", h.checkouts.ignore).whole(whileRead),
		at(post, "/api/debug/checkouts/{id}/restore", allow(auth.Nobodys, a), "restoreCheckout", "Hold an ignored payment after all", h.checkouts.restore).whole(whileRead),
		at(post, "/api/debug/test-checkout", allow(auth.Nobodys, a), "sendTestCheckout", "Send the test checkout: a payment of nothing by test-customer, once, into an empty database", h.first.send).answers(201, 200),
		at(get, "/api/debug/books", allow(auth.Nobodys, a), "readBooks", "Read the books of a month as CSV, by currency or payment by payment", h.books.read).within(cleanupTimeout).writes(csvType),
		at(post, "/api/debug/cleanup-runs/{id}/undo", allow(auth.Nobodys, a), "undoRun", "Undo a cleanup run", h.cleanups.undo).within(cleanupTimeout).job(),
		at(post, "/api/debug/reconcile", allow(auth.Nobodys, a), "reconcile", "Compare payments with the provider's books, and record what is missing", h.jobs.reconcile).within(cleanupTimeout).job(),
		at(get, "/api/debug/jobs", allow(auth.Nobodys, a), "listJobs", "List jobs, newest first", h.jobs.list),
		at(get, "/api/debug/jobs/{id}", allow(auth.Nobodys, a), "readJob", "Read a job's progress and result", h.jobs.read),
		at(post, "/api/debug/jobs/{id}/cancel", allow(auth.Nobodys, a), "cancelJob", "Stop a job between two steps; what it has done stays done", h.jobs.cancel),
		at(get, "/api/debug/explain", allow(auth.Nobodys, a), "explain", "Explain what happened to a customer", h.explain.explain),
		at(post, "/api/debug/sessions/{id}/release", allow(auth.Party, a), "unassignSession", "Take a session from its mechanic and put it back into the queue", h.sessions.unassign).whole(whileRead),
		at(post, "/api/debug/sessions/{id}/prolong", allow(auth.Party, a), "prolongSession", "Move a session's deadline", h.sessions.prolong),
		at(get, "/api/debug/session-health", allow(auth.Nobodys, a, sv), "sessionHealth", "Report health", h.health.report).answers(200, 503).unlimited().impersonal(),
		at(post, "/api/debug/findings/{id}/acknowledge", allow(auth.Nobodys, a), "acknowledgeFinding", "Acknowledge a finding until a given time", h.health.acknowledge),
		at(del, "/api/debug/findings/{id}/acknowledge", allow(auth.Nobodys, a), "withdrawAcknowledgement", "Withdraw an acknowledgement", h.health.withdraw),
		at(get, "/api/webhook-endpoints", allow(auth.Nobodys, a), "listEndpoints", "List webhook endpoints", h.endpoints.list),
		at(post, "/api/webhook-endpoints", allow(auth.Nobodys, a), "addEndpoint", "Add a webhook endpoint", h.endpoints.add).answers(201),
		at(get, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "readEndpoint", "Read an endpoint", h.endpoints.read),
		at(patch, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "changeEndpoint", "Change, disable or enable an endpoint", h.endpoints.change),
		at(del, "/api/webhook-endpoints/{id}", allow(auth.Nobodys, a), "removeEndpoint", "Remove an endpoint", h.endpoints.remove),
		at(post, "/api/webhook-endpoints/{id}/rotate", allow(auth.Nobodys, a), "rotateEndpoint", "Replace an endpoint's secret", h.endpoints.rotate),
		at(post, "/api/webhook-endpoints/{id}/test", allow(auth.Nobodys, a), "testEndpoint", "Send a test event to an endpoint", h.endpoints.test).answers(202),
		at(get, "/api/deliveries", allow(auth.Nobodys, a), "listDeliveries", "List deliveries", h.deliveries.list),
		at(get, "/api/deliveries/{id}", allow(auth.Nobodys, a), "readDelivery", "Read a delivery", h.deliveries.read),
		at(post, "/api/deliveries/{id}/replay", allow(auth.Nobodys, a), "replayDelivery", "Replay a delivery", h.deliveries.replay),
		at(post, "/api/deliveries/replay", allow(auth.Nobodys, a), "replayDead", "Replay all dead deliveries of an endpoint", h.deliveries.replayDead).within(cleanupTimeout).whole(inDeliveries),
		at(get, "/api/sessions", allow(auth.Nobodys, a), "listSessions", "List sessions, newest first or by deadline", h.directory.sessions),
		at(get, "/api/sessions.csv", allow(auth.Nobodys, a), "exportSessions", "Export all matching sessions as CSV", h.directory.exportSessions).within(cleanupTimeout).writes(csvType),
		at(get, "/api/checkouts", allow(auth.Nobodys, a), "listPayments", "List payments, newest first", h.directory.payments),
		at(get, "/api/checkouts.csv", allow(auth.Nobodys, a), "exportPayments", "Export all matching payments as CSV", h.directory.exportPayments).within(cleanupTimeout).writes(csvType),
		at(get, "/api/deliveries.csv", allow(auth.Nobodys, a), "exportDeliveries", "Export deliveries as CSV, newest first, without their bodies", h.directory.exportSent).within(cleanupTimeout).writes(csvType),
		at(get, "/api/search", allow(auth.Nobodys, a), "search", "Find a customer, session, request, payment, run or mechanic by an id or a part of it, a name, an address or a reference", h.directory.search),
		at(get, "/api/debug/history", allow(auth.Nobodys, a), "readHistory", "Read the health history of the last hours", h.history.read).impersonal(),
		at(get, "/api/debug/settings", allow(auth.Nobodys, a), "listSettings", "List the settings of this process", h.settings.list).impersonal(),
		at(post, "/api/test/clock/advance", allow(auth.Nobodys, a, sv), "advanceTestClock", "Move the test clock forward, and do everything that is due by then", h.clock.advance).within(cleanupTimeout),
	}
}

// credentialRoutes returns the routes for keys, tokens and sign-ins.
func credentialRoutes(h handlers) []route {
	const get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete
	const a = curfew.Admin
	return []route{
		at(get, "/api/keys", allow(auth.Nobodys, a), "listKeys", "List API keys", h.keys.list),
		at(post, "/api/keys", allow(auth.Nobodys, a), "createKey", "Create an API key for a service", h.keys.create).answers(201),
		at(post, "/api/keys/{id}/rotate", allow(auth.Nobodys, a), "rotateKey", "Replace an API key's secret", h.keys.rotate),
		at(del, "/api/keys/{id}", allow(auth.Nobodys, a), "revokeKey", "Revoke an API key", h.keys.revoke),
		at(get, "/api/sign-ins", allow(auth.Nobodys, a), "listSignIns", "List the browsers that are signed in", h.signIns.list),
		at(del, "/api/sign-ins", allow(auth.Nobodys, a), "endSignIns", "Sign every browser out", h.signIns.endAll),
		at(del, "/api/sign-ins/{id}", allow(auth.Nobodys, a), "endSignIn", "Sign a browser out", h.signIns.end),
		at(post, "/api/tokens/revoke", allow(auth.Nobodys, a), "revokeTokens", "Revoke one token of the local key, or all tokens of a subject", h.tokens.revoke),
		at(get, "/api/approvals", allow(auth.Nobodys, a), "listApprovals", "List actions that need a second admin's approval, and what became of them", h.approvals.list),
		at(post, "/api/approvals/{id}/approve", allow(auth.Nobodys, a), "approve", "Approve what another admin asked for, and carry it out", h.approvals.approve).whole(whileRead),
		at(post, "/api/approvals/{id}/reject", allow(auth.Nobodys, a), "reject", "Reject what another admin asked for", h.approvals.reject),
		at(get, "/api/audit", allow(auth.Nobodys, a), "listAudit", "List what staff did and looked at, newest first", h.audit.list),
	}
}

// siteRoutes returns the routes for browsers: documentation, files, sign-in and sign-out, and
// pages.
func siteRoutes(h handlers) []route {
	const everybody, linked = "everybody", "the holder of a link in a mail"
	table := []route{
		plain(http.MethodGet, "/openapi.json", everybody, h.docs.openAPI),
		plain(http.MethodGet, "/docs", everybody, h.docs.forPeople),
		plain(http.MethodGet, "/static/", everybody, h.site.Static),
		plain(http.MethodGet, "/login", "the holder of a login link", h.site.AskLogin),
		plain(http.MethodPost, "/login", "the holder of a login link", h.site.Login),
		plain(http.MethodPost, "/logout", "the browser that is signed in", h.site.Logout),
	}
	for _, p := range h.site.Pages() {
		table = append(table, page(p.Path, p.Name, p.Roles, p.Serve))
	}
	if h.site.Unsubscribes() {
		table = append(table,
			plain(http.MethodGet, "/api/unsubscribe", linked, h.site.AskUnsubscribe),
			plain(http.MethodPost, "/api/unsubscribe", linked, h.site.Unsubscribe))
	}
	return table
}

// onePortRoutes returns what operators' programs need on the public listener if the platform
// provides only one port. It reveals nothing to strangers, and leaves out pprof.
func onePortRoutes(h opsHandlers, m *metrics.Registry) []route {
	return []route{
		plain(http.MethodGet, "/livez", "everybody", h.liveness),
		plain(http.MethodGet, "/readyz", "everybody", h.bareReadiness),
		guarded("/metrics", "metrics", []curfew.Role{curfew.Admin, curfew.Service}, m.Handler().ServeHTTP),
	}
}

// opsRoutes returns the routes of the listener for operators.
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
