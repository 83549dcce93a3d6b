package lifecycle

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Rules applies the policy to sessions and payments as they are. It reads and writes
// nothing.
type Rules struct {
	policy       curfew.Policy
	asksProvider bool    // there is a provider that gives money back
	adopted      adopted // nil: there are no adopted tables
}

// Policy is the thresholds and plans in force.
func (r *Rules) Policy() curfew.Policy { return r.policy }

// AsksProvider reports whether there is a provider that gives money back. Otherwise every
// refund that is due is a finding, for an operator.
func (r *Rules) AsksProvider() bool { return r.asksProvider }

// RuleFor returns the rule that applies to a session at its deadline, or now if that has
// passed; ok is false if the session has ended.
func (r *Rules) RuleFor(s curfew.Snapshot) (rule record.Rule, ok bool) {
	at := s.Now
	if s.ExpiresAt.After(at) {
		at = s.ExpiresAt
	}
	return record.RuleFor(s, r.terms(s, at))
}

// ruleAt returns the rule that would apply to a session if its deadline were at.
func (r *Rules) ruleAt(s curfew.Snapshot, at time.Time) record.Rule {
	rule, _ := record.RuleFor(s, r.terms(s, at))
	return rule
}

func (r *Rules) terms(s curfew.Snapshot, at time.Time) record.Terms {
	return record.Terms{
		Offer: !s.Adopted() && r.policy.JoinOfferOf(s.Plan) > 0,
		Spent: !at.Before(s.WaitsSince().Add(r.policy.MaxWait)),
	}
}

// Due reports whether a session's rule applies to it now: it is past its deadline, or an
// orphan older than the policy's OrphanTTL.
func (r *Rules) Due(s curfew.Snapshot) bool {
	return s.Overdue() || s.Orphan() && s.Age() > r.policy.OrphanTTL
}

// Ends reports whether the next call that meets the session ends it, so that it no longer
// blocks anybody. A session whose mechanic did not join is due, too, but goes on.
func (r *Rules) Ends(s curfew.Snapshot) bool {
	rule, _ := r.RuleFor(s)
	return r.Settles(s) && rule.Name != curfew.Forgotten
}

// Blocker describes a session that blocks somebody, for a refusal.
func (r *Rules) Blocker(s curfew.Snapshot) *curfew.Blocker {
	s = r.settled(s)
	b := &curfew.Blocker{Session: s.Session, ReleasesAt: s.ExpiresAt, Actions: []string{"cancel", "wait"}, Why: r.Stays(s)}
	if s.Status == curfew.Live {
		b.Actions = []string{"end", "wait"}
	}
	if rule, _ := r.RuleFor(s); rule.Name == curfew.Forgotten { // it goes back into the queue, and holds the customer's slot
		b.ReleasesAt = r.policy.WaitingDeadline(s.Plan, s.WaitsSince()).At(s.ExpiresAt)
	}
	if r.mayNotEnd(s.Session, r.byHand(s, curfew.Actor{}).EndedBy) != "" {
		b.Actions = []string{"wait"}
	}
	if b.Why != "" {
		b.ReleasesAt = time.Time{} // only the marketplace ends it
	}
	if orphan := s.CreatedAt.Add(r.policy.OrphanTTL); s.Orphan() && orphan.Before(b.ReleasesAt) {
		b.ReleasesAt = orphan
	}
	return b
}

// endChange is the change that ends a session, with what is owed for it.
func (r *Rules) endChange(s curfew.Snapshot, to curfew.SessionStatus, reason curfew.EndReason, by curfew.Actor) record.Change {
	c := record.Change{
		From: s.Session, To: to, EndedBy: reason, Reason: string(reason), Actor: by,
		RequestTo: curfew.RequestCancelled, Owed: r.owed(s.Session, to, reason),
	}
	if to == curfew.Completed {
		c.RequestTo = curfew.RequestCompleted
	}
	return c
}

// owed is the outcome of a session's payment when the session ends. It is unknown for an
// adopted session.
func (r *Rules) owed(s curfew.Session, to curfew.SessionStatus, reason curfew.EndReason) curfew.Outcome {
	if s.Adopted() {
		return ""
	}
	return r.policy.Owed(s, to, reason)
}

func (r *Rules) planNames() string {
	return strings.Join(slices.Sorted(maps.Keys(r.policy.Plans)), ", ")
}

func (r *Rules) plan(name string) (curfew.Plan, error) {
	plan, ok := r.policy.Plans[name]
	if !ok {
		return plan, curfew.Errorf(curfew.Invalid, "there is no plan %q: the plans are %s", name, r.planNames())
	}
	if plan.Extends {
		return plan, curfew.Errorf(curfew.Invalid, "plan %q extends a live session: it cannot begin one", name)
	}
	return plan, nil
}

// checkout checks a purchase and completes it from its plan.
func (r *Rules) checkout(p Purchase) (curfew.Checkout, error) {
	plan, err := r.plan(p.Plan)
	if err != nil {
		return curfew.Checkout{}, err
	}
	return paid(p, plan)
}

func paid(p Purchase, plan curfew.Plan) (curfew.Checkout, error) {
	c := curfew.Checkout{
		CustomerID: p.CustomerID, Ref: p.PaymentRef, Plan: p.Plan, Currency: strings.ToLower(p.Currency),
		Email: p.Email, Name: p.Name, Metadata: record.Metadata(p.Metadata), PaymentID: p.PaymentID,
		ID: p.payment.id, Version: p.payment.version, Capture: p.payment.capture,
	}
	if p.payment.metadata != nil {
		c.Metadata = p.payment.metadata
	}
	if c.Capture == "" && plan.Reserves() {
		c.Capture = "authorised"
	}
	switch {
	case p.Amount != nil:
		c.Amount = *p.Amount
	case plan.Price != nil:
		c.Amount = *plan.Price
	}
	if c.Currency == "" {
		c.Currency = strings.ToLower(plan.Currency)
	}
	if p.StartsAt != nil {
		c.StartsAt = p.StartsAt.UTC().Truncate(time.Microsecond)
	}
	if (c.Amount > 0 || p.Amount != nil && !plan.Free()) && c.Currency == "" {
		return c, curfew.Errorf(curfew.Invalid, "amount needs a currency: send it, or set the currency of plan %s", p.Plan)
	}
	if c.Amount < 0 {
		return c, curfew.Errorf(curfew.Invalid, "amount must not be negative: it is in the currency's minor unit")
	}
	if err := curfew.CheckRef("paymentRef", p.PaymentRef); err != nil {
		return c, err
	}
	return c, curfew.CheckID("customerId", p.CustomerID)
}

// admission builds the write that gives the checkout's customer a session.
func (r *Rules) admission(c curfew.Checkout, by curfew.Actor) record.Admission {
	plan := r.policy.Plans[c.Plan]
	if c.ID == "" {
		c.ID = newID()
	}
	session := curfew.Session{
		ID: newID(), CustomerID: c.CustomerID, CheckoutID: c.ID,
		Plan: c.Plan, Kind: plan.Kind, Duration: plan.Duration, Status: curfew.Waiting,
	}
	return record.Admission{
		Checkout: c,
		Session:  session,
		Request: curfew.Request{
			ID: newID(), SessionID: session.ID, CustomerID: c.CustomerID,
			CustomerName: c.Name, Status: curfew.Pending,
		},
		Deadline: r.policy.WaitingDeadline(c.Plan, time.Time{}),
		Actor:    by,
		Reason:   curfew.AdmittedReason,
	}
}

// minutes checks the payment for an extension and completes it from its plan.
func (r *Rules) minutes(x Extension, customerID string) (curfew.Checkout, error) {
	plan, ok := r.policy.Plans[x.Plan]
	switch {
	case !ok:
		return curfew.Checkout{}, curfew.Errorf(curfew.Invalid, "there is no plan %q: the plans are %s", x.Plan, r.planNames())
	case !plan.Extends:
		return curfew.Checkout{}, curfew.Errorf(curfew.Invalid, "plan %q begins a session: it cannot extend one", x.Plan)
	}
	return paid(Purchase{
		PaymentRef: x.PaymentRef, CustomerID: customerID, Plan: x.Plan, Amount: x.Amount, Currency: x.Currency,
		Email: x.Email, Name: x.Name, Metadata: x.Metadata, PaymentID: x.PaymentID, payment: x.payment,
	}, plan)
}
