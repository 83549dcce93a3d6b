package sqlite

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPlans holds the statements to their indexes: none walks the ended rows.
func TestPlans(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "curfew.db"), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ sql, plan string }{
		"the sweeper's question walks the deadlines in order": {selectOverdue, "SEARCH sessions USING INDEX sessions_deadline ((expires_at,id)>(?,?) AND expires_at<?)"},
		"a wider search walks what has not ended":             {selectDue, "SEARCH sessions USING INDEX sessions_deadline"},
		"a customer's search finds the customer":              {selectDueOf, "SEARCH sessions USING INDEX sessions_one_open_a_checkout (customer_id=?)"},
		"the next deadline is the first of two indexes":       {selectNextDeadline, "SEARCH checkouts USING COVERING INDEX checkouts_retry"},
		"the queue is read in its order":                      {selectPending, "SEARCH sessions USING INDEX sessions_queue"},
		"a session is found by its id alone":                  {selectSnapshotByID, "SEARCH sessions USING INDEX sessions_id"},
		"a session is found by its request":                   {selectSnapshotByRequest, "SEARCH session_requests USING INDEX session_requests_id"},
		"the slot's session is found by the customer":         {selectOpen, "SEARCH sessions USING INDEX sessions_one_open (customer_id=?)"},
		"what has not ended is found by the customer":         {selectUnended, "SEARCH sessions USING INDEX sessions_one_open_a_checkout (customer_id=?)"},
		"a change is by key":                                  {updateSession, "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (customer_id=? AND id=?)"},
		"an ending is by key":                                 {endSession, "SEARCH sessions USING INDEX sqlite_autoindex_sessions_1 (customer_id=? AND id=?)"},
		"a request follows by key":                            {updateRequest, "SEARCH session_requests USING INDEX session_requests_one_open (customer_id=? AND session_id=?)"},
		"a slot follows by its session":                       {deleteSlot, "SEARCH mechanic_slots USING INDEX mechanic_slots_session"},
		"a checkout is settled by key":                        {settleCheckout, "SEARCH checkouts USING INDEX sqlite_autoindex_checkouts_1 (customer_id=? AND id=?)"},
		"a reference is looked up in its claim":               {selectReceiptByReference, "SEARCH payment_refs USING INDEX sqlite_autoindex_payment_refs_1 (ref=?)"},
		"a payment is found by its name":                      {selectPaymentOf, "SEARCH checkouts USING INDEX checkouts_payment (payment_id=?)"},
		"those that have names are found by them":             {selectClaimed, "SEARCH payment_refs USING INDEX sqlite_autoindex_payment_refs_1 (ref=?)"},
		"those that have none by the provider's name":         {selectUnclaimed, "SEARCH checkouts USING INDEX checkouts_payment (payment_id=?)"},
		"the names of payments by their id":                   {selectNamesOf, "SEARCH payment_refs USING INDEX payment_refs_checkout (checkout_id=?)"},
		"their first checkouts by their id":                   {selectFirstOf, "SEARCH checkouts USING INDEX checkouts_id (id=?)"},
		"the other lines by their payment":                    {selectLinesOf, "SEARCH checkouts USING INDEX checkouts_lines (line_of=?)"},
		"what was given back of them":                         {selectRepaymentsOf, "SEARCH payment_repayments USING INDEX sqlite_autoindex_payment_repayments_1 (payment_id=?)"},
		"their facts":                                         {selectFactsOf, "SEARCH payment_facts USING INDEX sqlite_autoindex_payment_facts_1 (payment=?)"},
		"a credit is found by customer and plan":              {selectCredit, "SEARCH checkouts USING INDEX checkouts_credits (customer_id=? AND plan=?)"},
		"stale credits are walked by their age":               {selectStaleCredits, "SEARCH checkouts USING INDEX checkouts_credit_age"},
		"the books walk the checkouts by id":                  {selectBooked, "SEARCH c USING INDEX checkouts_id (id>? AND id<?)"},
		"a part of the books ends by id":                      {selectBookedPart, "SEARCH checkouts USING COVERING INDEX checkouts_id (id>?)"},
		"facts of the books are found by the payment":         {selectBooked, "SEARCH f USING INDEX sqlite_autoindex_payment_facts_1 (payment=?)"},
		"an outcome of the past is found by the event's key":  {selectThen, "SEARCH e USING INDEX sqlite_autoindex_events_1 (customer_id=? AND subject_id=?)"},
		"servable customers are among the deferred":           {selectServable, "SCAN checkouts USING INDEX checkouts_retry"},
		"unsettled payments have two indexes":                 {selectUnsettled, "SEARCH checkouts USING COVERING INDEX checkouts_retry"},
		"sessions are counted without reading them":           {countSessions, "SCAN sessions USING COVERING INDEX sessions_deadline"},
		"requests are counted among the open":                 {countRequests, "SCAN session_requests USING COVERING INDEX session_requests_queue"},
		"checkouts are not counted":                           {countCheckouts, "SEARCH tallies"},
		"credits are summed without reading them":             {countCheckouts, "SCAN checkouts USING COVERING INDEX checkouts_credit_totals"},
		"a customer's payments are found by the customer":     {listCheckoutsOf, "SEARCH checkouts USING INDEX sqlite_autoindex_checkouts_1 (customer_id=? AND id>?)"},
		"payments are found by their address, in order":       {listCheckoutsByEmail, "SEARCH checkouts USING INDEX checkouts_email (<expr>=? AND id>?)"},
		"payments of a concern are found by it":               {listConcerns, "SEARCH checkouts USING INDEX checkouts_concerns (concern=?)"},
		"what is to be captured is among what waits for it":   {selectCapturable, "USING INDEX checkouts_captures"},
		"captures are counted among those that wait":          {countCheckouts, "checkouts USING INDEX checkouts_captures"},
		"concerns are counted without reading their payments": {countCheckouts, "SCAN checkouts USING COVERING INDEX checkouts_concerns"},
		"payments to settle are among those to judge":         {selectUnjudged, "SCAN p USING INDEX payment_refs_unjudged"},
		"what makes money due is by key":                      {makeDue, "SEARCH checkouts USING INDEX sqlite_autoindex_checkouts_1 (customer_id=? AND id=?)"},
		"payments are listed by their id":                     {listCheckouts, "SEARCH checkouts USING INDEX checkouts_id (id>?)"},
		"the history is walked in the order of time":          {selectStreamEvents, "SEARCH events USING INDEX events_at ((at,id)>(?,?))"},
		"sessions are found by their ids":                     {selectSnapshotsByID, "SEARCH sessions USING INDEX sessions_id (id=?)"},
		"a customer's notices are found by the customer":      {selectNotices, "SEARCH deliveries USING INDEX sqlite_autoindex_deliveries_1 (customer_id=?)"},
		"the moves of a window are found by their time":       {selectActivity, "SEARCH events USING INDEX events_at (at>?)"},
		"what stands is counted without reading it":           {selectActivity, "sessions USING COVERING INDEX sessions_deadline"},
		"a customer's list by deadline finds the customer":    {selectCustomersByDeadline, "SEARCH sessions USING INDEX sessions_one_open_a_checkout (customer_id=?)"},
		"a removed endpoint's messages are among the unsent":  {deleteUndeliverable, "SEARCH deliveries USING INDEX deliveries_unsettled (state=?)"},
		"refusals are counted within the window":              {selectRepeated, "SEARCH refusals USING COVERING INDEX refusals_at (at>?)"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := explain(t, s, test.sql)
			if !strings.Contains(plan, test.plan) {
				t.Errorf("want %q in the plan:\n%s", test.plan, plan)
			}
			if walk := regexp.MustCompile(`(?m)SCAN (sessions|session_requests|checkouts|events|payment_refs)$`); walk.MatchString(plan) {
				t.Errorf("it walks a whole table:\n%s", plan)
			}
		})
	}
}

var parameter = regexp.MustCompile(`[$:]\w+`)

func explain(t *testing.T, s *Store, query string) string {
	t.Helper()
	lines, err := many(t.Context(), s.reader, func(r row) (line string, err error) {
		var skip int
		err = r.Scan(&skip, &skip, &skip, &line)
		return line, err
	}, "EXPLAIN QUERY PLAN "+parameter.ReplaceAllString(query, "?1"), 7)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
