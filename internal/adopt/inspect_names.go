package adopt

import (
	"regexp"
	"slices"
	"strings"
)

// role is a list of name patterns for what a column can be, best first.
type role []*regexp.Regexp

func named(patterns ...string) role {
	all := make(role, len(patterns))
	for i, p := range patterns {
		all[i] = regexp.MustCompile(`^(?:` + p + `)$`)
	}
	return all
}

// Name patterns of session columns as marketplaces call them. A name is matched in lower case, with
// _ between its parts.
var (
	statusNames    = named(`status`, `state`, `(session|booking|consultation|ticket|appointment|call|visit)_?(status|state)`, `status_id|state_id|status_code`, `phase|stage`)
	createdNames   = named(`created_at`, `created(_on|_time|_date)?|create_time|date_created`, `inserted_at|inserted`, `(opened|made|requested|booked|submitted|placed)_(at|on)`)
	enteredNames   = named(`(waiting_since|queued_at|queue_entered_at|entered_queue_at|wait(ing)?_started_at)`, `(last_)?(state|status)_chang(e|ed)_at`, `requested_at`)
	acceptedNames  = named(`(accepted|claimed|assigned|matched|taken|confirmed)_(at|on|time)`)
	startedNames   = named(`(started|joined|connected|began|went_live)_(at|on)`, `(actual_|timer_|session_|call_)?start(ed)?_?(time|at)?`, `live_(at|since)`)
	startsNames    = named(`scheduled_start(_at|_time)?`, `scheduled_(for|at|date|time|on)`, `(appointment|booking|slot|planned)_(start|time|at|date|start_time)`, `starts?_(at|time)|begins_at`)
	endedNames     = named(`(ended|closed|finished)_(at|on|time)`, `(completed|done|resolved)_(at|on|time)`, `(cancelled|canceled|expired|rejected|declined|aborted)_(at|on|time)`, `(actual_)?end_(time|at)|end(ed)?`)
	deadlineNames  = named(`expires_(at|on)|expire_at|expiry(_at|_time|_date)?`, `(deadline|valid_until|times?_?out_at|wait_until|respond_by)(_at)?`)
	deletedNames   = named(`deleted_(at|on)|removed_at|trashed_at`, `(is_)?(deleted|removed)`)
	durationNames  = named(`(planned_|booked_|estimated_|scheduled_|slot_|session_)?(duration|length)(_in)?(_(seconds|secs?|minutes|mins?|hours|hrs?))?`, `(planned_|booked_|slot_)?(seconds|minutes|hours)`)
	planNames      = named(`plan|plan_(code|name|key|slug)`, `package|package_(code|name)|tier|product_code`)
	referenceNames = named(
		`(stripe_)?(payment_intent|session|checkout_session|checkout|charge)(_id)|stripe_.*(id|ref|intent|session)`,
		`(razorpay|paypal|mercadopago|paddle|square|adyen|mollie|braintree)_.*`, `payment_(id|ref|reference|intent|intent_id)|transaction_(id|ref)|charge_id|order_ref`,
	)
	paidNames = named(`payment_(status|state)`, `(is_)?paid`, `(stripe_)?paid_at|payment_(received|completed)_at`)
)

var (
	mechanicName = regexp.MustCompile(`(^|_)(mechanic|doctor|provider|astrologer|practitioner|mentor|agent|expert|technician|consultant|therapist|advisor|adviser|` +
		`coach|tutor|driver|helper|operator|assignee|assigned|specialist|clinician|lawyer|vet|teacher|instructor|counsel+or|psychologist|worker|handler|tarot_reader|` +
		`reader|host|stylist|accepted_by|claimed_by|taken_by|physician|pro)(_|$)`)
	// customerNames has tiers: a patient is a customer for certain, a user only possibly.
	customerNames = []*regexp.Regexp{
		regexp.MustCompile(`(^|_)(customer|patient|client|student|learner|buyer|rider|passenger|mentee|caller|applicant|seeker|asker)(_|$)`),
		regexp.MustCompile(`(^|_)(user|member|requester|guest|booker|visitor|requested_by|opened_by)(_|$)`),
		regexp.MustCompile(`(^|_)(nurse|owner|created_by|account|profile)(_|$)`),
	}
	// descriptive excludes columns that describe a person instead of identifying one.
	descriptive = regexp.MustCompile(`(^|_)(name|phone|email|mail|avatar|note|notes|rating|review|fee|price|amount|type|role|count|at|on|url|joined|cost|share|payout|comment|token|secret|ip|version|platform|timezone|locale|payment|auth|video|sms|storage)(_|$)|^user_agent$`)
	mailName    = regexp.MustCompile(`(^|_)e?mail(_address)?$`)
)

// rank returns how well a column's name fits a role: 0 is best, -1 does not fit.
func (r role) rank(column string) int {
	return slices.IndexFunc(r, func(p *regexp.Regexp) bool { return p.MatchString(snake(column)) })
}

// find returns the columns that fit a role and pass, best first.
func (r *Relation) find(names role, pass func(Column) bool) []string {
	var found []string
	for _, column := range r.Order {
		if names.rank(column) >= 0 && pass(r.Columns[column]) {
			found = append(found, column)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return names.rank(a) - names.rank(b) })
	return found
}

// first returns the best column of a role, or "".
func (r *Relation) first(names role, pass func(Column) bool) string {
	if found := r.find(names, pass); len(found) > 0 {
		return found[0]
	}
	return ""
}

// people returns the columns that by name hold a person's id.
func (r *Relation) people(names ...*regexp.Regexp) []string {
	var found []string
	for _, pattern := range names {
		for _, column := range r.Order {
			id := snake(column)
			if pattern.MatchString(id) && !descriptive.MatchString(id) && r.Columns[column].identifies() && column != r.key() && !contains(found, column) {
				found = append(found, column)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return tier(names, a) - tier(names, b) })
	return found
}

// tier ranks a person's column by the first pattern it matches; id-like names come first.
func tier(names []*regexp.Regexp, column string) int {
	id := snake(column)
	rank := 2 * slices.IndexFunc(names, func(p *regexp.Regexp) bool { return p.MatchString(id) })
	if !strings.HasSuffix(id, "_id") && !strings.HasSuffix(id, "_uuid") && !strings.HasSuffix(id, "_by") {
		rank++
	}
	return rank
}

// identifies reports whether the column's type suits an id.
func (c Column) identifies() bool {
	return c.Words == nil && (c.Base == "uuid" || c.text() || c.integer())
}

func (c Column) text() bool {
	return c.Base == "text" || c.Base == "character varying" || c.Base == "character" || strings.HasSuffix(c.Base, ".citext")
}

func (c Column) integer() bool {
	return c.Base == "integer" || c.Base == "bigint" || c.Base == "smallint"
}

func (c Column) number() bool { return c.integer() || c.Base == "numeric" || c.Base == "interval" }

func (c Column) flag() bool { return c.Base == "boolean" }

// status reports whether the column's type suits a status.
func (c Column) status() bool { return c.Words != nil || c.text() || c.integer() }
