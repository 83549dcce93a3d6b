package timeline

import (
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func TestNoticesInPlainSentences(t *testing.T) {
	t.Parallel()
	known := facts{
		sessions:  []curfew.Snapshot{{Session: curfew.Session{ID: "s", Status: curfew.Cancelled, EndReason: curfew.NoShow}}},
		checkouts: []curfew.Checkout{{ID: "c", Ref: "p1", Plan: "chat10", Amount: 2900, Currency: "eur"}},
	}
	const address = "kim@example.org"
	for want, d := range map[string]record.Delivery{
		"The customer was told by e-mail (k…@example.org) that session s is cancelled (no_show).": {
			Channel: record.MailChannel, Destination: address, Subject: "s", Kind: "session.cancelled", State: record.DeliveryDone, Attempts: 1,
		},
		"The customer was not told by e-mail (k…@example.org) that a mechanic accepted session s: there is nothing to tell any more.": {
			Channel: record.MailChannel, Destination: address, Subject: "s", Kind: "session.accepted", State: record.DeliveryDone, Attempts: 1,
			Error: "not sent: there is nothing to tell any more",
		},
		"The customer could not be told by e-mail (k…@example.org) that payment p1 (29.00 EUR, chat10) was given back, in 1 try: the mail server refused it for good: 550.": {
			Channel: record.MailChannel, Destination: address, Subject: "c", Kind: "checkout.refunded", State: record.DeliveryDead, Attempts: 1, Failures: 1,
			Error: "the mail server refused it for good: 550",
		},
		"Endpoint e was told that payment p1 (29.00 EUR, chat10) is to be given back.": {
			Channel: record.WebhookChannel, Destination: "e", Subject: "c", Kind: "checkout.refund_due", State: record.DeliveryDone, Attempts: 3,
		},
		"Endpoint e could not be told that session s is live, in 10 tries: it answered 500.": {
			Channel: record.WebhookChannel, Destination: "e", Subject: "s", Kind: "session.live", State: record.DeliveryDead, Attempts: 10, Failures: 10,
			Error: "it answered 500",
		},
		"Endpoint e is to be told that session s waits for a mechanic.": {
			Channel: record.WebhookChannel, Destination: "e", Subject: "s", Kind: "session.waiting", State: record.DeliveryPending,
		},
		"Endpoint e is to be told that session s waits for a mechanic: it is tried again then, after 2 tries (it answered 500).": {
			Channel: record.WebhookChannel, Destination: "e", Subject: "s", Kind: "session.waiting", State: record.DeliveryPending, Attempts: 2, Failures: 2,
			Error: "it answered 500",
		},
	} {
		if got := noticeSentence(known, d); got != want {
			t.Errorf("it says\n%s\nwant\n%s", got, want)
		}
	}
}
