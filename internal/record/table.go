package record

import "strings"

// ColumnKind is the kind of a column's values, whatever a database calls it.
type ColumnKind string

// The kinds, with the Go type of their values. NULL is always nil.
const (
	TextColumn     ColumnKind = "text"     // string
	IDColumn       ColumnKind = "id"       // string: a UUID in small letters
	NumberColumn   ColumnKind = "number"   // int64
	FlagColumn     ColumnKind = "flag"     // bool
	TimeColumn     ColumnKind = "time"     // time.Time, UTC, microseconds
	DocumentColumn ColumnKind = "document" // string: JSON
)

// Column is one column of a table.
type Column struct {
	Name string
	Kind ColumnKind
}

// Table is one table of every store. Its first columns are its primary key.
type Table struct {
	Name    string
	Key     int // how many columns
	Columns []Column
}

// Tables lists what a backup contains, in an order in which it can be loaded:
// everything that cannot be derived or recreated. Left out are tallies, which are
// counted again; previews, which live a day; heartbeats of a running service;
// quarantine, where rows that still fail end up again; differences, which the next
// comparison with the provider finds again; acknowledgements and refused messages,
// which concern the old database; what is known of adopted tables, which are read
// again; sign-ins, which begin anew; approvals, which are asked for anew; and webhook endpoints, which contain secrets and must be set up anew.
func Tables() []Table {
	return []Table{
		table("checkouts", 2, `customer_id text, id id, ref text, plan text, amount number, currency text, email text, name text,
			metadata document, outcome text, version number, session_id id, retry_until time, money_due flag, created_at time,
			updated_at time, refund_amount number, payment_id text, refund_id text, attempts number, next_at time,
			first_try_at time, disputed_at time, note text, line_of id, line number, starts_at time, extends text, concern text,
			capture text, at_risk flag`),
		table("payment_refs", 1, `ref text, customer_id text, checkout_id id, plan text, version number, judged number, names_payment flag`),
		table("payment_facts", 6, `payment id, provider text, account text, kind text, object text, state text, amount number,
			currency text, reason text, at time, until time, told_at time`),
		table("provider_messages", 3, `provider text, account text, id text, type text, body text, reason text, at time, received_at time`),
		table("payment_repayments", 1, `payment_id text, amount number, currency text, at time, disputed_at time`),
		table("sessions", 2, `customer_id text, id id, mechanic_id text, checkout_id id, plan text, kind text,
			duration_seconds number, status text, version number, created_at time, starts_at time, expires_at time,
			accepted_at time, customer_joined_at time, mechanic_joined_at time, started_at time, ended_at time, end_reason text, revives id,
			adopted_from text, adopted_id text, adopted_generation number, adopted_word text, nudged_at time`),
		table("session_requests", 2, `customer_id text, id id, session_id id, mechanic_id text, customer_name text, status text,
			created_at time, ended_at time`),
		table("mechanic_slots", 1, `mechanic_id text, customer_id text, session_id id, created_at time, seen_at time`),
		table("absences", 3, `mechanic_id text, session_id id, number number, customer_id text, at time`),
		table("idempotency_keys", 2, `customer_id text, key text, checkout_id id, session_id id, created_at time`),
		table("events", 3, `customer_id text, subject_id id, number number, subject text, id id, from_status text, to_status text,
			actor text, reason text, run_id id, at time, told flag`),
		table("deliveries", 2, `customer_id text, id id, event_id id, subject_id id, number number, channel text, lane text,
			destination text, kind text, body text, state text, attempts number, failures number, next_at time, status number,
			error text, created_at time, updated_at time`),
		table("unsubscriptions", 2, `address_hash text, kind text, at time`),
		table("runs", 1, `id id, trigger text, actor text, reason text, started_at time, finished_at time, outcome text,
			error text, stats document, undoes id`),
		table("refusals", 2, `customer_id text, id id, session_id id, at time`),
		table("api_keys", 1, `id id, name text, hash text, old_hash text, old_until time, customer_prefix text, routes text,
			max_amount number, max_currency text, expires_at time, created_at time, created_by text, rotated_at time, used_at time,
			revoked_at time, revoked_by text, version number`),
		table("revocations", 2, `noun text, name text, at time, actor text`),
		table("audit_links", 1, `number number, batch id, first_entry number, last_entry number, lost number, at time, hash text`),
		table("audit_entries", 1, `number number, at time, actor text, action text, via text, status number, request_id text, commitment text`),
		table("audit_subjects", 1, `number number, subject text, object text, detail text, salt text`),
		table("erasures", 1, `id id, customer_id text, pseudonym text, version number, held document, actor text, reason text, planned_at time,
			erased_at time`),
	}
}

// TablesLeftOut lists the tables that no backup contains.
func TablesLeftOut() []string {
	return []string{
		"tallies", "previews", "signals", "quarantine", "acknowledgements", "webhook_endpoints", "payment_differences", "refused_messages",
		"adoptions", "adoption_findings", "adoption_verdicts", "sign_ins", "approvals", "jobs",
	}
}

// table parses columns written as in a schema: "name kind, name kind".
func table(name string, key int, columns string) Table {
	t := Table{Name: name, Key: key}
	for c := range strings.SplitSeq(columns, ",") {
		words := strings.Fields(c)
		t.Columns = append(t.Columns, Column{words[0], ColumnKind(words[1])})
	}
	return t
}

// Fact is one property of a database that Curfew's promises depend on. Problem is
// empty if it is as it should be.
type Fact struct {
	Name    string // "fsync"
	Value   string // "on"
	Problem string // the possible consequence
	Fix     string // how to fix it
}
