package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/curfewhq/curfew/internal/record"
)

var personals = contract{
	"every column is classified":                          classifiesColumns,
	"an erasure reaches every personal column":            erasesPersonalColumns,
	"an export has every personal column of its customer": exportsPersonalColumns,
}

// class says what a column holds.
type class string

const (
	customerID class = "id"       // the customer's id, alone or in a text: a pseudonym takes its place, or the row goes
	personal   class = "personal" // what is by or about a customer: it goes
	provided   class = "provider" // an id of the provider's or the marketplace's own: it stays
	staff      class = "staff"    // who acted, or what they say that names no customer: it stays
	impersonal class = "-"
)

// classes assigns every column of every table to a class: "class: columns; class: columns". A new
// column must be added here, and a personal one also needs a marker in markedEverywhere.
var classes = map[string]string{
	"sessions": `id: customer_id; staff: mechanic_id; provider: adopted_id; -: id checkout_id plan kind duration_seconds status version created_at starts_at
		expires_at accepted_at customer_joined_at mechanic_joined_at started_at ended_at end_reason revives adopted_from adopted_generation adopted_word nudged_at`,
	"session_requests": "id: customer_id; personal: customer_name; staff: mechanic_id; -: id session_id status created_at ended_at",
	"checkouts": `id: customer_id; personal: email name metadata note; provider: ref payment_id refund_id; -: id plan amount currency outcome version session_id
		retry_until money_due created_at updated_at refund_amount attempts next_at first_try_at disputed_at line_of line starts_at extends concern capture at_risk`,
	"payment_refs":        "id: customer_id; provider: ref; -: checkout_id plan version judged names_payment",
	"payment_repayments":  "provider: payment_id; -: amount currency at disputed_at",
	"payment_facts":       "personal: reason; provider: account object; -: payment provider kind state amount currency at until told_at",
	"provider_messages":   "personal: body reason; provider: account id; -: provider type at received_at",
	"payment_differences": "personal: detail; provider: ref; -: checkout_id kind first_at last_at",
	"refused_messages":    "-: provider reason count first_at last_at",
	"idempotency_keys":    "id: customer_id; personal: key; -: checkout_id session_id created_at",
	"mechanic_slots":      "id: customer_id; staff: mechanic_id; -: session_id created_at seen_at",
	"absences":            "id: customer_id; staff: mechanic_id; -: session_id number at",
	"events":              "id: customer_id actor; personal: reason; -: subject_id number subject id from_status to_status run_id at told",
	"runs":                "personal: reason error; staff: actor; -: id trigger started_at finished_at outcome stats undoes",
	"previews":            "id: body; -: id created_at",
	"refusals":            "id: customer_id; -: id session_id at",
	"signals":             "-: name at lag until n", // names are signed
	"tallies":             "-: shard noun status n",
	"deliveries": `id: customer_id; personal: destination body error; -: id event_id subject_id number channel lane kind state attempts failures next_at status
		created_at updated_at`,
	"unsubscriptions":   "-: address_hash kind at", // goes with its address
	"quarantine":        "id: customer_id; personal: first_error last_error; -: noun id version step tries since tried_at next_at",
	"acknowledgements":  "personal: reason; staff: actor; -: code severity count at until",
	"adoptions":         "-: name relation mapping mode rules since shadowed read_at read_took unread installed",
	"adoption_findings": "personal: detail; provider: adopted_id; -: name code count first_at last_at",
	"adoption_verdicts": "provider: adopted_id; -: name session_id reason deadline judged_at became became_at",
	"api_keys": `staff: created_by revoked_by; -: id name hash old_hash old_until customer_prefix routes max_amount max_currency expires_at created_at rotated_at
		used_at revoked_at version`,
	"revocations":         "id: name; staff: actor; -: noun at",
	"sign_ins":            "id: subject; personal: browser; -: id role created_at seen_at ended_at",
	"audit_links":         "-: number batch first_entry last_entry lost at hash",
	"audit_entries":       "staff: actor; -: number at action via status request_id commitment",
	"audit_subjects":      "id: subject; personal: object detail; -: number salt",
	"approvals":           "id: customer_id target; personal: body summary note; staff: asked_by decided_by; -: id action state asked_at expires_at decided_at tried_at tries",
	"jobs":                "personal: body result error; staff: actor cancelled_by; -: id kind run_id state phase done total holder attempt lease_until created_at finished_at",
	"erasures":            "id: customer_id; staff: actor reason; -: id pseudonym version held planned_at erased_at",
	"webhook_endpoints":   "-: id url description kinds secret old_secret old_until enabled disabled_at disabled_reason version created_at updated_at",
	"curfew_migrations":   "-: id version_id is_applied tstamp",
	"session_transitions": "-: from_status to_status", "outcome_steps": "-: from_outcome to_outcome", // what the guards allow
}

// unexported says why an export leaves out a table that can name a customer.
var unexported = map[string]string{
	"provider_messages": "they could not be assigned to a customer", "payment_differences": "sums, in the words of a comparison",
	"runs": "they are about several customers", "previews": "they are about several customers", "jobs": "they are about several customers",
	"quarantine": "errors of the program", "acknowledgements": "about findings, not customers", "adoption_findings": "about rows of the marketplace",
	"audit_subjects": "who of the staff looked at what", "approvals": "what staff asked each other", "erasures": "what is left of an erasure",
}

// held lists the columns that have a value only while something keeps the customer from being erased.
var held = map[string]string{"mechanic_slots.customer_id": "while the session is open"}

// columnsOf returns the columns of a table with their classes.
func columnsOf(table string) map[string]class {
	all := map[string]class{}
	for part := range strings.SplitSeq(classes[table], ";") {
		kind, columns, _ := strings.Cut(part, ":")
		for column := range strings.FieldsSeq(columns) {
			all[column] = class(strings.TrimSpace(kind))
		}
	}
	return all
}

// columnFixture checks columns.
type columnFixture struct{ *fixture }

// eachPersonal calls do with every column of the store that can hold data about a customer.
func (f columnFixture) eachPersonal(do func(table, column string)) {
	f.Helper()
	for _, table := range slices.Sorted(maps.Keys(f.columns())) {
		for column, kind := range columnsOf(table) {
			if (kind == customerID || kind == personal) && held[table+"."+column] == "" {
				do(table, column)
			}
		}
	}
}

// columns returns the store's columns, by table.
func (f columnFixture) columns() map[string][]string {
	f.Helper()
	query := `SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT GLOB 'sqlite_*'`
	if f.Schema != "" {
		query = `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'curfew'`
	}
	all := map[string][]string{}
	for _, row := range f.Query(f.T, query) {
		all[row[0]] = append(all[row[0]], row[1])
	}
	return all
}

func classifiesColumns(of *fixture) {
	f := columnFixture{of}
	for table, columns := range f.columns() {
		known := columnsOf(table)
		for _, column := range columns {
			switch known[column] {
			case customerID, personal, provided, staff, impersonal:
			default:
				f.Errorf("%s.%s is not classified: say in classes whether it is personal; then the erasure, the export and docs/privacy.md have to know it", table, column)
			}
			delete(known, column)
		}
		if len(known) > 0 {
			f.Errorf("%s has no columns %v", table, known)
		}
	}
}

// markedEverywhere creates a customer with a marker in every personal column.
func (f columnFixture) markedEverywhere(id string) {
	f.Helper()
	st := f.marked(id)
	f.earlier(id)
	mail, from := mark+"mail@example.org", " FROM {sessions} WHERE id = '"+st.ID+"'"
	for _, sql := range []string{
		`INSERT INTO {revocations} (noun, name, at, actor) SELECT 'subject', 'customer:` + id + `', created_at, 'admin:mara'`,
		`INSERT INTO {absences} (mechanic_id, session_id, number, customer_id, at) SELECT 'max', id, 3, customer_id, created_at`,
		`INSERT INTO {payment_facts} (payment, provider, account, kind, object, state, reason, told_at) SELECT checkout_id, 'stripe', '', 'dispute', 'dp_1', 'open', '` + mail + `', created_at`,
		`INSERT INTO {payment_differences} (checkout_id, kind, ref, detail) SELECT checkout_id, 'amount', 'pi_1', '` + mail + `'`,
		`INSERT INTO {previews} (id, body) SELECT '` + newID() + `', '["` + id + `"]'`,
		`INSERT INTO {quarantine} (customer_id, noun, id, step, first_error, last_error, since, tried_at, next_at)
			SELECT customer_id, 'session', id, 'serve', '` + mail + `', '` + mail + `', created_at, created_at, created_at`,
		`INSERT INTO {acknowledgements} (code, actor, reason, severity, count, at, until) SELECT 'x', 'admin:mara', '` + mail + `', 'warning', 1, created_at, created_at`,
		`INSERT INTO {audit_subjects} (number, subject, object, detail, salt) SELECT 1, customer_id, '` + mail + `', '` + mail + `', 'salt'`,
		`INSERT INTO {approvals} (id, action, customer_id, target, body, summary, state, asked_by, asked_at, expires_at, decided_by, note)
			SELECT '` + newID() + `', 'eraseCustomer', customer_id, customer_id, '["` + mail + `"]', '` + mail + `', 'failed', 'admin:mara', created_at, created_at, 'admin:otto', '` + mail + `'`,
		`INSERT INTO {jobs} (id, kind, body, actor, state, result, error, holder, attempt, lease_until, created_at, finished_at)
			SELECT '` + newID() + `', 'cleanup', '["` + id + `"]', 'admin:mara', 'failed', '["` + mail + `"]', '` + mail + `', 'h', 1, created_at, created_at, created_at`,
		`INSERT INTO {erasures} (id, customer_id, version, actor, planned_at) SELECT '` + newID() + `', customer_id, 1, 'admin:mara', created_at`,
	} {
		f.exec(sql + from)
	}
	f.exec("UPDATE {deliveries} SET error = '" + mail + "'")
	f.exec("UPDATE {provider_messages} SET reason = '" + mail + "'")
	if f.columns()["adoption_findings"] != nil {
		f.exec("INSERT INTO {adoption_findings} (name, code, adopted_id, detail) VALUES ('a', 'x', '1', '" + mail + "')")
	}
}

// markedIn counts the rows with a marker in a column.
func (f columnFixture) markedIn(table, column string) string {
	f.Helper()
	return f.rows(fmt.Sprintf("SELECT count(*) FROM {%s} WHERE lower(CAST(%s AS text)) LIKE '%%%s%%'", table, column, mark))[0]
}

func erasesPersonalColumns(of *fixture) {
	f := columnFixture{of}
	const id = mark + "ada@example.org"
	f.markedEverywhere(id)
	e := f.planned(id, record.Pseudonym(newID()))
	f.eachPersonal(func(table, column string) {
		if f.markedIn(table, column) == "0" {
			f.Errorf("%s.%s has no marker, so that nothing is proven of it: give it one in markedEverywhere", table, column)
		}
	})
	if err := second(f.erasures().Erase(f.Context(), e)); err != nil {
		f.Fatal(err)
	}
	f.eachPersonal(func(table, column string) {
		if n := f.markedIn(table, column); n != "0" {
			f.Errorf("%s.%s is not erased", table, column)
		}
	})
}

func exportsPersonalColumns(of *fixture) {
	f := columnFixture{of}
	const id = mark + "ada@example.org"
	f.markedEverywhere(id)
	all, err := f.erasures().Personal(f.Context(), id)
	f.must(err)
	exported := map[string]string{}
	for _, t := range all {
		exported[t.Table.Name] = ""
		for i, column := range t.Table.Columns {
			for _, row := range t.Rows {
				exported[t.Table.Name+"."+column.Name] += strings.ToLower(fmt.Sprint(row[i]))
			}
		}
	}
	f.eachPersonal(func(table, column string) {
		_, whole := exported[table]
		switch {
		case whole == (unexported[table] != ""):
			f.Errorf("%s is exported: %t; and %q says why not", table, whole, unexported[table])
		case whole && !strings.Contains(exported[table+"."+column], mark):
			f.Errorf("%s.%s is not exported", table, column)
		}
	})
}
