package timeline

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// notices is what was delivered to the customer and to endpoints, or is to be, as far as
// that is kept.
func (x *Explainer) notices(ctx context.Context, t facts, before curfew.Cursor, limit int) ([]Entry, error) {
	deliveries, err := x.store.Notices(ctx, t.customerID, before, limit)
	entries := make([]Entry, len(deliveries))
	for i, d := range deliveries {
		entries[i] = Entry{
			At: d.At(), Kind: NoticeEntry, ID: d.Subject, Number: d.Number, To: string(d.State), Sentence: noticeSentence(t, d),
			Delivery: &d, key: d.ID,
		}
	}
	return entries, err
}

// noticeSentence says who was notified of what, or why not. It never shows a whole address.
func noticeSentence(t facts, d record.Delivery) string {
	whom, how := "Endpoint "+d.Receiver(), ""
	if d.Channel == record.MailChannel {
		whom, how = "The customer", " by e-mail ("+d.Receiver()+")"
	}
	what, why := deliveryText(t, d), cmp.Or(d.Error, "no reason is known")
	switch {
	case d.State == record.DeliveryDead:
		return fmt.Sprintf("%s could not be told%s that %s, in %s: %s.", whom, how, what, attempted(d), why)
	case d.State == record.DeliveryDone && d.Error != "":
		return fmt.Sprintf("%s was not told%s that %s: %s.", whom, how, what, strings.TrimPrefix(d.Error, "not sent: "))
	case d.State == record.DeliveryDone:
		return fmt.Sprintf("%s was told%s that %s.", whom, how, what)
	case d.Failures == 0:
		return fmt.Sprintf("%s is to be told%s that %s.", whom, how, what)
	}
	return fmt.Sprintf("%s is to be told%s that %s: it is tried again then, after %s (%s).", whom, how, what, attempted(d), why)
}

func attempted(d record.Delivery) string {
	if d.Attempts == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", d.Attempts)
}

// deliveryTexts say what a delivery reports, by the kind of its event.
var deliveryTexts = map[string]string{ //nolint:gosec // G101: sentences, no secrets
	"session.scheduled":   "session %s is booked",
	"session.waiting":     "session %s waits for a mechanic",
	"session.accepted":    "a mechanic accepted session %s",
	"session.released":    "session %s is back in the queue",
	"session.transferred": "session %s was handed over to a colleague",
	"session.prolonged":   "the deadline of session %s was moved",
	"session.unaccepted":  "nobody has accepted session %s yet",
	"session.forgotten":   "session %s is back in the queue, because its mechanic did not come",
	"session.joined":      "one of its parties came into session %s",
	"session.live":        "session %s is live",
	"session.extended":    "session %s was given more time",
	"session.postponed":   "appointment %s is tried once more",
	"session.changed":     "session %s changed",
	"session.completed":   "session %s is completed",
	"session.cancelled":   "session %s is cancelled",

	"checkout.fulfilled":  "payment %s brought its session",
	"checkout.deferred":   "payment %s waits for the slot",
	"checkout.held":       "payment %s is held for an operator",
	"checkout.credited":   "payment %s is a credit",
	"checkout.refund_due": "payment %s is to be given back",
	"checkout.refunding":  "payment %s is being given back",
	"checkout.refunded":   "payment %s was given back",
	"checkout.forfeited":  "payment %s was forfeited",
	"checkout.promised":   "the money of payment %s has not come yet",
	"checkout.void":       "payment %s failed, or was taken back",
	"checkout.ignored":    "payment %s is for nothing sold here",
	"checkout.changed":    "something was noted of payment %s",
}

// deliveryText says what a delivery reports, with the reason where a session has
// ended.
func deliveryText(t facts, d record.Delivery) string {
	text := cmp.Or(deliveryTexts[d.Kind], "something happened to %s")
	if strings.HasPrefix(d.Kind, "checkout.") {
		c := t.checkout(d.Subject)
		if c.Free() && d.Kind != "checkout."+string(curfew.Fulfilled) {
			text = "nothing is owed for %s"
		}
		return fmt.Sprintf(text, payment(c))
	}
	text = fmt.Sprintf(text, d.Subject)
	ended := d.Kind == "session."+string(curfew.Cancelled) || d.Kind == "session."+string(curfew.Completed)
	if reason := t.session(d.Subject).EndReason; ended && reason != "" {
		text += " (" + string(reason) + ")"
	}
	return text
}
