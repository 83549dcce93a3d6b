package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

// What customers and mechanics may read by themselves: rows by a policy of their table, columns by a
// grant, and both through views in a schema of their own. They may not even name schema curfew.
// {customer} and {mechanic} are the ids of who reads, or NULL. Each is a subquery, so that it is
// computed once a statement and not once a row.

// readers is the condition on the rows of a table for customers and for mechanics.
var readers = map[string]map[string]string{
	"sessions": {
		"customer": "customer_id = {customer}",
		"mechanic": "mechanic_id = {mechanic} OR (status = 'waiting' AND mechanic_id IS NULL AND {mechanic} IS NOT NULL)",
	},
	"session_requests": {
		"customer": "customer_id = {customer}",
		"mechanic": "mechanic_id = {mechanic} OR (status = 'pending' AND {mechanic} IS NOT NULL)",
	},
	"checkouts":      {"customer": "customer_id = {customer}"},
	"mechanic_slots": {"mechanic": "mechanic_id = {mechanic}"},
}

// readable are the columns that readers may read: none holds a name, an address or an operator's words.
var readable = map[string]string{
	"sessions": "customer_id, id, mechanic_id, plan, kind, duration_seconds, status, created_at, starts_at, expires_at, accepted_at, " +
		"started_at, ended_at, end_reason",
	"session_requests": "customer_id, id, session_id, mechanic_id, status, created_at, ended_at",
	"checkouts":        "customer_id, id, plan, amount, currency, outcome, session_id, retry_until, refund_amount, starts_at, created_at, updated_at",
	"mechanic_slots":   "mechanic_id, customer_id, session_id",
}

// published are the views. A policy may show more rows than a view is about, so a view names its own, and
// is a security barrier: no function of the reader's sees a row before the view's condition does. The
// condition is also what finds the rows by an index.
var published = []struct{ name, query string }{
	{"sessions", `SELECT s.id, s.plan, s.kind, s.duration_seconds, s.status, s.mechanic_id, s.created_at, s.starts_at, s.expires_at,
    s.accepted_at, s.started_at, s.ended_at, {reason} AS end_reason
FROM curfew.sessions s WHERE s.customer_id = {customer}`},
	{"requests", `SELECT r.id, r.session_id, r.mechanic_id, r.status, r.created_at, r.ended_at
FROM curfew.session_requests r WHERE r.customer_id = {customer}`},
	{"checkouts", `SELECT c.id, c.plan, c.amount, c.currency, c.outcome, c.session_id, c.retry_until, c.refund_amount, c.starts_at,
    c.created_at, c.updated_at
FROM curfew.checkouts c WHERE c.customer_id = {customer}`},
	{"queue", `SELECT r.id AS request_id, s.id AS session_id, s.plan, s.kind, s.duration_seconds, coalesce(s.starts_at, s.created_at) AS waits_since, s.expires_at
FROM curfew.sessions s JOIN curfew.session_requests r ON r.customer_id = s.customer_id AND r.session_id = s.id AND r.status = 'pending'
WHERE s.status = 'waiting' AND s.mechanic_id IS NULL AND s.expires_at >= now() AND {mechanic} IS NOT NULL`},
	{"assigned", `SELECT s.id, s.customer_id, s.plan, s.kind, s.duration_seconds, s.status, s.created_at, s.starts_at, s.expires_at, s.accepted_at, s.started_at
FROM curfew.mechanic_slots m JOIN curfew.sessions s ON s.customer_id = m.customer_id AND s.id = m.session_id
WHERE m.mechanic_id = {mechanic}`},
}

// viewNames are the views as SQL names them.
func viewNames() string {
	names := make([]string, len(published))
	for i, view := range published {
		names[i] = "curfew_api." + view.name
	}
	return strings.Join(names, ", ")
}

// views are the statements that let readers read.
func (r Roles) views() []string {
	var all []string
	for _, table := range slices.Sorted(maps.Keys(readable)) {
		all = append(all, fmt.Sprintf("GRANT SELECT (%s) ON curfew.%s TO %s", readable[table], table, quoted(r.Reader)))
	}
	for _, view := range published {
		all = append(all, "CREATE OR REPLACE VIEW curfew_api."+view.name+" WITH (security_invoker = true, security_barrier = true) AS\n"+
			r.identified(view.query))
	}
	return append(all, "GRANT USAGE ON SCHEMA curfew_api TO "+quoted(r.Reader), "GRANT SELECT ON "+viewNames()+" TO "+quoted(r.Reader))
}

// identified replaces who reads. The customer without a name, of payments that nobody has claimed, is nobody.
func (r Roles) identified(sql string) string {
	claims := `nullif(current_setting('request.jwt.claims', true), '')::jsonb`
	customer, mechanic := claims+` ->> 'sub'`, `CASE WHEN `+claims+` #>> '{app_metadata,role}' = 'mechanic' THEN `+claims+` ->> 'sub' END`
	if r.Settings {
		customer, mechanic = `current_setting('curfew.customer', true)`, `current_setting('curfew.mechanic', true)`
	}
	return strings.NewReplacer("{customer}", `(SELECT nullif(nullif(`+customer+`, ''), E'\x7f'))`, "{mechanic}", `(SELECT nullif(`+mechanic+`, ''))`,
		"{reason}", outsideReason()).Replace(sql)
}

// outsideReason is an end reason as outsiders see it: another program may have written a text of its own.
func outsideReason() string {
	var known []string
	for _, reason := range curfew.EndReasons() {
		known = append(known, "'"+string(reason)+"'")
	}
	return fmt.Sprintf("CASE WHEN s.end_reason IS NULL OR s.end_reason IN (%s) THEN s.end_reason ELSE '%s' END", strings.Join(known, ", "), curfew.Foreign)
}
