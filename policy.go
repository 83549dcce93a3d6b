package curfew

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Settlement is how the checkout of a cancelled session is settled.
type Settlement string

// The settlements. Forfeit is only for a customer's own no-show.
const (
	Credit  Settlement = "credit"
	Refund  Settlement = "refund"
	Forfeit Settlement = "forfeit"
)

// RefundShare is the share of an appointment's price that is refunded if it is
// cancelled at least a certain time before its start.
type RefundShare struct {
	Before  time.Duration
	Percent int
}

// Policy holds the thresholds, the plans, and how payments are settled. The zero value
// is not usable: start from DefaultPolicy. Deadlines are stored in the rows, so a changed
// policy applies to states that are entered from then on.
type Policy struct {
	WaitingTTL     time.Duration // waiting for a mechanic
	MaxWait        time.Duration // no unassigned session waits longer after its creation
	OrphanTTL      time.Duration // waiting, unassigned, without an open request
	JoinTTL        time.Duration // accepted, not yet live
	JoinOffer      time.Duration // accepted, and the mechanic has not joined; 0: as long as JoinTTL
	StreamGone     time.Duration // accepted, and the mechanic's live stream has gone before they joined; 0: no matter
	NudgeAfter     time.Duration // in the queue, until the marketplace is told that nobody has accepted; 0: never
	LiveGrace      time.Duration // live beyond its planned end
	ScheduledGrace time.Duration // scheduled, slot taken at its start
	MinimumLive    time.Duration // ended by hand, a session must have been live so long to count as completed
	VeryStaleAfter time.Duration // a stale waiting session older than this is critical
	DeferTTL       time.Duration // how long a blocked payment is retried
	CreditTTL      time.Duration // how long a credit can wait to be spent; 0: for ever

	// Off names the rules that sweeps and cleanups leave alone. Admission still
	// settles the customer's own overdue session.
	Off []RuleName
	// Settle is the settlement by end reason. A missing reason means Credit, or Refund for a
	// plan whose money is taken later. Money that has not been taken yet is released
	// whatever this says, unless it is forfeited.
	Settle map[EndReason]Settlement
	// AppointmentRefund is what is refunded for an appointment that is cancelled before its
	// start: of the shares whose Before still lay ahead, the one with the longest.
	AppointmentRefund []RefundShare

	// FinishLost lets a session that has a mechanic go on although its payment was taken
	// back; otherwise it ends. RefundPart gives back what is left of a payment of which a
	// part was given back; otherwise it is held. HoldForeign holds payments that are for
	// none of the plans; otherwise they are ignored. RefuseDiscounts holds payments that a
	// coupon made smaller than the plan's price.
	FinishLost, RefundPart, HoldForeign, RefuseDiscounts bool

	// AuthorizationLife is how long a bank reserves money where the provider does not say.
	AuthorizationLife time.Duration

	BlockedRepeatedly int           // refusals of one customer before health reports it
	BlockedWindow     time.Duration // within which they count

	// FreeCancels is how many sessions of free plans a customer may cancel within the
	// FreeCancelsWindow, or end before they were live for MinimumLive, and still begin the
	// next one at once; at most 100. 0: any number.
	FreeCancels       int
	FreeCancelsWindow time.Duration

	Plans map[string]Plan
}

// DefaultPolicy returns the policy that applies when nothing is configured.
func DefaultPolicy() Policy {
	return Policy{
		WaitingTTL:        15 * time.Minute,
		MaxWait:           time.Hour,
		OrphanTTL:         20 * time.Minute,
		JoinTTL:           30 * time.Minute,
		JoinOffer:         3 * time.Minute,
		StreamGone:        time.Minute,
		NudgeAfter:        5 * time.Minute,
		LiveGrace:         15 * time.Minute,
		ScheduledGrace:    15 * time.Minute,
		MinimumLive:       time.Minute,
		VeryStaleAfter:    30 * time.Minute,
		DeferTTL:          2 * time.Hour,
		AuthorizationLife: 7 * 24 * time.Hour,
		BlockedRepeatedly: 3,
		BlockedWindow:     24 * time.Hour,
		FreeCancels:       10,
		FreeCancelsWindow: 24 * time.Hour,
		AppointmentRefund: []RefundShare{{24 * time.Hour, 100}, {2 * time.Hour, 50}},
		Plans:             BuiltinPlans(),
	}
}

// minStreamGone is the least StreamGone: processes report their open streams only every
// ten seconds.
const minStreamGone = 30 * time.Second

// Enabled reports whether sweeps and cleanups apply the rule.
func (p Policy) Enabled(name RuleName) bool { return !slices.Contains(p.Off, name) }

// Owed is the outcome of the checkout of a session that ends. The checkout of a session
// that is not cancelled stays fulfilled. Only customers who never joined, though the
// mechanic did, can forfeit a payment. Nothing was paid for a free plan, so nothing is
// refunded or forfeited: it becomes a credit.
func (p Policy) Owed(s Session, to SessionStatus, reason EndReason) Outcome {
	if to != Cancelled {
		return Fulfilled
	}
	if p.Plans[s.Plan].Free() {
		return Credited
	}
	switch settle, set := p.Settle[reason]; {
	case settle == Refund, !set && p.Plans[s.Plan].Reserves():
		return RefundDue
	case settle == Forfeit && s.CustomerJoinedAt.IsZero() && !s.MechanicJoinedAt.IsZero():
		return Forfeited
	}
	return Credited
}

// OwedBefore is what is owed for an appointment that is cancelled the given time before
// its start: a refund of a percentage of its price, or Forfeited if that is zero.
func (p Policy) OwedBefore(start time.Duration) (owed Outcome, percent int) {
	longest := time.Duration(-1)
	for _, s := range p.AppointmentRefund {
		if s.Before <= start && s.Before > longest {
			longest, percent = s.Before, s.Percent
		}
	}
	if percent == 0 {
		return Forfeited, 0
	}
	return RefundDue, percent
}

// CreditEnds is when a credit ends that has not been spent by then; zero: never.
func (p Policy) CreditEnds(c Checkout) time.Time {
	if p.CreditTTL == 0 || c.Outcome != Credited {
		return time.Time{}
	}
	return c.UpdatedAt.Add(p.CreditTTL)
}

// Validate reports the first setting that is impossible, as an error of kind Invalid.
func (p Policy) Validate() error {
	for name, d := range map[string]time.Duration{
		"waiting_ttl": p.WaitingTTL, "max_wait": p.MaxWait, "orphan_ttl": p.OrphanTTL, "join_ttl": p.JoinTTL,
		"very_stale_after": p.VeryStaleAfter, "defer_ttl": p.DeferTTL, "blocked_window": p.BlockedWindow,
		"authorization_life": p.AuthorizationLife,
	} {
		if d <= 0 {
			return Errorf(Invalid, "%s must be more than 0, not %s", name, d)
		}
	}
	if p.LiveGrace < 0 || p.ScheduledGrace < 0 || p.MinimumLive < 0 || p.CreditTTL < 0 || p.JoinOffer < 0 || p.NudgeAfter < 0 {
		return Errorf(Invalid, "live_grace, scheduled_grace, minimum_live, credit_ttl, join_offer and nudge_after must not be negative")
	}
	if p.StreamGone != 0 && p.StreamGone < minStreamGone {
		return Errorf(Invalid, "stream_gone must be 0s, or at least %s: processes report their streams every 10s", minStreamGone)
	}
	if p.BlockedRepeatedly < 1 {
		return Errorf(Invalid, "blocked_repeatedly must be at least 1, not %d", p.BlockedRepeatedly)
	}
	if p.FreeCancels < 0 || p.FreeCancels > 100 || p.FreeCancels > 0 && p.FreeCancelsWindow <= 0 {
		return Errorf(Invalid, "free_cancels must be from 1 to 100 within some time, or off: not %d within %s", p.FreeCancels, p.FreeCancelsWindow)
	}
	if err := p.validateSettle(); err != nil {
		return err
	}
	if err := p.validateShares(); err != nil {
		return err
	}
	return p.validatePlans()
}

func (p Policy) validateShares() error {
	seen := make(map[time.Duration]bool)
	for _, s := range p.AppointmentRefund {
		switch {
		case s.Before < 0 || seen[s.Before]:
			return Errorf(Invalid, "appointment_refund must name each time before the start once, from 0 on: not %s", s.Before)
		case s.Percent < 0 || s.Percent > 100:
			return Errorf(Invalid, "appointment_refund must be from 0 to 100 percent, not %d", s.Percent)
		}
		seen[s.Before] = true
	}
	return nil
}

func (p Policy) validateSettle() error {
	for reason, s := range p.Settle {
		switch {
		case !slices.Contains(EndReasons(), reason):
			return Errorf(Invalid, "settle names the unknown reason %q", reason)
		case s != Credit && s != Refund && s != Forfeit:
			return Errorf(Invalid, "settle.%s must be credit, refund or forfeit, not %q", reason, s)
		case s == Forfeit && reason != NoShow:
			return Errorf(Invalid, "settle.%s cannot be forfeit: only a customer's own no_show can", reason)
		}
	}
	return nil
}

func (p Policy) validatePlans() error {
	if len(p.Plans) == 0 {
		return Errorf(Invalid, "there must be at least one plan")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Plans)) {
		if err := p.Plans[name].validate(); err != nil {
			return fmt.Errorf("plan %s: %w", name, err)
		}
	}
	return nil
}

func (p Plan) validate() error {
	switch {
	case p.Kind != Chat && p.Kind != Video && p.Kind != Diagnostic:
		return Errorf(Invalid, "kind must be chat, video or diagnostic, not %q", p.Kind)
	case p.Duration < time.Second:
		return Errorf(Invalid, "duration must be at least a second, not %s", p.Duration)
	case p.WaitingTTL < 0 || p.JoinOffer < 0:
		return Errorf(Invalid, "waitingTtl and joinOffer must not be negative")
	case p.Price != nil && *p.Price < 0:
		return Errorf(Invalid, "price must not be negative")
	case !slices.Contains([]string{"", atPayment, atAcceptance, atLive}, p.Capture):
		return Errorf(Invalid, "capture must be at_payment, at_acceptance or at_live, not %q", p.Capture)
	case p.Reserves() && p.Extends:
		return Errorf(Invalid, "capture must be at_payment: nobody accepts the minutes of a live session")
	case p.Reserves() && p.Free():
		return Errorf(Invalid, "capture must be at_payment: nothing is paid for a free plan")
	case p.CaptureEarly && !p.Reserves():
		return Errorf(Invalid, "captureEarly needs capture at_acceptance or at_live")
	}
	return nil
}

// NameOf returns what people read for a plan: its name, or its key if it has no name or is unknown.
func (p Policy) NameOf(plan string) string {
	if name := p.Plans[plan].Name; name != "" {
		return name
	}
	return plan
}
