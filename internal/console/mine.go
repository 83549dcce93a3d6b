package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// mineView shows what a customer has: the reader, or one whom an admin names.
func (s *Site) mineView(ctx context.Context, r *http.Request, who curfew.Actor) (any, error) {
	id, own := who.ID, who.Role == curfew.Customer
	if !own {
		q, err := problem.PageQuery(r)
		if err == nil && q.Get("customer") != "" {
			err = problem.CheckParams(q, []string{"customer"})
		}
		if err != nil {
			return nil, err
		}
		if id = q.Get("customer"); id == "" {
			return nil, errWhose
		}
	}
	problem.RequestOf(ctx).Describe(id, "", "")
	sessions, err := s.keeper.Sessions.Unended(ctx, id)
	if err != nil {
		return nil, err
	}
	checkouts, err := s.keeper.Checkouts.OfCustomer(ctx, id)
	if err != nil {
		return nil, err
	}
	payments, err := s.keeper.Checkouts.Ledgers(ctx, checkouts)
	if err != nil {
		return nil, err
	}
	m := mine{
		policy: s.keeper.Rules.Policy(), does: s.keeper.Rules.Consequence, own: own, checkouts: checkouts, payments: payments, at: moments{time.Now()},
	}
	v := m.view(id, sessions)
	if open := openOf(sessions); open != nil && own {
		v.Open.Instead, v.Open.Callback = s.instead.of(*open)
		if open.Assigned() || open.Status == curfew.Live {
			v.Open.Join = s.joinAddress(open.ID)
		}
	}
	v.Outlook, err = s.outlook(ctx, sessions, own)
	return v, err
}

// openOf returns the session that holds the customer's slot; nil: none does.
func openOf(sessions []curfew.Snapshot) *curfew.Snapshot {
	if i := slices.IndexFunc(sessions, func(s curfew.Snapshot) bool { return s.Status.Open() }); i >= 0 {
		return &sessions[i]
	}
	return nil
}

// mine describes a customer's sessions and payments.
type mine struct {
	policy    curfew.Policy
	does      func(lifecycle.ActionName, lifecycle.Target) string // says everything that an action does
	own       bool
	free      bool // nothing is open
	checkouts []curfew.Checkout
	payments  map[string]record.Ledger // by their ids
	at        moments
}

func (m mine) view(id string, sessions []curfew.Snapshot) Mine {
	v := Mine{CustomerID: id, Own: m.own}
	if len(sessions) > 0 {
		m.at.now = sessions[0].Now
	}
	open := openOf(sessions)
	for _, s := range sessions {
		if s.Status == curfew.Scheduled {
			v.Appointments = append(v.Appointments, m.appointment(s))
		}
	}
	m.free = open == nil
	v.State = m.state(open, len(v.Appointments) > 0)
	if open != nil {
		v.Open, v.Steps = m.open(*open), m.steps(*open)
	}
	for _, c := range slices.Backward(m.checkouts) {
		v.Payments = append(v.Payments, m.payment(c))
	}
	return v
}

// state summarizes what the customer has in one sentence.
func (m mine) state(open *curfew.Snapshot, booked bool) State {
	you, have, are := "You", "have", "are"
	if !m.own {
		you, have, are = "This customer", "has", "is"
	}
	switch {
	case open == nil && booked:
		return State{Tone: "good", Sentence: you + " " + have + " nothing open now; an appointment is booked."}
	case open == nil:
		return State{Tone: "good", Sentence: you + " " + have + " nothing open: a new session can begin."}
	case open.Status == curfew.Live:
		return State{Tone: "live", Sentence: you + " " + are + " in a live session."}
	case open.Assigned():
		return State{Tone: "warning", Sentence: "A mechanic has accepted and is waiting for " + map[bool]string{true: "you", false: "the customer"}[m.own] + "."}
	}
	return State{Tone: "waiting", Sentence: you + " " + are + " waiting for a mechanic."}
}

// steps returns the steps of a session, and which of them is now.
func (m mine) steps(s curfew.Snapshot) []Step {
	now := 1
	switch {
	case s.Status == curfew.Live:
		now = 3
	case s.Assigned():
		now = 2
	}
	paid := "Paid"
	switch bought := m.target(s).Checkout; {
	case bought.ID != "" && bought.Free():
		paid = "Free"
	case reserved(bought):
		paid = "Reserved"
	}
	all := []Step{{Name: paid}, {Name: "Waiting"}, {Name: "Accepted"}, {Name: "Live"}}
	for i := range all {
		all[i].Where = [...]string{"done", "now", "ahead"}[1+min(1, max(-1, i-now))]
	}
	return all
}

func (m mine) open(s curfew.Snapshot) *Open {
	o := &Open{ID: s.ID, Plan: m.policy.NameOf(s.Plan), What: doing(s), Since: m.at.at(s.WaitsSince()), Until: m.at.at(s.ExpiresAt)}
	switch {
	case s.Status == curfew.Live:
		o.Since = m.at.at(s.StartedAt)
		o.Until = m.at.at(s.StartedAt.Add(s.Duration))
		o.UntilSaid = "left of the time that was bought"
	case s.Assigned():
		o.UntilSaid = "left to join; then it ends automatically"
	default:
		o.UntilSaid = "left at most; then it ends automatically"
	}
	o.Money, o.Actions = m.money(s), m.actions(s)
	return o
}

// money says what was paid for an open session, and what will become of it.
func (m mine) money(s curfew.Snapshot) []string {
	bought := m.target(s).Checkout
	switch {
	case bought.Free():
		return []string{"Nothing was paid for it."}
	case bought.Capture == "authorised":
		return []string{
			paid(bought) + " is reserved at " + m.whose() + " bank for " + m.policy.NameOf(bought.Plan) + ": nothing is charged yet.",
			"If it ends without a mechanic's help, nothing is charged: the reservation is released.",
		}
	case reserved(bought):
		return []string{paid(bought) + " for " + m.policy.NameOf(bought.Plan) + " is being charged now."}
	}
	said := []string{paid(bought) + " paid for " + m.policy.NameOf(bought.Plan) + "."}
	if s.Status == curfew.Live {
		return append(said, "A session that was live for a minute counts as used when it ends.")
	}
	reason, what := curfew.Expired, "If nobody accepts in time, "
	switch {
	case s.Assigned() && !s.MechanicJoinedAt.IsZero():
		reason, what = curfew.NoShow, "If you do not join in time, "
	case s.Assigned():
		reason, what = curfew.Unattended, "If no mechanic comes in time, "
	}
	byItself := m.policy.Owed(s.Session, curfew.Cancelled, reason)
	byHand := m.policy.Owed(s.Session, curfew.Cancelled, curfew.Cleared)
	if byItself == byHand {
		return append(said, "If it ends without a mechanic's help, "+will[byItself])
	}
	return append(said, what+will[byItself], "If it is cancelled, "+will[byHand])
}

func (m mine) whose() string {
	if m.own {
		return "your"
	}
	return "the customer's"
}

// reserved reports whether the bank has not paid yet what it reserves.
func reserved(c curfew.Checkout) bool {
	return c.Capture == "authorised" || c.Capture == "due" || c.Capture == "capturing"
}

// will completes a sentence that begins with a condition: what will become of a payment.
var will = map[curfew.Outcome]string{
	curfew.Credited:  "the payment is kept as a credit for the next session of the same plan.",
	curfew.RefundDue: "the payment is refunded.",
	curfew.Forfeited: "the payment is used up.",
}

func (m mine) actions(s curfew.Snapshot) []Action {
	clear := Action{
		Name: "clear", Label: "Cancel session…", Ask: "Cancel this session?", Harm: true,
		Call: "POST /api/customers/" + url.PathEscape(s.CustomerID) + "/clear", Body: "{}",
		Why: []string{m.policy.NameOf(s.Plan) + ", " + doing(s) + ".", m.does(lifecycle.ClearCustomer, m.target(s))},
	}
	switch {
	case s.Status == curfew.Live && m.own:
		return []Action{{
			Name: "end", Label: "End session…", Ask: "End this live session?", Harm: true, Call: "POST /api/sessions/" + s.ID + "/end",
			Why: []string{m.does(lifecycle.EndSession, m.target(s))}, Done: "The session has ended.",
		}}
	case s.Status == curfew.Live:
		clear.Label, clear.Ask, clear.Reason = "End live session…", "End this live session by force?", "required"
		clear.Body = jsonOf(api.Clearing{Force: true})
		clear.Why[1] = m.does(lifecycle.ForceClear, m.target(s))
	case !m.own:
		clear.Reason = "optional"
	}
	return []Action{clear}
}

// target returns a session with its payment. Ids and amounts are for operators.
func (m mine) target(s curfew.Snapshot) lifecycle.Target {
	t := lifecycle.Target{Session: s, Named: !m.own}
	for _, c := range m.checkouts {
		if c.ID == s.CheckoutID {
			t.Checkout = c
		}
	}
	return t
}

// doing says what an open session is doing.
func doing(s curfew.Snapshot) string {
	switch {
	case s.Status == curfew.Live:
		return "live"
	case s.Assigned():
		return "accepted by a mechanic"
	}
	return "waiting for a mechanic"
}

func (m mine) appointment(s curfew.Snapshot) Appointment {
	owed, percent := m.policy.OwedBefore(s.StartsAt.Sub(s.Now))
	said := "Cancelled now, nothing of it is refunded."
	if owed == curfew.RefundDue {
		said = "Cancelled now, " + grouped(percent) + " % of it is refunded."
	}
	return Appointment{
		ID: s.ID, Plan: m.policy.NameOf(s.Plan), At: m.at.at(s.StartsAt), Money: said,
		Cancel: Action{
			Name: "cancel", Label: "Cancel…", Ask: "Cancel this appointment?", Harm: true, Call: "POST /api/sessions/" + s.ID + "/cancel",
			Why: []string{m.does(lifecycle.CancelSession, m.target(s))}, Done: "The appointment is cancelled.",
		},
	}
}

func (m mine) payment(c curfew.Checkout) Payment {
	p := Payment{
		Plan: m.policy.NameOf(c.Plan), Amount: paid(c), Outcome: string(c.Outcome), Became: becameOf(c, m.payments[c.Payment()]), At: m.at.at(c.CreatedAt),
	}
	if l, ok := m.payments[c.Payment()]; ok {
		p.Money = moneyForCustomer(l, c)
	}
	switch c.Outcome {
	case curfew.Credited:
		p.Use = m.use(c)
		if ends := m.policy.CreditEnds(c); !ends.IsZero() && !c.Free() {
			p.Became += " Until " + m.at.at(ends).Clock() + "; then it is refunded."
		}
	case curfew.Deferred:
		p.Became += " At the latest by " + m.at.at(c.RetryUntil).Clock() + "; then it is refunded."
	case curfew.RefundDue, curfew.Refunding, curfew.Refunded:
		if back := c.Due(); back != c.Amount {
			p.Became += " Of it, " + curfew.Amount(back, c.Currency) + "."
		}
	}
	return p
}

// use lets a customer who has nothing open begin a session with a credit.
func (m mine) use(c curfew.Checkout) *Action {
	if !m.own || !m.free || c.Free() {
		return nil
	}
	return &Action{
		Name: "use", Label: "Use it…", Main: true, Call: "POST /api/sessions", Body: jsonOf(api.NewSession{Plan: c.Plan}), Ask: "Begin a session now?",
		Why: []string{"The oldest credit of " + m.policy.NameOf(c.Plan) + " pays for it. You wait for a mechanic, and nothing else is charged."}, Done: "You are waiting for a mechanic.",
	}
}
